#include "proxy/session/patience.h"

#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <vector>

#include "proxy/io/socket_stream.h"
#include "tests/simulation/network.h"
#include "tests/simulation/sim_proactor.h"
#include "tests/unit/proxy/upstream/driven_peer.h"

namespace poplar::session {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::seconds;
using Wake = Patience::Wake;

const io::Address kPoplar = *io::Address::Parse("192.0.2.1", 995);
const io::Address kClient = *io::Address::Parse("192.0.2.20", 0);

// A client's connection, and somebody who waits time and again with an eye on it.
class Waiting {
 public:
  explicit Waiting(uint64_t seed = 7, const simulation::Faults& faults = {})
      : world_(seed), network_(world_, faults) {
    scope_.Spawn(Accept());
    client.emplace(client_machine_, kPoplar);
    EXPECT_TRUE(Run([this] { return patience.has_value() && client->connected(); }));
  }
  ~Waiting() {
    patience->End();
    client->Shut();
    EXPECT_TRUE(Run([this] { return scope_.count() == 0 && client->done(); })) << why_not();
    input.Release();
    patience.reset();
    stream_.reset();
    client.reset();
    poplar.MustBeIdle();
    client_machine_.MustBeIdle();
  }

  // Of a wait from now on, when it has ended.
  void Wait(io::Duration time) { scope_.Spawn(WaitFor(time)); }
  bool Run(const std::function<bool()>& predicate, io::Duration most = seconds(100)) {
    return world_.RunUntil(predicate, most);
  }
  void Settle(io::Duration time = milliseconds(10)) {
    Run([] { return false; }, time);
  }
  io::Time Now() const { return world_.Now(); }
  std::string NextLine() {
    std::string_view line;
    return input.lines.Next(&line) == pop3::LineReader::Event::kLine ? std::string(line) : "(none)";
  }
  const std::string& why_not() const { return world_.why_not(); }

 private:
  simulation::World world_;
  simulation::Network network_;

 public:
  simulation::SimProactor poplar{network_, "poplar", kPoplar};

 private:
  io::Task<void> Accept() {
    const io::SocketId listener = *poplar.Listen(kPoplar, {});
    const io::Result<io::Accepted> accepted = co_await poplar.Accept(listener);
    poplar.Close(listener);
    stream_.emplace(poplar, accepted->socket);
    patience.emplace(poplar, *stream_, input);
  }
  io::Task<void> WaitFor(io::Duration time) {
    const Wake wake = co_await patience->Until(Now() + time);
    wakes.push_back(wake);
  }

  simulation::SimProactor client_machine_{network_, "client", kClient};
  io::TaskScope scope_{poplar.ready()};
  std::optional<io::SocketStream> stream_;

