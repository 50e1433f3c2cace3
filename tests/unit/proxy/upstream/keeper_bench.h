#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "proxy/upstream/keeper.h"
#include "tests/unit/proxy/upstream/node_bench.h"

namespace poplar::upstream {

// A login that wants a connection of the node.
class Login final : public balancer::NodePool::Waiter {
 public:
  void OnGranted() override { granted = true; }
  Connection& connection() { return static_cast<Connection&>(*grant.connection); }

  bool granted = false;
};

// A node and its keeper, which runs until the bench goes.
class KeeperBench : public NodeBench {
 public:
  using Kind = balancer::NodePool::Grant::Kind;

  explicit KeeperBench(const Options& options = {}) : NodeBench(options) {}
  ~KeeperBench() { Stop(); }

  void Start() {
    keeper_ = std::make_unique<Keeper>(poplar(), scope(), cluster, node(), recorder);
    running_ = true;
    scope().Spawn(RunTask());
  }
  // Started, and past the jitter of the first connect.
  void StartServing() {
    Start();
    RunFor(Keeper::kTick + 2 * io::TimerWheel::kStep);
  }
  // How long the keeper took to end.
  io::Duration Stop() {
    if (keeper_ == nullptr) return {};
    const io::Time begun = Now();
    keeper_->Stop();
    EXPECT_TRUE(Run([this] { return !running_; }, std::chrono::seconds(10))) << world().why_not();
    const io::Duration took = Now() - begun;
    keeper_.reset();
    EXPECT_TRUE(Run([this] { return scope().count() == 0; })) << world().why_not();
    poplar().MustBeIdle();
    return took;
  }

  // So many logins come at once, take what there is, and are gone again.
  void Demand(int logins) {
    for (int i = 0; i < logins; ++i) {
      Login login;
      Take(login);
      Give(login);
      pool().OnLoginDone();
    }
  }
  // What the login gets, without waiting.
  Kind Take(Login& login) {
    balancer::NodePool::Idle evicted;
    EXPECT_TRUE(pool().TakeOrWait(login, &evicted));
    EXPECT_EQ(evicted.connection, nullptr);
    if (login.grant.connection != nullptr) login.connection().Attach(poplar());
    return login.grant.kind;
  }
  static void Give(Login& login) {
    login.grant.connection.reset();
    login.grant.slot.Release();
    login.grant.kind = Kind::kNone;
  }
  // A login's session ends: its connection, which was taken warm, is kept for the user.
  std::vector<balancer::NodePool::Idle> Park(const balancer::CanonicalUser& user, Login& login) {
    auto lease = affinity.Acquire(balancer::ClusterId{1}, user, kNode);
    EXPECT_EQ(lease.Bind(), balancer::Affinity::BindResult::kBound);
    EXPECT_TRUE(login.connection().Detach());
    auto session = std::make_unique<balancer::ParkedSession>();
    session->connection = std::move(login.grant.connection);
    session->lease = std::move(lease);
    session->logged_in = Moment();
    login.grant.kind = Kind::kNone;
    return pool().Park(balancer::ClusterId{1}, user, std::move(session), Moment());
  }
  void WaitForWarm(uint32_t count) {
    EXPECT_TRUE(
        Run([this, count] { return pool().counts().warm == count; }, std::chrono::seconds(20)))
        << pool().counts().warm;
  }
  // Every connection that the node has seen ended with QUIT and nothing but QUIT.
  void ExpectAllEndedWithQuit() {
    for (const std::string& dialogue : Dialogues()) EXPECT_EQ(dialogue, "QUIT\r\n");
    EXPECT_EQ(OpenConnections(), 0u);
  }
  bool running() const { return running_; }

  balancer::Affinity affinity;

 private:
  io::Task<void> RunTask() {
    co_await keeper_->Run();
    running_ = false;
  }

  std::unique_ptr<Keeper> keeper_;
  bool running_ = false;
};

}  // namespace poplar::upstream
