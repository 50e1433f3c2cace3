// A user is on one node over all replicas: what logins ask ahead of the credentials, and what they
// make of the answers.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <vector>

#include "proxy/pop3/reply.h"
#include "tests/unit/proxy/session/session_bench.h"

namespace poplar::session {
namespace {

using shared_state::Claim;
using shared_state::ClaimAnswer;
using std::chrono::seconds;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;
using Kind = ClaimAnswer::Kind;

const std::string kTemporary(pop3::kReplyTemporary);
constexpr char kLoggedIn[] = "+OK Logged in.\r\n";

class ScriptedClaims final : public shared_state::Claims {
 public:
  bool Awaited() const override { return false; }
  io::Task<ClaimAnswer> Ask(Claim claim) override {
    asked.push_back(claim);
    co_return answer(claim);
  }
  std::vector<Claim> asked;
  std::function<ClaimAnswer(const Claim&)> answer = [](const Claim&) {
    return ClaimAnswer{.kind = Kind::kGranted};
  };
};

class SessionClaimTest : public testing::Test {
 protected:
  static SessionBench::Options Two(const upstream::LoginRules& login = {.in_use_retries = 0}) {
    return {.nodes = 2, .shared_storage = true, .timeouts = {.login = seconds(5)}, .login = login};
  }
  explicit SessionClaimTest(const SessionBench::Options& options = Two()) : bench_(options) {
    bench_.environment().claims = &claims_;
  }

  balancer::NodeId Id(size_t place) const {
    return balancer::NodeId{static_cast<uint32_t>(bench_.Preferred("alice")[place])};
  }
  upstream::ScriptedNode& Node(size_t place) {
    return bench_.node(bench_.Preferred("alice")[place]);
  }

  ScriptedClaims claims_;
  SessionBench bench_;
};

TEST_F(SessionClaimTest, AskedOncePerStayAheadOfTheCredentials) {
  claims_.answer = [this](const Claim&) {
    EXPECT_THAT(Node(0).received(), Not(HasSubstr("PASS")));
    return ClaimAnswer{.kind = Kind::kGranted};
  };
  upstream::DrivenPeer& first = bench_.Connect();
  EXPECT_EQ(bench_.LogIn(first), kLoggedIn);
  ASSERT_EQ(claims_.asked.size(), 1U);
  EXPECT_EQ(claims_.asked[0].user, "alice");
  EXPECT_EQ(claims_.asked[0].node, Id(0));
  upstream::DrivenPeer& second = bench_.Connect();
  EXPECT_EQ(bench_.LogIn(second), kLoggedIn);
  EXPECT_EQ(claims_.asked.size(), 1U);
  first.Shut();
  second.Shut();
  bench_.RunToEnd();
  claims_.answer = [](const Claim&) { return ClaimAnswer{.kind = Kind::kGranted}; };
  EXPECT_EQ(bench_.LogIn(bench_.Connect()), kLoggedIn);
  ASSERT_EQ(claims_.asked.size(), 2U);
  EXPECT_NE(claims_.asked[0].stay, claims_.asked[1].stay);
}

TEST_F(SessionClaimTest, FollowsASessionOfAnotherReplica) {
  claims_.answer = [this](const Claim& claim) {
    return claim.node == Id(1) ? ClaimAnswer{.kind = Kind::kGranted}
                               : ClaimAnswer{.kind = Kind::kElsewhere, .node = Id(1)};
  };
  EXPECT_EQ(bench_.LogIn(bench_.Connect()), kLoggedIn);
  EXPECT_EQ(claims_.asked.size(), 2U);
  EXPECT_THAT(Node(0).received(), Not(HasSubstr("PASS")));
  EXPECT_THAT(Node(1).received(), HasSubstr("PASS"));
}

TEST_F(SessionClaimTest, WaitsWhereItCannotFollow) {
  int asked = 0;
  claims_.answer = [&asked](const Claim&) {
    return ++asked < 4 ? ClaimAnswer{.kind = asked < 2 ? Kind::kLater : Kind::kElsewhere}
                       : ClaimAnswer{.kind = Kind::kGranted};
  };
  upstream::DrivenPeer& client = bench_.Connect();
  client.Send("USER alice\r\nPASS secret\r\n");
  bench_.Settle(seconds(1));
  EXPECT_THAT(client.received(), HasSubstr(kLoggedIn));
  EXPECT_EQ(asked, 4);
}

TEST_F(SessionClaimTest, ButNoLongerThanAnyLogin) {
  claims_.answer = [](const Claim&) { return ClaimAnswer{.kind = Kind::kElsewhere}; };
  upstream::DrivenPeer& client = bench_.Connect();
  client.Send("USER alice\r\nPASS secret\r\n");
  bench_.Settle(seconds(10));
  EXPECT_THAT(client.received(), HasSubstr(kTemporary));
  EXPECT_THAT(std::string(bench_.RunToEnd().failure), StartsWith("elsewhere: "));
  EXPECT_LT(claims_.asked.size(), 60U);
}

TEST_F(SessionClaimTest, AloneItGoesByWhatItKnows) {
  claims_.answer = [](const Claim&) { return ClaimAnswer{.kind = Kind::kAlone}; };
  EXPECT_EQ(bench_.LogIn(bench_.Connect()), kLoggedIn);
}

TEST_F(SessionClaimTest, ASessionThatLostItsClaimEndsAtABoundary) {
  upstream::DrivenPeer& client = bench_.Connect();
  EXPECT_EQ(bench_.LogIn(client), kLoggedIn);
  client.Forget();
  (*bench_.sessions().begin())->Drain(EndReason::kClaimLost);
  bench_.Settle();
  EXPECT_EQ(client.received(), pop3::kReplyMoved);
  EXPECT_EQ(bench_.RunToEnd().reason, EndReason::kClaimLost);
}

class SessionClaimLimitTest : public SessionClaimTest {
 protected:
  SessionClaimLimitTest() : SessionClaimTest(Two({.user_sessions_max = 2, .in_use_retries = 0})) {}
};

TEST_F(SessionClaimLimitTest, SessionsOfOtherReplicasCount) {
  claims_.answer = [](const Claim&) { return ClaimAnswer{.kind = Kind::kGranted, .sessions = 1}; };
  EXPECT_EQ(bench_.LogIn(bench_.Connect()), kLoggedIn);
  EXPECT_THAT(bench_.LogIn(bench_.Connect()), StartsWith("-ERR [IN-USE]"));
  EXPECT_EQ(claims_.asked.size(), 2U);  // each has to know
  claims_.answer = [](const Claim&) { return ClaimAnswer{.kind = Kind::kGranted}; };
  EXPECT_EQ(bench_.LogIn(bench_.Connect()), kLoggedIn);
}

TEST_F(SessionClaimLimitTest, MayBeTooManyByThemselves) {
  claims_.answer = [](const Claim&) { return ClaimAnswer{.kind = Kind::kGranted, .sessions = 2}; };
  EXPECT_THAT(bench_.LogIn(bench_.Connect()), StartsWith("-ERR [IN-USE]"));
}

}  // namespace
}  // namespace poplar::session
