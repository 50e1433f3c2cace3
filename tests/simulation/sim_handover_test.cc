#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "proxy/io/task_scope.h"
#include "tests/simulation/sim_proactor.h"

namespace poplar::simulation {
namespace {

using io::Address;
using io::Result;
using io::SocketId;
using io::Task;
using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::seconds;

const Address kHost = *Address::Parse("10.0.0.1", 0);
const Address kNode = *Address::Parse("10.0.0.2", 110);

Task<void> KeepAccepted(SimProactor& proactor, SocketId listener, SocketId& into) {
  const Result<io::Accepted> accepted = co_await proactor.Accept(listener);
  if (accepted) into = accepted->socket;
}

Task<void> KeepConnected(SimProactor& proactor, SocketId socket, std::optional<Result<>>& result) {
  result = co_await proactor.Connect(socket, kNode);
}

Task<void> KeepReceived(SimProactor& proactor, SocketId socket,
                        std::optional<Result<std::string>>& into) {
  const Result<io::Buffer> received = co_await proactor.Receive(socket);
  into = received ? Result<std::string>(received->bytes())
                  : Result<std::string>(tl::unexpected(received.error()));
}

Task<void> KeepSent(SimProactor& proactor, SocketId socket, std::string bytes,
                    std::optional<Result<>>& into) {
  into = co_await proactor.Send(socket, bytes);
}

struct Machine {
  Machine(Network& network, std::string_view name, const Address& host)
      : proactor(network, name, host), scope(proactor.ready()) {}
  SimProactor proactor;
  io::TaskScope scope;
};

// Two workers of one machine, a node, and a connection from the first worker to it.
class SimHandoverTest : public testing::Test {
 protected:
  explicit SimHandoverTest(const Faults& faults = {}) : network_(world_, faults) {}

  void SetUp() override {
    const SocketId listener = *node_.proactor.Listen(kNode, {});
    socket_ = *one_.proactor.OpenSocket(AF_INET);
    std::optional<Result<>> connected;
    node_.scope.Spawn(KeepAccepted(node_.proactor, listener, far_));
    one_.scope.Spawn(KeepConnected(one_.proactor, socket_, connected));
    world_.MustReach("connected", [&] { return connected && far_ != SocketId::kNone; }, seconds(5));
    node_.proactor.Close(listener);
  }

  void TearDown() override {
    EXPECT_EQ(network_.detached(), 0u);
    for (Machine* machine : {&one_, &two_, &node_}) machine->proactor.MustBeIdle();
  }

  // From one owner to the next, with a time in between when it is nobody's.
  void Move(Machine& from, Machine& to) {
    from.proactor.Detach(socket_);
    Pass(milliseconds(1));
    to.proactor.Adopt(socket_);
  }
  void Say(Machine& machine, SocketId socket, const std::string& bytes) {
    std::optional<Result<>> sent;
    machine.scope.Spawn(KeepSent(machine.proactor, socket, bytes, sent));
    Await(sent);
    EXPECT_TRUE(sent->has_value());
  }
  // At least so many bytes; fewer at the end; or the error's text.
  std::string Hear(Machine& machine, SocketId socket, size_t least = 1) {
    std::string all;
    while (all.size() < least) {
      std::optional<Result<std::string>> heard;
      machine.scope.Spawn(KeepReceived(machine.proactor, socket, heard));
      Await(heard);
      if (!heard->has_value()) return heard->error().Text();
      if ((*heard)->empty()) break;
      all += **heard;
    }
    return all;
  }
  template <class T>
  void Await(std::optional<T>& result) {
    world_.MustReach("a result", [&] { return result.has_value(); }, hours(1));
  }
  void Pass(io::Duration time) {
    EXPECT_FALSE(world_.RunUntil([] { return false; }, time));
  }

