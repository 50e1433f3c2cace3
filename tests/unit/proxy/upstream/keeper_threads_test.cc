#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "proxy/upstream/keeper.h"
#include "tests/unit/proxy/io/real_world.h"

namespace poplar::upstream {
namespace {

using balancer::NodePool;

class Ignore final : public Observer {
 public:
  void ProbeEnded(balancer::NodeId, NodeFailure, io::Duration) override {}
  void NodeChanged(const balancer::Transition&) override {}
  void ParkedEnded(balancer::NodeId, ParkedEnd) override {}
  void WarmOpened(balancer::NodeId, NodeFailure failure, io::Duration) override {
    if (failure == NodeFailure::kNone) ++opened;
  }

  int opened = 0;
};

class Login final : public NodePool::Waiter {
 public:
  void OnGranted() override {}
};

// A keeper on a real ring, and logins on threads of their own.
class KeeperThreadsTest : public io::RealWorldTest {
 protected:
  static constexpr int kThreads = 3;
  static constexpr int kLogins = 400;
  static constexpr balancer::NodeId kNode{1};

  // Greets whoever comes, and takes QUIT.
  io::Task<void> ServeNode(io::SocketId listener, io::TaskScope* scope) {
    for (;;) {
      const io::Result<io::Accepted> accepted = co_await proactor_->Accept(listener);
      if (!accepted) break;
      scope->Spawn(ServeOne(accepted->socket));
    }
    proactor_->Close(listener);
  }
  io::Task<void> ServeOne(io::SocketId socket) {
    io::SocketStream stream(*proactor_, socket);
    co_await stream.Write("+OK ready\r\n");
    const std::string line = co_await ReadBytes(stream, sizeof("QUIT\r\n") - 1);
    EXPECT_EQ(line, "QUIT\r\n");
    quits_ += 1;
  }

  // Takes what there is; whoever gets a warm connection gives it to the keeper's worker to end.
  void LogInAgainAndAgain(NodePool* pool, io::TaskScope* scope) {
    for (int i = 0; i < kLogins; ++i) {
      Login login;
      NodePool::Idle evicted;
      EXPECT_TRUE(pool->TakeOrWait(login, &evicted));  // slots are unbounded here
      if (login.grant.connection != nullptr) {
        ++warm_taken_;
        auto idle = std::make_shared<NodePool::Idle>();
        idle->connection = std::move(login.grant.connection);
        proactor_->PostFromAnyThread(
            [this, scope, idle] { RetireInBackground(*proactor_, *scope, std::move(*idle)); });
      }
      login.grant.slot.Release();
      std::this_thread::yield();
    }
  }

  io::Task<void> Play() {
    const io::SocketId listener = *proactor_->Listen(io::Address::Loopback(0), {});
    io::TaskScope node_scope(proactor_->ready());
    node_scope.Spawn(ServeNode(listener, &node_scope));
    Cluster cluster(balancer::ClusterId{1}, "cluster", {.shared_storage = true}, {},
                    {{.node = kNode}});
    Node node(kNode,
              std::make_shared<Endpoint>(
                  Endpoint{.name = "cluster/node", .address = proactor_->LocalAddress(listener)}),
              {.warm = 8}, std::chrono::seconds(1));
    io::TaskScope scope(proactor_->ready());
    {
      Keeper keeper(*proactor_, scope, cluster, node, observer_);
      co_await io::WhenBoth(proactor_->ready(), keeper.Run(), Trouble(&keeper, &node.pool, &scope));
      EXPECT_EQ(node.pool.counts().warm, 0u);
      co_await scope.Empty();
    }
    EXPECT_EQ(node.pool.counts().in_use, 0u);
    proactor_->Abort(listener);
    co_await node_scope.Empty();
  }

  // Logins until the first warm ones were used, and then some more across the keeper's end.
  io::Task<void> Trouble(Keeper* keeper, NodePool* pool, io::TaskScope* scope) {
    co_await proactor_->Sleep(Keeper::kTick);  // past the jitter of the first connect
    for (bool stopped = false; !stopped;) {
      stopped = warm_taken_ > 0;
      io::Event done(proactor_->ready());
      std::atomic<int> left = kThreads;
      std::vector<std::thread> threads;
      for (int i = 0; i < kThreads; ++i) {
        threads.emplace_back([this, pool, scope, &left, &done] {
          LogInAgainAndAgain(pool, scope);
          // Behind all that the threads have posted; the loop goes on meanwhile.
          if (--left == 0) proactor_->PostFromAnyThread([&done] { done.Signal(); });
        });
      }
      if (stopped) keeper->Stop();
      co_await done.Wait();
      for (std::thread& thread : threads) thread.join();
    }
  }

  std::atomic<int> warm_taken_ = 0;
  Ignore observer_;
  int quits_ = 0;
};

TEST_F(KeeperThreadsTest, LoginsOnOtherThreadsWhileItFillsAndWhileItStops) {
  Run(Play());
  EXPECT_GT(warm_taken_, 0);
  EXPECT_EQ(quits_, observer_.opened);
}

}  // namespace
}  // namespace poplar::upstream
