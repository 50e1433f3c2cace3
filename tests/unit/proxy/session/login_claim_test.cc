// Logins of a process from which another has taken over; with other replicas beside it, too.
#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "proxy/pop3/reply.h"
#include "tests/unit/proxy/session/session_bench.h"

namespace poplar::session {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

// The other process: says where each user is, when the test lets it.
class TestSuccessor final : public Successor {
 public:
  void Claim(balancer::ClusterId cluster, const balancer::CanonicalUser& user,
             balancer::NodeId node, io::Proactor&, std::function<void()> done) override {
    claims.push_back({bench->affinity().Acquire(cluster, user, node), node, std::move(done)});
    if (answers) Answer(node);
  }

  // The oldest claim.
  void Answer(balancer::NodeId node) {
    auto claim = std::move(claims.front());
    claims.erase(claims.begin());
    claim.lease.Claimed(node);
    claim.lease.Release();
    ++answered;
    claim.done();
  }

  struct Claimed {
    balancer::Affinity::Lease lease;
    balancer::NodeId node;
    std::function<void()> done;
  };
  SessionBench* bench = nullptr;
  bool answers = true;
  int answered = 0;
  std::vector<Claimed> claims;
};

struct ClaimBench {
  explicit ClaimBench(SessionBench::Options options = {}) : bench(With(options, successor)) {
    successor.bench = &bench;
    (void)bench.affinity().HandOver([](auto, const auto&) {});
  }
  static SessionBench::Options With(SessionBench::Options options, Successor& successor) {
    options.successor = &successor;
    return options;
  }

  TestSuccessor successor;
  SessionBench bench;
};

TEST(LoginClaimTest, TheOtherProcessIsAskedBeforeThePasswordGoesOut) {
  ClaimBench made;
  made.successor.answers = false;
  upstream::DrivenPeer& client = made.bench.Connect();
  made.bench.LogIn(client);
  EXPECT_EQ(client.received(), "");
  ASSERT_EQ(made.successor.claims.size(), 1u);
  made.successor.Answer(made.successor.claims[0].node);
  made.bench.Settle();
  EXPECT_EQ(client.received().substr(0, 3), "+OK");
  client.Forget();
  EXPECT_EQ(made.bench.Ask(client, "QUIT\r\n"), "+OK bye\r\n");
  made.bench.RunToEnd();
}

TEST(LoginClaimTest, GoesWhereTheOtherProcessHasTheUser) {
  ClaimBench made({.nodes = 2, .shared_storage = true});
  made.successor.answers = false;
  const std::vector<size_t> order = made.bench.Preferred("alice");
  upstream::DrivenPeer& client = made.bench.Connect();
  made.bench.LogIn(client);
  ASSERT_EQ(made.successor.claims.size(), 1u);
  EXPECT_EQ(static_cast<size_t>(made.successor.claims[0].node), order[0]);
  made.successor.Answer(balancer::NodeId(static_cast<uint32_t>(order[1])));
  made.bench.Settle();
  EXPECT_EQ(made.successor.answered, 1) << "and isn't asked again";
  EXPECT_EQ(client.received().substr(0, 3), "+OK");
  EXPECT_EQ(made.bench.OpenAtNode(order[1]), 1u);
  made.bench.Ask(client, "QUIT\r\n");
  made.bench.RunToEnd();
}

TEST(LoginClaimTest, ASecondSessionOfTheUserNeedsNoClaim) {
  ClaimBench made;
  upstream::DrivenPeer& first = made.bench.Connect();
  made.bench.LogIn(first);
  upstream::DrivenPeer& second = made.bench.Connect();
  EXPECT_EQ(made.bench.LogIn(second).substr(0, 3), "+OK");
  EXPECT_EQ(made.successor.answered, 1);
  made.bench.Ask(first, "QUIT\r\n");
  made.bench.Ask(second, "QUIT\r\n");
  made.bench.RunToEnd();
}

TEST(LoginClaimTest, NobodyWaitsForAnAnswerForEver) {
  ClaimBench made;
  made.successor.answers = false;
  upstream::DrivenPeer& client = made.bench.Connect();
  made.bench.LogIn(client);
  made.bench.Settle(seconds(6));
  EXPECT_EQ(client.received(), pop3::kReplyTemporary);
  made.successor.Answer(made.successor.claims[0].node);  // too late
  client.Forget();
  made.bench.Ask(client, "QUIT\r\n");
  made.bench.RunToEnd();
}

TEST(LoginClaimTest, AClientThatLeavesIsNotWaitedFor) {
  ClaimBench made;
  made.successor.answers = false;
  upstream::DrivenPeer& client = made.bench.Connect();
  made.bench.LogIn(client);
  client.Reset();
  made.bench.RunToEnd();
  made.successor.Answer(made.successor.claims[0].node);
}

// The other replicas hold the user on a node, once they are ready to say so.
class TestReplicas final : public shared_state::Claims {
 public:
  using Kind = shared_state::ClaimAnswer::Kind;