  World world_{1};
  Network network_;
  Machine one_{network_, "worker 1", kHost};
  Machine two_{network_, "worker 2", kHost};
  Machine node_{network_, "node", kNode};
  SocketId socket_ = SocketId::kNone;
  SocketId far_ = SocketId::kNone;
};

TEST_F(SimHandoverTest, ASocketGoesOnAtAnotherProactorAndBack) {
  const Address local = one_.proactor.LocalAddress(socket_);
  Machine* at = &one_;
  Machine* next = &two_;
  for (int i = 0; i < 4; ++i) {
    Move(*at, *next);
    std::swap(at, next);
    EXPECT_EQ(at->proactor.LocalAddress(socket_), local);
    Say(*at, socket_, "STAT");
    EXPECT_EQ(Hear(node_, far_, 4), "STAT");
    Say(node_, far_, "+OK");
    EXPECT_EQ(Hear(*at, socket_, 3), "+OK");
  }
  one_.proactor.Close(socket_);
  EXPECT_EQ(Hear(node_, far_), "");
  node_.proactor.Close(far_);
}

TEST_F(SimHandoverTest, OnlyTheOwnerCountsIt) {
  EXPECT_EQ(one_.proactor.open_sockets(), 1u);
  const Address local = one_.proactor.LocalAddress(socket_);
  one_.proactor.Detach(socket_);
  EXPECT_EQ(network_.detached(), 1u);
  one_.proactor.MustBeIdle();
  EXPECT_TRUE(one_.proactor.IsOpen(local)) << "it is the machine's, whoever owns it";
  two_.proactor.Adopt(socket_);
  one_.proactor.MustBeIdle();
  EXPECT_EQ(two_.proactor.open_sockets(), 1u);
  EXPECT_EQ(network_.detached(), 0u);
  EXPECT_TRUE(two_.proactor.IsOpen(local));
  two_.proactor.Close(socket_);
  EXPECT_FALSE(one_.proactor.IsOpen(local));
  node_.proactor.Close(far_);
}

TEST_F(SimHandoverTest, WhatComesInBetweenIsThereAfterwards) {
  one_.proactor.Detach(socket_);
  Say(node_, far_, "-ERR timeout");
  node_.proactor.Close(far_);
  Pass(seconds(1));
  two_.proactor.Adopt(socket_);
  EXPECT_FALSE(two_.proactor.Quiet(socket_));
  EXPECT_EQ(Hear(two_, socket_, 12), "-ERR timeout");
  EXPECT_EQ(Hear(two_, socket_), "");
  two_.proactor.Close(socket_);
}

TEST_F(SimHandoverTest, QuietSeesBytesTheEndAndAReset) {
  EXPECT_TRUE(one_.proactor.Quiet(socket_));
  Say(node_, far_, "x");
  Pass(seconds(1));
  EXPECT_FALSE(one_.proactor.Quiet(socket_));
  EXPECT_FALSE(one_.proactor.Quiet(socket_)) << "looking takes nothing";
  EXPECT_EQ(Hear(one_, socket_), "x");
  EXPECT_TRUE(one_.proactor.Quiet(socket_));
  node_.proactor.ShutdownWrite(far_);
  Pass(seconds(1));
  EXPECT_FALSE(one_.proactor.Quiet(socket_));
  one_.proactor.Close(socket_);
  node_.proactor.Close(far_);
  SetUp();
  node_.proactor.Reset(far_);
  EXPECT_TRUE(one_.proactor.Quiet(socket_)) << "it is still on its way";
  Pass(seconds(1));
  EXPECT_FALSE(one_.proactor.Quiet(socket_));
  EXPECT_FALSE(one_.proactor.Quiet(socket_));
  one_.proactor.Close(socket_);
  node_.proactor.Close(far_);
}

class SlowCancelTest : public SimHandoverTest {
 protected:
  SlowCancelTest() : SimHandoverTest(Faults{.cancel_delay_max = seconds(1)}) {}
};

TEST_F(SlowCancelTest, ALateCancellationOfTheOldOwnersMeetsNobody) {
  int late = 0;
  for (int i = 0; i < 20; ++i) {
    std::optional<Result<std::string>> first, second;
    one_.scope.Spawn(KeepReceived(one_.proactor, socket_, first));
    Pass(milliseconds(1));
    one_.proactor.CancelReceive(socket_);
    Say(node_, far_, "x");
    Await(first);
    const bool cancelled = !first->has_value();
    if (!cancelled) ++late;
    Move(one_, two_);
    Move(two_, one_);
    one_.scope.Spawn(KeepReceived(one_.proactor, socket_, second));
    Pass(seconds(2));
    if (!second) Say(node_, far_, "y");
    Await(second);
    ASSERT_TRUE(second->has_value());
    EXPECT_EQ(**second, cancelled ? "x" : "y");
  }
  EXPECT_GT(late, 10);
  one_.proactor.Close(socket_);
  node_.proactor.Close(far_);
}

// --- death of a process

TEST_F(SimHandoverTest, AKilledProcessTakesItsDetachedSocketsAlong) {
  one_.proactor.Detach(socket_);
  one_.proactor.Kill();
  EXPECT_EQ(Hear(node_, far_), io::Error{ECONNRESET}.Text());
  two_.proactor.Adopt(socket_);
  EXPECT_FALSE(two_.proactor.Quiet(socket_));
  EXPECT_EQ(Hear(two_, socket_), io::Error{ECANCELED}.Text());
  two_.proactor.Close(socket_);
  node_.proactor.Close(far_);
}

TEST_F(SimHandoverTest, WhatAKilledProactorAdoptsIsReset) {
  two_.proactor.Kill();
  Move(one_, two_);
  EXPECT_EQ(Hear(node_, far_), io::Error{ECONNRESET}.Text());
  Move(two_, one_);  // its user can't know
  EXPECT_FALSE(one_.proactor.Quiet(socket_));
  one_.proactor.Close(socket_);
  node_.proactor.Close(far_);
}

// --- breaches of the contract

class SimHandoverDeathTest : public SimHandoverTest {
 protected:
  void TearDown() override {
    one_.proactor.Close(socket_);
    node_.proactor.Close(far_);
    SimHandoverTest::TearDown();
  }
};

TEST_F(SimHandoverDeathTest, AnyUseWhileDetached) {
  one_.proactor.Detach(socket_);
  EXPECT_DEATH(one_.proactor.Close(socket_), "Close of socket 4, which is detached");
  EXPECT_DEATH(one_.proactor.Quiet(socket_), "Quiet of socket 4, which is detached");
  EXPECT_DEATH(one_.proactor.Detach(socket_), "Detach of socket 4, which is detached");
  EXPECT_DEATH(two_.proactor.Abort(socket_), "Abort of socket 4, which is detached");
  EXPECT_DEATH(Hear(one_, socket_), "Receive of socket 4, which is detached");
  EXPECT_DEATH(Say(one_, socket_, "x"), "Send of socket 4, which is detached");
  one_.proactor.Adopt(socket_);
}

TEST_F(SimHandoverDeathTest, AnyUseByTheOldOwner) {
  Move(one_, two_);
  EXPECT_DEATH(one_.proactor.Close(socket_), "Close of socket 4, which is not open here");
  EXPECT_DEATH(Hear(one_, socket_), "Receive of socket 4, which is not open here");
  Move(two_, one_);
}

TEST_F(SimHandoverDeathTest, AdoptOfWhatIsNotDetached) {
  EXPECT_DEATH(two_.proactor.Adopt(socket_), "Adopt of socket 4, which is not detached");
  Move(one_, two_);
  EXPECT_DEATH(two_.proactor.Adopt(socket_), "Adopt of socket 4, which is not detached");
  EXPECT_DEATH(one_.proactor.Adopt(socket_), "Adopt of socket 4, which is not detached");
  EXPECT_DEATH(one_.proactor.Adopt(SocketId::kNone), "Adopt of socket -1, which is not detached");
  Move(two_, one_);
}

TEST_F(SimHandoverDeathTest, DetachAndQuietWithSomethingInFlight) {
  EXPECT_DEATH(
      {
        std::optional<Result<std::string>> received;
        one_.scope.Spawn(KeepReceived(one_.proactor, socket_, received));
        Pass(milliseconds(1));
        one_.proactor.Detach(socket_);
      },
      "Detach of a socket with an operation in flight");
  EXPECT_DEATH(
      {
        std::optional<Result<std::string>> received;
        one_.scope.Spawn(KeepReceived(one_.proactor, socket_, received));
        Pass(milliseconds(1));
        one_.proactor.Quiet(socket_);
      },
      "Quiet with a receive in flight");
  EXPECT_DEATH(
      {
        std::optional<Result<>> sent;
        one_.scope.Spawn(KeepSent(one_.proactor, socket_, std::string(1'000'000, 'x'), sent));
        Pass(seconds(1));
        one_.proactor.Detach(socket_);
      },
      "Detach of a socket with an operation in flight");
}

TEST_F(SimHandoverDeathTest, DetachOfWhatIsNoGoodConnection) {
  const SocketId fresh = *one_.proactor.OpenSocket(AF_INET);
  EXPECT_DEATH(one_.proactor.Detach(fresh), "Detach of a socket that isn't connected");
  EXPECT_DEATH(one_.proactor.Quiet(fresh), "Quiet of a socket that isn't connected");
  one_.proactor.Close(fresh);
  one_.proactor.Abort(socket_);
  EXPECT_DEATH(one_.proactor.Detach(socket_), "Detach of an aborted socket");
}

}  // namespace
}  // namespace poplar::simulation
