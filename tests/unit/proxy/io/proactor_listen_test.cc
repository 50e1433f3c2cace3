// Listening and accepting in the real worlds.

#include <fcntl.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <netinet/tcp.h>

#include <optional>
#include <string>
#include <vector>

#include "proxy/io/descriptor.h"
#include "proxy/io/kernel_socket.h"
#include "tests/unit/proxy/io/both_engines.h"
#include "tests/unit/proxy/io/few_descriptors.h"
#include "tests/unit/proxy/io/real_world.h"

namespace poplar::io {
namespace {

using std::chrono::milliseconds;

class ProactorListenTest : public OnEngine<RealWorldTest> {};

Task<void> KeepAccept(Proactor& proactor, SocketId listener,
                      std::optional<Result<Accepted>>& into) {
  into = co_await proactor.Accept(listener);
}

TEST_P(ProactorListenTest, SaysWhatKeepsItFromListening) {
  const ListenOptions alone{.reuse_port = false};
  const SocketId first = *proactor_->Listen(Address::Loopback(0), alone);
  const Address taken = proactor_->LocalAddress(first);
  EXPECT_NE(taken.port(), 0);
  const Result<SocketId> second = proactor_->Listen(taken, alone);
  EXPECT_TRUE(!second && second.error().code == EADDRINUSE);
  // A neighbour that shares gets nothing of one that doesn't.
  const Result<SocketId> third = proactor_->Listen(taken, {});
  EXPECT_TRUE(!third && third.error().code == EADDRINUSE);
  // RFC 5737: nobody's address.
  const Result<SocketId> elsewhere = proactor_->Listen(*Address::Parse("192.0.2.1", 0), {});
  EXPECT_TRUE(!elsewhere && elsewhere.error().code == EADDRNOTAVAIL);
  proactor_->Close(first);
  const Result<SocketId> again = proactor_->Listen(taken, alone);
  EXPECT_TRUE(again);
  proactor_->Close(*again);
}

TEST_P(ProactorListenTest, WorkersShareAPort) {
  const SocketId first = *proactor_->Listen(Address::Loopback(0), {});
  const Result<SocketId> second = proactor_->Listen(proactor_->LocalAddress(first), {});
  ASSERT_TRUE(second) << second.error().Text();
  EXPECT_EQ(proactor_->LocalAddress(*second), proactor_->LocalAddress(first));
  proactor_->Close(first);
  proactor_->Close(*second);
}

Task<void> AcceptSeveral(RealWorldTest& test) {
  const SocketId listener = *test.proactor_->Listen(Address::Loopback(0), {});
  for (int i = 0; i < 5; ++i) {
    auto near = std::move(*OpenStream(*test.proactor_, AF_INET));
    EXPECT_TRUE(co_await near->Connect(test.proactor_->LocalAddress(listener)));
    const Result<Accepted> accepted = co_await test.proactor_->Accept(listener);
    EXPECT_TRUE(accepted);
    EXPECT_EQ(accepted->peer.Host(), "127.0.0.1");
    EXPECT_NE(accepted->peer.port(), 0);
    test.proactor_->Close(accepted->socket);
  }
  co_await test.CloseListener(listener);
}
TEST_P(ProactorListenTest, TellsWhoConnected) { Run(AcceptSeveral(*this)); }

Task<void> AbortAccept(RealWorldTest& test) {
  const SocketId listener = *test.proactor_->Listen(Address::Loopback(0), {});
  std::optional<Result<Accepted>> accepted;
  TaskScope scope(test.proactor_->ready());
  scope.Spawn(KeepAccept(*test.proactor_, listener, accepted));
  co_await test.proactor_->Sleep(Duration::zero());
  EXPECT_FALSE(accepted.has_value());
  test.proactor_->Abort(listener);
  test.proactor_->Abort(listener);
  co_await scope.Empty();
  EXPECT_TRUE(!*accepted && accepted->error().cancelled());
  test.proactor_->Close(listener);
}
TEST_P(ProactorListenTest, AbortEndsAnAccept) { Run(AbortAccept(*this)); }

// Connections that the kernel accepted for us and that nobody took.
Task<void> AbandonArrived(RealWorldTest& test) {
  const SocketId listener = *test.proactor_->Listen(Address::Loopback(0), {});
  RealWorldTest::Pair taken = co_await test.Connect(listener);  // from here on accept is armed
  std::vector<std::unique_ptr<SocketStream>> others;
  for (int i = 0; i < 3; ++i) {
    others.push_back(std::move(*OpenStream(*test.proactor_, AF_INET)));
    EXPECT_TRUE(co_await others.back()->Connect(test.proactor_->LocalAddress(listener)));
  }
  test.proactor_->Abort(listener);
  // Some may come out before the abort is felt; each is ours to close.
  for (;;) {
    const Result<Accepted> late = co_await test.proactor_->Accept(listener);
    if (!late) break;
    test.proactor_->Close(late->socket);
  }
  test.proactor_->Close(listener);
  for (const auto& other : others) {
    const Result<Buffer> end = co_await other->Read();
    EXPECT_TRUE(end ? end->empty() : end.error().reset());
  }
}
TEST_P(ProactorListenTest, ClosesWhatArrivedAndWasNotTaken) { Run(AbandonArrived(*this)); }

// Connections that the ring has brought before the abort are no less connections; epoll brings none
// unasked, and leaves them to whoever else has the socket.
Task<void> TakeArrived(RealWorldTest& test) {
  const SocketId listener = *test.proactor_->Listen(Address::Loopback(0), {});
  RealWorldTest::Pair taken = co_await test.Connect(listener);
  std::vector<std::unique_ptr<SocketStream>> others;
  for (int i = 0; i < 3; ++i) {
    others.push_back(std::move(*OpenStream(*test.proactor_, AF_INET)));
    EXPECT_TRUE(co_await others.back()->Connect(test.proactor_->LocalAddress(listener)));
  }
  co_await test.proactor_->Sleep(milliseconds(20));  // for the kernel to hand them to us
  test.proactor_->Abort(listener);
  co_await test.proactor_->Sleep(milliseconds(20));
  std::vector<std::unique_ptr<SocketStream>> accepted;
  for (;;) {
    const Result<Accepted> late = co_await test.proactor_->Accept(listener);
    if (!late) break;
    accepted.push_back(std::make_unique<SocketStream>(*test.proactor_, late->socket));
  }
  EXPECT_EQ(accepted.size(), test.engine_ == Engine::kUring ? others.size() : 0);
  test.proactor_->Close(listener);
}
TEST_P(ProactorListenTest, HandsOutWhatArrivedBeforeTheAbort) { Run(TakeArrived(*this)); }

// As from another process: the same open socket under another number, whose queue goes on. That it
// is not as this engine wants it stays so until the first accept: the other may accept meanwhile.
Task<void> ListenOnCopy(RealWorldTest& test) {
  const SocketId first = *test.proactor_->Listen(Address::Loopback(0), {});
  const Address address = test.proactor_->LocalAddress(first);
  auto copy = Duplicate(static_cast<int>(first));
  EXPECT_TRUE(copy);
  (void)SetBlocking(copy->get(), test.engine_ == Engine::kEpoll);
  const int flags = fcntl(copy->get(), F_GETFL);
  co_await test.CloseListener(first);
  auto client = std::move(*OpenStream(*test.proactor_, AF_INET));
  EXPECT_TRUE(co_await client->Connect(address));
  const Result<SocketId> second = test.proactor_->ListenOn(copy->Release());
  EXPECT_TRUE(second);
  EXPECT_EQ(fcntl(static_cast<int>(*second), F_GETFL), flags);
  EXPECT_EQ(test.proactor_->LocalAddress(*second), address);
  const Result<Accepted> accepted = co_await test.proactor_->Accept(*second);
  EXPECT_TRUE(accepted);
  test.proactor_->Close(accepted->socket);
  co_await test.CloseListener(*second);
}
TEST_P(ProactorListenTest, ListensOnWhatListensAlready) { Run(ListenOnCopy(*this)); }

// As the service manager may have made it.
Task<void> ListenOnWhatDelays(RealWorldTest& test) {
  const int listening = *OpenListening(Address::Loopback(0), {}, Blocking::kNo);
  const SocketId listener = *test.proactor_->ListenOn(listening);
  auto client = std::move(*OpenStream(*test.proactor_, AF_INET));
  EXPECT_TRUE(co_await client->Connect(test.proactor_->LocalAddress(listener)));
  const Result<Accepted> accepted = co_await test.proactor_->Accept(listener);
  int nodelay = 0;
  socklen_t length = sizeof(nodelay);
  getsockopt(static_cast<int>(accepted->socket), IPPROTO_TCP, TCP_NODELAY, &nodelay, &length);
  EXPECT_EQ(nodelay, 1);
  test.proactor_->Close(accepted->socket);
  co_await test.CloseListener(listener);
}
TEST_P(ProactorListenTest, WhatItAcceptsSendsAtOnce) { Run(ListenOnWhatDelays(*this)); }

Task<void> ConnectTo(RealWorldTest& test, std::string listening, std::string host) {
  const SocketId listener = *test.proactor_->Listen(*Address::Parse(listening, 0), {});
  Address to = *Address::Parse(host, 0);
  to.set_port(test.proactor_->LocalAddress(listener).port());
  auto client = std::move(*OpenStream(*test.proactor_, AF_INET));
  EXPECT_TRUE(co_await client->Connect(to));
  const Result<Accepted> accepted = co_await test.proactor_->Accept(listener);
  EXPECT_EQ(accepted->local, to);
  test.proactor_->Close(accepted->socket);
  co_await test.CloseListener(listener);
}
TEST_P(ProactorListenTest, TellsWhereAClientHasConnectedTo) {
  Run(ConnectTo(*this, "127.0.0.1", "127.0.0.1"));
  Run(ConnectTo(*this, "0.0.0.0", "127.0.0.2"));
}

Task<void> LeaveListening(RealWorldTest& test, std::unique_ptr<SocketStream>& client) {
  const SocketId listener = *test.proactor_->Listen(Address::Loopback(0), {});
  RealWorldTest::Pair taken = co_await test.Connect(listener);
  client = std::move(taken[0]);
}
TEST_P(ProactorListenTest, AListenerMayOutliveTheLoop) {
  std::unique_ptr<SocketStream> client;
  Run(LeaveListening(*this, client));
  client.reset();
  proactor_.reset();
}

Task<void> WithoutDescriptors(RealWorldTest& test) {
  const SocketId listener = *test.proactor_->Listen(Address::Loopback(0), {});
  auto client = std::move(*OpenStream(*test.proactor_, AF_INET));
  EXPECT_TRUE(co_await client->Connect(test.proactor_->LocalAddress(listener)));
  std::optional<FewDescriptors> none(0);
  std::optional<Result<Accepted>> accepted;
  TaskScope scope(test.proactor_->ready());
  scope.Spawn(KeepAccept(*test.proactor_, listener, accepted));
  while (test.proactor_->counters().accept_errors == 0) {
    co_await test.proactor_->Sleep(milliseconds(1));
  }
  EXPECT_FALSE(accepted.has_value());
  none.reset();
  co_await scope.Empty();
  EXPECT_TRUE(*accepted);
  test.proactor_->Close((*accepted)->socket);
  EXPECT_LE(test.proactor_->counters().accept_errors, 20u) << "it spins instead of pausing";
  co_await test.CloseListener(listener);
}
TEST_P(ProactorListenTest, AcceptGoesOnWhenDescriptorsAreFreeAgain) {
  Run(WithoutDescriptors(*this));
}

Task<void> OverIpv6(RealWorldTest& test, Address to, std::string_view peer, bool& reached) {
  const SocketId listener = *test.proactor_->Listen(*Address::Parse("::", 0), {});
  to.set_port(test.proactor_->LocalAddress(listener).port());
  auto client = std::move(*OpenStream(*test.proactor_, to.family()));
  reached = (co_await client->Connect(to)).has_value();
  if (reached) {
    const Result<Accepted> accepted = co_await test.proactor_->Accept(listener);
    EXPECT_EQ(accepted->peer.Host(), peer);
    SocketStream far(*test.proactor_, accepted->socket);
    EXPECT_TRUE(co_await far.Write("hello"));
    EXPECT_EQ(co_await RealWorldTest::ReadBytes(*client, 5), "hello");
  }
  co_await test.CloseListener(listener);
}

TEST_P(ProactorListenTest, TheIpv6WildcardTakesBothFamilies) {
  const Result<SocketId> six = proactor_->Listen(*Address::Parse("::1", 0), {});
  if (!six) GTEST_SKIP() << "this machine has no ::1: " << six.error().Text();
  proactor_->Close(*six);
  bool reached = false;
  Run(OverIpv6(*this, *Address::Parse("::1", 0), "::1", reached));
  EXPECT_TRUE(reached);
  Run(OverIpv6(*this, *Address::Parse("127.0.0.1", 0), "127.0.0.1", reached));
  EXPECT_TRUE(reached);
}

POPLAR_ON_BOTH_ENGINES(ProactorListenTest);

}  // namespace
}  // namespace poplar::io