  io::Task<shared_state::ClaimAnswer> Ask(shared_state::Claim claim) override {
    if (++asked <= not_ready)
      co_return shared_state::ClaimAnswer{.kind = Kind::kLater, .after = after};
    if (claim.node == where) co_return shared_state::ClaimAnswer{.kind = Kind::kGranted};
    co_return shared_state::ClaimAnswer{.kind = Kind::kElsewhere, .node = where};
  }
  bool Awaited() const override { return awaited; }
  balancer::NodeId where{};
  bool awaited = false;
  int not_ready = 0;
  io::Duration after = shared_state::kAskAgain;
  int asked = 0;
};

TEST(LoginClaimTest, OtherReplicasHaveASayTooAndTheOtherProcessFollows) {
  ClaimBench made({.nodes = 2, .shared_storage = true});
  TestReplicas replicas;
  const std::vector<size_t> order = made.bench.Preferred("alice");
  replicas.where = balancer::NodeId(static_cast<uint32_t>(order[1]));
  made.bench.environment().claims = &replicas;
  upstream::DrivenPeer& client = made.bench.Connect();
  EXPECT_EQ(made.bench.LogIn(client).substr(0, 3), "+OK");
  EXPECT_EQ(made.successor.answered, 2) << "for the one node, and then for the other";
  EXPECT_EQ(replicas.asked, 2);
  EXPECT_EQ(made.bench.OpenAtNode(order[1]), 1u);
  made.bench.Ask(client, "QUIT\r\n");
  made.bench.RunToEnd();
}

TEST(LoginClaimTest, ReplicasThatAreNotReadyAreAskedAgainAndSoIsTheOtherProcess) {
  ClaimBench made({.nodes = 2, .shared_storage = true});
  TestReplicas replicas;
  replicas.where = balancer::NodeId(static_cast<uint32_t>(made.bench.Preferred("alice").front()));
  replicas.not_ready = 12;
  made.bench.environment().claims = &replicas;
  upstream::DrivenPeer& client = made.bench.Connect();
  made.bench.LogIn(client);
  made.bench.Settle(seconds(2));
  EXPECT_EQ(client.received().substr(0, 3), "+OK");
  EXPECT_EQ(made.successor.answered, 13);
  made.bench.Ask(client, "QUIT\r\n");
  made.bench.RunToEnd();
}

TEST(LoginClaimTest, WhileNobodyCanBeAskedNoConnectionIsTaken) {
  ClaimBench made;
  TestReplicas replicas;
  replicas.awaited = true;
  made.bench.environment().claims = &replicas;
  upstream::DrivenPeer& client = made.bench.Connect();
  made.bench.LogIn(client);
  made.bench.Settle(milliseconds(900));
  EXPECT_EQ(made.bench.OpenAtNode(0), 0u);
  EXPECT_EQ(replicas.asked, 0);
  EXPECT_TRUE(made.successor.claims.empty() && made.successor.answered == 0);
  replicas.awaited = false;
  made.bench.Settle(milliseconds(200));
  EXPECT_EQ(client.received().substr(0, 3), "+OK");
  EXPECT_EQ(replicas.asked, 1);
  made.bench.Ask(client, "QUIT\r\n");
  made.bench.RunToEnd();
}

TEST(LoginClaimTest, WhoIsToldWhenToAskAgainDoesNotAskBefore) {
  ClaimBench made;
  TestReplicas replicas;
  replicas.not_ready = 1;
  replicas.after = milliseconds(1500);
  made.bench.environment().claims = &replicas;
  upstream::DrivenPeer& client = made.bench.Connect();
  made.bench.LogIn(client);
  made.bench.Settle(milliseconds(1000));
  EXPECT_EQ(replicas.asked, 1);
  EXPECT_EQ(made.bench.OpenAtNode(0), 0u);
  made.bench.Settle(milliseconds(800));
  EXPECT_EQ(client.received().substr(0, 3), "+OK");
  EXPECT_EQ(replicas.asked, 2);
  made.bench.Ask(client, "QUIT\r\n");
  made.bench.RunToEnd();
}

}  // namespace
}  // namespace poplar::session
