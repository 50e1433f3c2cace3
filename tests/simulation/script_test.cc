#include "tests/simulation/script.h"

#include <gtest/gtest.h>

#include <optional>
#include <string>

#include "proxy/io/task_scope.h"
#include "tests/simulation/network.h"
#include "tests/simulation/world.h"

namespace poplar::simulation {
namespace {

using io::Address;
using io::Result;
using io::Task;
using std::chrono::hours;

// What a script of one side made of it.
struct Heard {
  std::string lines;
  int error = 0;
  bool done = false;
};

Task<void> Speak(SimProactor& proactor, io::SocketId listener, std::string bytes, bool reset) {
  const Result<io::Accepted> accepted = co_await proactor.Accept(listener);
  ScriptedPeer peer(proactor, accepted->socket);
  co_await peer.Send(bytes);
  if (reset) {
    peer.Reset();
  } else {
    co_await peer.ShutdownWrite();
    co_await peer.ReadToEnd();
  }
}

Task<void> Listen(SimProactor& proactor, Address to, Heard& heard) {
  ScriptedPeer peer(proactor);
  const Result<> connected = co_await peer.Connect(to);
  EXPECT_TRUE(connected.has_value());
  while (true) {
    const Result<std::string> line = co_await peer.ReadLine(20);
    if (!line) {
      heard.error = line.error().code;
      break;
    }
    heard.lines += *line + "|";
  }
  heard.done = true;
}

Heard HearLines(const std::string& bytes, size_t segment_bytes_max, bool reset = false) {
  World world(5);
  Network network(world, Faults{.segment_bytes_max = segment_bytes_max});
  SimProactor proactor(network, "machine", Address::Loopback(0));
  io::TaskScope scope(proactor.ready());
  const io::SocketId listener = *proactor.Listen(Address::Loopback(0), {});
  Heard heard;
  scope.Spawn(Speak(proactor, listener, bytes, reset));
  scope.Spawn(Listen(proactor, proactor.LocalAddress(listener), heard));
  world.MustReach("both are done", [&] { return scope.count() == 0; }, hours(1));
  proactor.Close(listener);
  proactor.MustBeIdle();
  return heard;
}

TEST(ScriptTest, ReadsLinesHoweverTheyAreCut) {
  for (const size_t piece : {1, 2, 3, 1000}) {
    const Heard heard = HearLines("+OK hello\r\n\r\nbare\n.\r\nrest", piece);
    EXPECT_EQ(heard.lines, "+OK hello||bare|.|");
    EXPECT_EQ(heard.error, ECONNRESET) << "the stream ends within a line";
  }
}

TEST(ScriptTest, BoundsALine) { EXPECT_EQ(HearLines(std::string(100, 'x'), 7).error, EMSGSIZE); }

TEST(ScriptTest, AResetIsAnError) { EXPECT_EQ(HearLines("", 7, true).error, ECONNRESET); }

Task<void> Expect(SimProactor& proactor, Address to, std::string line, std::string exactly,
                  std::string rest, bool& done) {
  ScriptedPeer peer(proactor);
  co_await peer.Connect(to);
  const Result<> expected = co_await peer.ExpectLine(line);
  EXPECT_TRUE(expected.has_value());
  const Result<std::string> some = co_await peer.ReadExactly(exactly.size());
  EXPECT_EQ(*some, exactly);
  const Result<std::string> end = co_await peer.ReadToEnd();
  EXPECT_EQ(*end, rest);
  done = true;
}

void RunExpect(const std::string& line) {
  World world(6);
  Network network(world, Faults{.segment_bytes_max = 3});
  SimProactor proactor(network, "machine", Address::Loopback(0));
  io::TaskScope scope(proactor.ready());
  const io::SocketId listener = *proactor.Listen(Address::Loopback(0), {});
  bool done = false;
  scope.Spawn(Speak(proactor, listener, "+OK ready\r\n12345the rest", false));
  scope.Spawn(Expect(proactor, proactor.LocalAddress(listener), line, "12345", "the rest", done));
  world.MustReach("both are done", [&] { return done && scope.count() == 0; }, hours(1));
  proactor.Close(listener);
}

TEST(ScriptTest, ExpectsLinesAndBytes) { RunExpect("+OK ready"); }

TEST(ScriptDeathTest, AnotherLineThanExpectedFailsTheWorld) {
  EXPECT_DEATH(RunExpect("-ERR"), "expected \"-ERR\", got \"\\+OK ready\"");
}

}  // namespace
}  // namespace poplar::simulation
