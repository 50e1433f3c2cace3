#include "proxy/io/proactor.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "proxy/io/deadline.h"
#include "proxy/io/sync.h"
#include "tests/unit/proxy/io/both_engines.h"
#include "tests/unit/proxy/io/real_world.h"
#include "tests/unit/proxy/io/tcp_segments.h"

namespace poplar::io {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

class ProactorTest : public OnEngine<RealWorldTest> {};

Task<void> KeepRead(Stream& stream, std::optional<Result<Buffer>>& into) {
  into = co_await stream.Read();
}

Task<void> KeepWrite(Stream& stream, std::string_view bytes, std::optional<Result<>>& into) {
  into = co_await stream.Write(bytes);
}

Task<void> KeepConnect(SocketStream& stream, Address to, std::optional<Result<>>& into) {
  into = co_await stream.Connect(to);
}

Task<void> KeepBytes(Stream& stream, size_t count, std::string& into) {
  into = co_await RealWorldTest::ReadBytes(stream, count);
}

Task<void> Echo(RealWorldTest& test) {
  const RealWorldTest::Pair pair = co_await test.Connect();
  EXPECT_TRUE(co_await pair[0]->Write("ping"));
  const Result<Buffer> ping = co_await pair[1]->Read();
  EXPECT_EQ(ping->bytes(), "ping");
  EXPECT_TRUE(co_await pair[1]->Write(ping->bytes()));
  EXPECT_EQ(co_await RealWorldTest::ReadBytes(*pair[0], 4), "ping");
  EXPECT_TRUE(co_await pair[0]->Write(""));
}
TEST_P(ProactorTest, Echoes) { Run(Echo(*this)); }

Task<void> BothWays(RealWorldTest& test) {
  constexpr size_t kBytes = 3'000'001;
  const RealWorldTest::Pair pair = co_await test.Connect();
  const std::string sent[2] = {Pattern(kBytes, 1), Pattern(kBytes, 2)};
  std::optional<Result<>> written[2];
  std::string received[2];
  TaskScope scope(test.proactor_->ready());
  for (int i = 0; i < 2; ++i) {
    scope.Spawn(KeepWrite(*pair[i], sent[i], written[i]));
    scope.Spawn(KeepBytes(*pair[1 - i], kBytes, received[i]));
  }
  co_await scope.Empty();
  for (int i = 0; i < 2; ++i) {
    EXPECT_TRUE(*written[i]);
    EXPECT_TRUE(received[i] == sent[i]) << received[i].size() << " bytes received";
  }
}
TEST_P(ProactorTest, CarriesMegabytesBothWaysAtOnce) { Run(BothWays(*this)); }

Task<void> InOnePacket(RealWorldTest& test, bool finish) {
  const SocketId listener = *test.proactor_->Listen(Address::Loopback(0), {});
  auto near = std::move(*OpenStream(*test.proactor_, AF_INET));
  EXPECT_TRUE(co_await near->Connect(test.proactor_->LocalAddress(listener)));
  const Result<Accepted> accepted = co_await test.proactor_->Accept(listener);
  SocketStream far(*test.proactor_, accepted->socket);
  const unsigned before = SegmentsReceived(static_cast<int>(accepted->socket));
  for (const char* part : {"one ", "two "}) EXPECT_TRUE(co_await near->WriteMore(part));
  if (finish) {
    EXPECT_TRUE(co_await near->Finish("three"));
  } else {
    EXPECT_TRUE(co_await near->Write("three"));
  }
  const size_t up_to_the_end = finish ? 14 : 13;
  EXPECT_EQ(co_await RealWorldTest::ReadBytes(far, up_to_the_end), "one two three");
  EXPECT_EQ(SegmentsReceived(static_cast<int>(accepted->socket)), before + 1);
  EXPECT_TRUE(co_await far.Write("still heard"));
  EXPECT_EQ(co_await RealWorldTest::ReadBytes(*near, 11), "still heard");
  co_await test.CloseListener(listener);
}
TEST_P(ProactorTest, WhatMoreFollowsTravelsWithIt) { Run(InOnePacket(*this, false)); }
TEST_P(ProactorTest, FinishesInOnePacket) { Run(InOnePacket(*this, true)); }

Task<void> KnowsOfMore(RealWorldTest& test) {
  const RealWorldTest::Pair pair = co_await test.Connect();
  EXPECT_TRUE(co_await pair[0]->Write(std::string(kReceiveBytesMax + 1, 'x')));
  const Result<Buffer> first = co_await pair[1]->Read();
  EXPECT_EQ(first->size(), kReceiveBytesMax);
  EXPECT_TRUE(pair[1]->MoreWaits());
  const Result<Buffer> second = co_await pair[1]->Read();
  EXPECT_EQ(second->size(), 1u);
  EXPECT_FALSE(pair[1]->MoreWaits());
}
TEST_P(ProactorTest, KnowsWhetherMoreWaits) { Run(KnowsOfMore(*this)); }

// Of what waits, a large buffer's worth once the first read was full; while nothing does, none is
// held.
Task<void> TakesMuch(RealWorldTest& test) {
  const SocketId listener = *test.proactor_->Listen(Address::Loopback(0), {});
  auto near = std::move(*OpenStream(*test.proactor_, AF_INET, Takes::kMuch));
  EXPECT_TRUE(co_await near->Connect(test.proactor_->LocalAddress(listener)));
  const Result<Accepted> accepted = co_await test.proactor_->Accept(listener);
  SocketStream far(*test.proactor_, accepted->socket);
  std::string sent(4 * kLargeReceiveBytesMax, '\0');
  for (size_t i = 0; i < sent.size(); ++i) sent[i] = static_cast<char>('a' + i % 26);
  TaskScope scope(test.proactor_->ready());
  std::optional<Result<>> written;
  scope.Spawn(KeepWrite(far, sent, written));
  std::string received;
  std::vector<size_t> sizes;
  while (received.size() < sent.size()) {
    const Result<Buffer> some = co_await near->Read();
    EXPECT_TRUE(some && !some->empty());
    if (!some || some->empty()) break;
    received += some->bytes();
    sizes.push_back(some->size());
  }
  EXPECT_TRUE(received == sent);
  const size_t most = *std::max_element(sizes.begin(), sizes.end());
  EXPECT_GT(most, kReceiveBytesMax);
  EXPECT_LE(most, kLargeReceiveBytesMax);
  co_await scope.Empty();
  // As a node that stops in the midst of a message.
  EXPECT_TRUE(co_await far.Write(std::string(kReceiveBytesMax, 'x')));
  EXPECT_EQ((co_await near->Read())->size(), kReceiveBytesMax);
  const size_t before = test.proactor_->buffers().in_use();
  std::string late;
  scope.Spawn(KeepBytes(*near, 4, late));
  co_await test.proactor_->Sleep(std::chrono::milliseconds(1));
  EXPECT_LE(test.proactor_->buffers().in_use(), before);
  EXPECT_TRUE(co_await far.Write("late"));
  co_await scope.Empty();
  EXPECT_EQ(late, "late");
  co_await test.CloseListener(listener);
}
TEST_P(ProactorTest, TakesMuchOfWhatWaits) { Run(TakesMuch(*this)); }

// The end behind a full buffer is the next read's.
Task<void> EndsBehindMuch(RealWorldTest& test, bool reset) {
  const SocketId listener = *test.proactor_->Listen(Address::Loopback(0), {});
  auto near = std::move(*OpenStream(*test.proactor_, AF_INET, Takes::kMuch));
  EXPECT_TRUE(co_await near->Connect(test.proactor_->LocalAddress(listener)));
  const Result<Accepted> accepted = co_await test.proactor_->Accept(listener);
  auto far = std::make_unique<SocketStream>(*test.proactor_, accepted->socket);
  EXPECT_TRUE(co_await far->Write(std::string(kReceiveBytesMax, 'x')));
  const linger at_once{.l_onoff = reset ? 1 : 0, .l_linger = 0};
  setsockopt(static_cast<int>(accepted->socket), SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
  far.reset();
  const Result<Buffer> mail = co_await near->Read();
  EXPECT_TRUE(mail && mail->size() == kReceiveBytesMax);
  const Result<Buffer> end = co_await near->Read();
  if (reset) {
    EXPECT_TRUE(!end && end.error().reset());
  } else {
    EXPECT_TRUE(end && end->empty());
  }
  co_await test.CloseListener(listener);
}
TEST_P(ProactorTest, AnEndBehindAFullBufferIsNotLost) { Run(EndsBehindMuch(*this, false)); }
TEST_P(ProactorTest, AResetBehindAFullBufferIsNotLost) { Run(EndsBehindMuch(*this, true)); }

Task<void> HalfClose(RealWorldTest& test) {
  const RealWorldTest::Pair pair = co_await test.Connect();
  EXPECT_TRUE(co_await pair[0]->Write("last"));
  EXPECT_TRUE(co_await pair[0]->ShutdownWrite());
  EXPECT_EQ(co_await RealWorldTest::ReadBytes(*pair[1], 4), "last");
  for (int i = 0; i < 2; ++i) {
    const Result<Buffer> end = co_await pair[1]->Read();
    EXPECT_TRUE(end && end->empty());
  }
  EXPECT_TRUE(co_await pair[1]->Write("still heard"));
  EXPECT_EQ(co_await RealWorldTest::ReadBytes(*pair[0], 11), "still heard");
}
TEST_P(ProactorTest, TheEndOfOneDirectionLeavesTheOther) { Run(HalfClose(*this)); }

Task<void> PeerCloses(RealWorldTest& test) {
  RealWorldTest::Pair pair = co_await test.Connect();
  EXPECT_TRUE(co_await pair[1]->Write("unread"));
  pair[1].reset();
  EXPECT_EQ(co_await RealWorldTest::ReadBytes(*pair[0], 6), "unread");
  const Result<Buffer> end = co_await pair[0]->Read();
  EXPECT_TRUE(end && end->empty());
  // The first write provokes a reset; in the end the socket says so, and nothing raises SIGPIPE.
  Result<> written;
  while (written) written = co_await pair[0]->Write("into the void");
  EXPECT_TRUE(written.error().reset()) << written.error().Text();
}
TEST_P(ProactorTest, ClosingEndsThePeersStream) { Run(PeerCloses(*this)); }

Task<void> CancelThenRead(RealWorldTest& test) {
  const RealWorldTest::Pair pair = co_await test.Connect();
  pair[1]->CancelRead();  // nothing to do
  for (int round = 0; round < 3; ++round) {
    std::optional<Result<Buffer>> read;
    TaskScope scope(test.proactor_->ready());
    scope.Spawn(KeepRead(*pair[1], read));
    co_await test.proactor_->Sleep(Duration::zero());  // begun by then
    EXPECT_FALSE(read.has_value());
    pair[1]->CancelRead();
    pair[1]->CancelRead();
    co_await scope.Empty();
    EXPECT_TRUE(!*read && read->error().cancelled());
    EXPECT_TRUE(co_await pair[0]->Write("later"));
    EXPECT_EQ(co_await RealWorldTest::ReadBytes(*pair[1], 5), "later");
  }
}
TEST_P(ProactorTest, ACancelledReceiveMayBeBegunAnew) { Run(CancelThenRead(*this)); }

Task<void> WriteInPieces(Stream& stream, std::string_view bytes, Random& random) {
  while (!bytes.empty()) {
    const size_t size = std::min<size_t>(bytes.size(), 1 + random.Next() % 3000);
    EXPECT_TRUE(co_await stream.Write(bytes.substr(0, size)));
    bytes.remove_prefix(size);
  }
}

Task<void> ReadThroughCancels(Stream& stream, size_t count, std::string& into, int& cancelled) {
  while (into.size() < count) {
    const Result<Buffer> some = co_await stream.Read();
    if (some && some->empty()) break;
    if (some) {
      into.append(some->bytes());
    } else if (some.error().cancelled()) {
      ++cancelled;
    } else {
      break;
    }
  }
}

// Yields: lets the loop turn once.
Task<void> Turn(Proactor& proactor) {
  Event event(proactor.ready());
  proactor.PostFromAnyThread([&event] { event.Signal(); });
  co_await event.Wait();
}

Task<void> CancelAgainstData(RealWorldTest& test) {
  const RealWorldTest::Pair pair = co_await test.Connect();
  const std::string sent = Pattern(1'000'000, 3);
  std::string received;
  int cancelled = 0;
  TaskScope scope(test.proactor_->ready());
  scope.Spawn(WriteInPieces(*pair[0], sent, test.random_));
  scope.Spawn(ReadThroughCancels(*pair[1], sent.size(), received, cancelled));
  while (received.size() < sent.size()) {
    pair[1]->CancelRead();
    co_await Turn(*test.proactor_);
  }
  co_await scope.Empty();
  EXPECT_TRUE(received == sent) << received.size();
  RealWorldTest::RecordProperty("cancelled", cancelled);
}
TEST_P(ProactorTest, CancellingLosesNoByte) { Run(CancelAgainstData(*this)); }

Task<void> AbortBoth(RealWorldTest& test) {
  const RealWorldTest::Pair pair = co_await test.Connect();
  const std::string much = Pattern(size_t{32} << 20, 4);
  std::optional<Result<Buffer>> read;
  std::optional<Result<>> written;
  TaskScope scope(test.proactor_->ready());
  scope.Spawn(KeepRead(*pair[0], read));
  scope.Spawn(KeepWrite(*pair[0], much, written));
  // Some of it arrives: the send is half done when it is ended.
  EXPECT_EQ((co_await RealWorldTest::ReadBytes(*pair[1], 1)).substr(0, 1), much.substr(0, 1));
  EXPECT_FALSE(read.has_value());
  EXPECT_FALSE(written.has_value());
  pair[0]->Abort();
  pair[0]->Abort();
  co_await scope.Empty();
  EXPECT_TRUE(!*read && read->error().cancelled());
  EXPECT_TRUE(!*written && written->error().cancelled());
  EXPECT_TRUE((co_await pair[0]->Read()).error().cancelled());
  EXPECT_TRUE((co_await pair[0]->Write("x")).error().cancelled());
}
TEST_P(ProactorTest, AbortEndsReceiveAndSend) { Run(AbortBoth(*this)); }

// A listener that takes one connection and lets the others wait for an answer to their SYN.
Task<void> AbortConnects(RealWorldTest& test) {
  const SocketId listener = *test.proactor_->Listen(Address::Loopback(0), {.backlog = 0});
  const Address address = test.proactor_->LocalAddress(listener);
  constexpr size_t kConnects = 8;
  std::vector<std::unique_ptr<SocketStream>> streams;
  std::optional<Result<>> results[kConnects];
  TaskScope scope(test.proactor_->ready());
  for (auto& result : results) {
    streams.push_back(std::move(*OpenStream(*test.proactor_, address.family())));
    scope.Spawn(KeepConnect(*streams.back(), address, result));
  }
  co_await Turn(*test.proactor_);
  for (const auto& stream : streams) stream->Abort();
  co_await scope.Empty();
  size_t cancelled = 0;
  for (const auto& result : results) {
    if (!*result) EXPECT_TRUE(result->error().cancelled()) << result->error().Text();
    if (!*result) ++cancelled;
  }
  EXPECT_GE(cancelled, 1u);
  co_await test.CloseListener(listener);
}
TEST_P(ProactorTest, AbortEndsConnects) { Run(AbortConnects(*this)); }

Task<void> DeadlinePasses(RealWorldTest& test) {
  constexpr Duration kTimeout = milliseconds(50);
  const RealWorldTest::Pair pair = co_await test.Connect();
  const Time begun = test.clock_.Now();
  Deadline deadline(*test.proactor_, kTimeout, *pair[0]);
  const Result<Buffer> read = co_await pair[0]->Read();
  EXPECT_TRUE(!read && read.error().cancelled());
  EXPECT_TRUE(deadline.expired());
  EXPECT_GE(test.clock_.Now() - begun, kTimeout);
}
TEST_P(ProactorTest, ADeadlineEndsAReceive) { Run(DeadlinePasses(*this)); }

Task<void> SleepAndNote(Proactor& proactor, int count, std::vector<int>& order) {
  const Time begun = proactor.Now();
  co_await proactor.Sleep(milliseconds(20) * count);
  EXPECT_GE(proactor.Now() - begun, milliseconds(20) * count);
  order.push_back(count);
}

Task<void> SleepInOrder(RealWorldTest& test) {
  std::vector<int> order;
  TaskScope scope(test.proactor_->ready());
  for (const int count : {3, 1, 4, 0, 2}) {
    scope.Spawn(SleepAndNote(*test.proactor_, count, order));
  }
  co_await scope.Empty();
  EXPECT_EQ(order, (std::vector<int>{0, 1, 2, 3, 4}));
}
TEST_P(ProactorTest, TimersFireInOrderAndNeverEarly) { Run(SleepInOrder(*this)); }

Task<void> Refused(RealWorldTest& test) {
  const SocketId listener = *test.proactor_->Listen(Address::Loopback(0), {});
  const Address address = test.proactor_->LocalAddress(listener);
  test.proactor_->Close(listener);
  const auto stream = std::move(*OpenStream(*test.proactor_, address.family()));
  const Result<> connected = co_await stream->Connect(address);
  EXPECT_TRUE(!connected && connected.error().code == ECONNREFUSED);
}
TEST_P(ProactorTest, AConnectMayBeRefused) { Run(Refused(*this)); }

void CloseDies(Proactor& proactor, SocketId socket) {
  EXPECT_DEATH(proactor.Close(socket), "receive == nullptr");
}

Task<void> CloseInFlight(RealWorldTest& test) {
  const SocketId listener = *test.proactor_->Listen(Address::Loopback(0), {});
  const SocketId socket = *test.proactor_->OpenSocket(AF_INET);
  {
    SocketStream stream(*test.proactor_, socket);
    EXPECT_TRUE(co_await stream.Connect(test.proactor_->LocalAddress(listener)));
    std::optional<Result<Buffer>> read;
    TaskScope scope(test.proactor_->ready());
    scope.Spawn(KeepRead(stream, read));
    co_await Turn(*test.proactor_);
    CloseDies(*test.proactor_, socket);
    stream.Abort();
    co_await scope.Empty();
  }
  co_await test.CloseListener(listener);
}
TEST_P(ProactorTest, ClosingUnderAReceiveIsABrokenInvariant) { Run(CloseInFlight(*this)); }

Task<void> Posted(RealWorldTest& test) {
  constexpr int kPosts = 1000;
  Event done(test.proactor_->ready());
  std::vector<int> order;
  const std::thread::id loop = std::this_thread::get_id();
  std::thread poster([&] {
    for (int i = 0; i < kPosts; ++i) {
      test.proactor_->PostFromAnyThread([&order, &done, i, loop] {
        EXPECT_EQ(std::this_thread::get_id(), loop);
        order.push_back(i);
        if (i + 1 == kPosts) done.Signal();
      });
    }
  });
  co_await done.Wait();
  poster.join();
  EXPECT_EQ(order.size(), size_t{kPosts});
  EXPECT_TRUE(std::is_sorted(order.begin(), order.end()));
}
TEST_P(ProactorTest, FunctionsOfOtherThreadsRunInTheLoopInOrder) { Run(Posted(*this)); }

TEST_P(ProactorTest, AFunctionPostedBeforeRunIsRun) {
  proactor_->PostFromAnyThread([this] { proactor_->Stop(); });
  proactor_->Run();
}

TEST_P(ProactorTest, NoFunctionIsLostBetweenTwoRuns) {
  for (int round = 0; round < 20; ++round) {
    bool ran = false;
    // The second is posted when the loop is about to end; it may spend its wake-up or not.
    proactor_->PostFromAnyThread([&] {
      proactor_->Stop();
      proactor_->PostFromAnyThread([&] {
        ran = true;
        proactor_->Stop();
      });
    });
    proactor_->Run();
    if (!ran) proactor_->Run();
    EXPECT_TRUE(ran);
  }
}

TEST_P(ProactorTest, StopEndsTheTurnAndRunMayBeCalledAgain) {
  const uint64_t before = proactor_->counters().turns;
  Run(Echo(*this));
  Run(Echo(*this));
  EXPECT_GT(proactor_->counters().turns, before);
}

TEST_P(ProactorTest, RunsOnAThreadOtherThanItsMakers) {
  std::thread worker([this] { Run(Echo(*this)); });
  worker.join();
  proactor_.reset();
}

POPLAR_ON_BOTH_ENGINES(ProactorTest);

}  // namespace
}  // namespace poplar::io