 public:
  ClientInput input;
  std::optional<Patience> patience;
  std::optional<upstream::DrivenPeer> client;
  std::vector<Wake> wakes;
};

TEST(PatienceTest, LastsUntilItsTime) {
  Waiting waiting;
  const io::Time begun = waiting.Now();
  waiting.Wait(seconds(3));
  waiting.Settle(milliseconds(2900));
  EXPECT_TRUE(waiting.wakes.empty());
  waiting.Run([&] { return !waiting.wakes.empty(); });
  EXPECT_EQ(waiting.wakes, std::vector{Wake::kTime});
  EXPECT_GE(waiting.Now() - begun, seconds(3));
  EXPECT_LE(waiting.Now() - begun, milliseconds(3100));
}

TEST(PatienceTest, ATimeThatHasPassedEndsItAtOnce) {
  Waiting waiting;
  waiting.Wait(-seconds(1));
  waiting.Settle(milliseconds(50));
  EXPECT_EQ(waiting.wakes, std::vector{Wake::kTime});
}

TEST(PatienceTest, ASignalWakes) {
  Waiting waiting;
  waiting.Wait(seconds(30));
  waiting.Settle();
  waiting.patience->Signal();
  waiting.Settle();
  EXPECT_EQ(waiting.wakes, std::vector{Wake::kSignal});
}

TEST(PatienceTest, ASignalThatNobodyWaitsForIsForgotten) {
  Waiting waiting;
  waiting.patience->Signal();
  waiting.Wait(seconds(1));
  waiting.Settle(seconds(2));
  EXPECT_EQ(waiting.wakes, std::vector{Wake::kTime});
  waiting.patience->Signal();
  waiting.Wait(seconds(1));
  waiting.Settle(seconds(2));
  EXPECT_EQ(waiting.wakes, (std::vector{Wake::kTime, Wake::kTime}));
}

TEST(PatienceTest, TheEndIsForGood) {
  Waiting waiting;
  waiting.Wait(seconds(30));
  waiting.Settle();
  waiting.patience->End();
  waiting.Settle();
  waiting.Wait(seconds(30));
  waiting.Settle();
  EXPECT_EQ(waiting.wakes, (std::vector{Wake::kEnded, Wake::kEnded}));
}

TEST(PatienceTest, TheFirstCauseCounts) {
  Waiting waiting;
  waiting.Wait(seconds(30));
  waiting.Settle();
  waiting.patience->Signal();
  waiting.patience->End();
  waiting.Settle();
  EXPECT_EQ(waiting.wakes, std::vector{Wake::kSignal});
}

TEST(PatienceTest, AClientThatClosesEndsItForGood) {
  Waiting waiting;
  waiting.Wait(seconds(30));
  waiting.Settle();
  waiting.client->HalfClose();
  waiting.Settle();
  ASSERT_EQ(waiting.wakes, std::vector{Wake::kClientLeft});
  EXPECT_EQ(waiting.patience->client_error(), 0);
  waiting.Wait(seconds(30));
  waiting.Settle();
  EXPECT_EQ(waiting.wakes, (std::vector{Wake::kClientLeft, Wake::kClientLeft}));
}

TEST(PatienceTest, AClientThatResetsEndsIt) {
  Waiting waiting;
  waiting.Wait(seconds(30));
  waiting.Settle();
  waiting.client->Reset();
  waiting.Settle();
  ASSERT_EQ(waiting.wakes, std::vector{Wake::kClientLeft});
  EXPECT_EQ(waiting.patience->client_error(), ECONNRESET);
}

TEST(PatienceTest, AClientThatHadClosedBeforeIsSeen) {
  Waiting waiting;
  waiting.client->HalfClose();
  waiting.Settle();
  waiting.Wait(seconds(30));
  waiting.Settle();
  EXPECT_EQ(waiting.wakes, std::vector{Wake::kClientLeft});
}

TEST(PatienceTest, WhatTheClientSendsIsKeptWithoutABuffer) {
  Waiting waiting;
  waiting.Wait(seconds(3));
  waiting.Settle();
  EXPECT_EQ(waiting.poplar.buffers().in_use(), 0u);
  waiting.client->Send("STAT\r\nQUIT\r\n");
  waiting.Settle();
  EXPECT_TRUE(waiting.wakes.empty());
  EXPECT_EQ(waiting.poplar.buffers().in_use(), 0u);
  waiting.Settle(seconds(3));
  EXPECT_EQ(waiting.wakes, std::vector{Wake::kTime});
  // Only the first read: who sends ahead is held back by TCP, not by our memory.
  std::string first = waiting.NextLine();
  if (first == "(none)") first = "S";
  EXPECT_EQ(first.front(), 'S');
  EXPECT_GT(waiting.patience->bytes_received(), 0u);
  EXPECT_LE(waiting.patience->bytes_received(), 12u);
}

TEST(PatienceTest, NoMoreIsReadWhileCommandsLieThere) {
  Waiting waiting;
  waiting.Wait(seconds(3));
  waiting.Settle();
  waiting.client->Send("STAT\r\n");
  waiting.Settle();
  const uint64_t read = waiting.patience->bytes_received();
  EXPECT_GT(read, 0u);
  for (int i = 0; i < 100; ++i) waiting.client->Send(std::string(1000, 'x'));
  // It may have closed its half only, and still want the answers.
  waiting.client->HalfClose();
  waiting.Settle(seconds(2));
  EXPECT_TRUE(waiting.wakes.empty());
  EXPECT_EQ(waiting.patience->bytes_received(), read);
  waiting.Settle(seconds(2));
  EXPECT_EQ(waiting.wakes, std::vector{Wake::kTime});
}

// Bytes and the end of a wait meet at any instant: each byte is either kept or still to be read.
TEST(PatienceTest, NoByteIsLostAtTheEndOfAWait) {
  int kept = 0;
  constexpr std::string_view kSent = "STAT\r\nQUIT\r\n";
  for (uint64_t seed = 1; seed <= 200; ++seed) {
    SCOPED_TRACE(seed);
    Waiting waiting(seed, {.cancel_delay_max = microseconds(300)});
    waiting.Wait(seconds(10));
    waiting.Settle();
    waiting.client->Send(kSent);
    waiting.Settle(microseconds(seed));
    waiting.patience->Signal();
    waiting.Settle();
    ASSERT_EQ(waiting.wakes, std::vector{Wake::kSignal});
    std::string all(waiting.input.lines.unread());
    EXPECT_EQ(all.size(), waiting.patience->bytes_received());
    kept += all.empty() ? 0 : 1;
    // What has not come yet comes with later waits.
    while (all.size() < kSent.size()) {
      (void)waiting.input.lines.TakeRest();
      waiting.Wait(milliseconds(100));
      waiting.Settle(milliseconds(200));
      all += waiting.input.lines.unread();
      ASSERT_EQ(all.size(), waiting.patience->bytes_received());
      if (waiting.input.lines.unread().empty()) break;
    }
    EXPECT_EQ(all, kSent);
  }
  EXPECT_GT(kept, 20);
  EXPECT_LT(kept, 180);
}

}  // namespace
}  // namespace poplar::session
