#include "proxy/io/epoll_proactor.h"

#include <gtest/gtest.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <optional>
#include <string>
#include <vector>

#include "tests/unit/proxy/io/few_descriptors.h"
#include "tests/unit/proxy/io/real_world.h"

// What both real worlds do is judged by proactor_test.cc and its neighbours.

namespace poplar::io {
namespace {

using std::chrono::milliseconds;

TEST(EpollProactorCreate, ReportsEveryLackOfDescriptors) {
#if __has_feature(address_sanitizer)
  GTEST_SKIP()
      << "the sanitizer's own check of vtables opens a pipe, and takes a failure for a bug";
#endif
  const SystemClock clock;
  SystemRandom random;
  // None for epoll; one for epoll, none for the eventfd.
  for (const int left : {0, 1}) {
    const FewDescriptors few(left);
    const auto created = EpollProactor::Create(clock, random, {});
    ASSERT_FALSE(created) << left;
    EXPECT_EQ(created.error().code, EMFILE);
  }
}

class EpollProactorTest : public RealWorldTest {
 protected:
  EpollProactorTest() { engine_ = Engine::kEpoll; }
};

Task<void> KeepRead(Proactor& proactor, SocketId socket, std::optional<std::string>& into) {
  const Result<Buffer> some = co_await proactor.Receive(socket);
  into = some ? std::string(some->bytes()) : some.error().Text();
}

Task<void> KeepOneByte(Stream& stream, std::string& into) {
  into = co_await RealWorldTest::ReadBytes(stream, 1);
}

// Connected sockets without streams around them: [0] connects, [1] accepts.
Task<std::array<SocketId, 2>> ConnectSockets(Proactor& proactor, SocketId listener) {
  const SocketId near = *proactor.OpenSocket(AF_INET);
  EXPECT_TRUE(co_await proactor.Connect(near, proactor.LocalAddress(listener)));
  const Result<Accepted> accepted = co_await proactor.Accept(listener);
  EXPECT_TRUE(accepted);
  co_return std::array{near, accepted->socket};
}

Task<void> ReadAroundUrgentData(RealWorldTest& test) {
  Proactor& proactor = *test.proactor_;
  const SocketId listener = *proactor.Listen(Address::Loopback(0), {});
  const auto ends = co_await ConnectSockets(proactor, listener);
  std::optional<std::string> first;
  TaskScope scope(proactor.ready());
  scope.Spawn(KeepRead(proactor, ends[1], first));
  EXPECT_TRUE(co_await proactor.Send(ends[0], "before"));
  co_await scope.Empty();  // from here on less than asked for means that nothing is left
  const int raw = static_cast<int>(ends[0]);
  EXPECT_EQ(send(raw, "abc", 3, 0), 3);
  EXPECT_EQ(send(raw, "!", 1, MSG_OOB), 1);
  EXPECT_EQ(send(raw, "def", 3, 0), 3);
  std::string bytes;
  while (bytes.size() < 6) {
    const Result<Buffer> some = co_await proactor.Receive(ends[1]);
    EXPECT_TRUE(some && !some->empty());
    if (!some || some->empty()) break;
    bytes.append(some->bytes());
  }
  EXPECT_EQ(bytes, "abcdef");
  for (const SocketId end : ends) proactor.Close(end);
  co_await test.CloseListener(listener);
}
TEST_F(EpollProactorTest, AMarkOfUrgentDataHidesNothingBehindIt) {
  Run(ReadAroundUrgentData(*this));
}

Task<void> Idle(RealWorldTest& test) {
  constexpr size_t kConnections = 50;
  Proactor& proactor = *test.proactor_;
  const SocketId listener = *proactor.Listen(Address::Loopback(0), {});
  std::vector<RealWorldTest::Pair> pairs;
  std::vector<std::string> reads(kConnections);
  TaskScope scope(proactor.ready());
  for (size_t i = 0; i < kConnections; ++i) {
    pairs.push_back(co_await test.Connect(listener));
    scope.Spawn(KeepOneByte(*pairs[i][1], reads[i]));
  }
  co_await proactor.Sleep(milliseconds(1));
  EXPECT_EQ(proactor.buffers().in_use(), 0u);
  for (const auto& pair : pairs) EXPECT_TRUE(co_await pair[0]->Write("x"));
  co_await scope.Empty();
  for (const std::string& read : reads) EXPECT_EQ(read, "x");
  co_await test.CloseListener(listener);
}
TEST_F(EpollProactorTest, AnIdleConnectionHoldsNoBuffer) { Run(Idle(*this)); }

int BytesWaiting(SocketId socket) {
  int count = 0;
  ioctl(static_cast<int>(socket), FIONREAD, &count);
  return count;
}

Task<void> KeepSent(Proactor& proactor, SocketId socket, std::string_view bytes, bool& sent) {
  sent = (co_await proactor.Send(socket, bytes)).has_value();
}

// More is waiting than one turn may take: the loop must look at the others in between.
Task<void> ReadMuch(RealWorldTest& test) {
  constexpr int kMost = 5;  // one that was waited for, and what a socket may get at once
  Proactor& proactor = *test.proactor_;
  const SocketId listener = *proactor.Listen(Address::Loopback(0), {});
  const auto ends = co_await ConnectSockets(proactor, listener);
  const int room = 1 << 20;
  setsockopt(static_cast<int>(ends[1]), SOL_SOCKET, SO_RCVBUF, &room, sizeof(room));
  const std::string much = Pattern(size_t{1} << 20, 5);
  bool sent = false;
  TaskScope scope(proactor.ready());
  scope.Spawn(KeepSent(proactor, ends[0], much, sent));
  while (BytesWaiting(ends[1]) < 7 * static_cast<int>(kReceiveBytesMax)) {
    co_await proactor.Sleep(milliseconds(1));
  }
  uint64_t turn = 0;
  int in_this_turn = 0;
  size_t left = much.size();
  while (left > 0) {
    const Result<Buffer> some = co_await proactor.Receive(ends[1]);
    if (!some || some->empty()) break;
    left -= some->size();
    const uint64_t now = proactor.counters().turns;
    in_this_turn = std::exchange(turn, now) == now ? in_this_turn + 1 : 1;
    EXPECT_LE(in_this_turn, kMost);
  }
  EXPECT_EQ(left, 0u);
  co_await scope.Empty();
  EXPECT_TRUE(sent);
  for (const SocketId end : ends) proactor.Close(end);
  co_await test.CloseListener(listener);
}
TEST_F(EpollProactorTest, OneThatHasMuchDoesNotHoldUpTheOthers) { Run(ReadMuch(*this)); }

Task<void> WriteMuch(RealWorldTest& test) {
  constexpr int kMost = 5;
  RealWorldTest::Pair pair = co_await test.Connect();
  uint64_t turn = 0;
  int in_this_turn = 0;
  for (int i = 0; i < 100; ++i) {
    EXPECT_TRUE(co_await pair[0]->Write("word"));
    const uint64_t now = test.proactor_->counters().turns;
    in_this_turn = std::exchange(turn, now) == now ? in_this_turn + 1 : 1;
    EXPECT_LE(in_this_turn, kMost);
  }
  EXPECT_EQ((co_await RealWorldTest::ReadBytes(*pair[1], 400)).size(), 400u);
}
TEST_F(EpollProactorTest, NorDoesOneThatSendsAndSends) { Run(WriteMuch(*this)); }

// A forked child may keep a closed socket open for a while, and epoll goes on telling of it under a
// number that is another's by then.
Task<void> HearOfTheDead(RealWorldTest& test) {
  Proactor& proactor = *test.proactor_;
  const SocketId listener = *proactor.Listen(Address::Loopback(0), {});
  const auto old = co_await ConnectSockets(proactor, listener);
  std::optional<std::string> read;
  TaskScope scope(proactor.ready());
  scope.Spawn(KeepRead(proactor, old[0], read));
  EXPECT_TRUE(co_await proactor.Send(old[1], "x"));
  co_await scope.Empty();
  const int kept = dup(static_cast<int>(old[0]));
  proactor.Close(old[0]);
  const auto fresh = co_await ConnectSockets(proactor, listener);
  EXPECT_EQ(fresh[0], old[0]) << "the test needs the number again";
  read.reset();
  scope.Spawn(KeepRead(proactor, fresh[0], read));
  EXPECT_TRUE(co_await proactor.Send(old[1], "to the dead"));
  const uint64_t turns = proactor.counters().turns;
  co_await proactor.Sleep(milliseconds(20));
  EXPECT_FALSE(read.has_value());
  EXPECT_LE(proactor.counters().turns, turns + 10) << "it spins";
  EXPECT_TRUE(co_await proactor.Send(fresh[1], "to the living"));
  co_await scope.Empty();
  EXPECT_EQ(read, "to the living");
  close(kept);
  for (const SocketId socket : {old[1], fresh[0], fresh[1]}) proactor.Close(socket);
  co_await test.CloseListener(listener);
}
TEST_F(EpollProactorTest, AStaleHintEndsNothing) { Run(HearOfTheDead(*this)); }

}  // namespace
}  // namespace poplar::io
