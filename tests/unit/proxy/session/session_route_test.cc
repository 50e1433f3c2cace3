// Which node a login goes to: the order of preference, fail-over, affinity.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "proxy/pop3/reply.h"
#include "tests/unit/proxy/session/session_bench.h"

namespace poplar::session {
namespace {

using std::chrono::seconds;
using testing::ElementsAre;
using PeerEnd = upstream::DrivenPeer::End;

const std::string kTemporary(pop3::kReplyTemporary);
constexpr char kLoggedIn[] = "+OK Logged in.\r\n";

TEST(SessionRouteTest, EachUserOnTheirNode) {
  SessionBench bench({.nodes = 3});
  std::array<size_t, 3> expected{};
  for (int i = 0; i < 30; ++i) {
    const std::string user = "user" + std::to_string(i);
    ++expected[bench.Preferred(user).front()];
    EXPECT_EQ(bench.LogIn(bench.Connect(), user), kLoggedIn);
  }
  for (size_t i = 0; i < 3; ++i) {
    EXPECT_GT(expected[i], 0u);
    EXPECT_EQ(bench.node(i).connections().size(), expected[i]);
  }
}

TEST(SessionRouteTest, NobodyListensAnywhere) {
  SessionBench bench({.nodes = 3, .shared_storage = true});
  for (size_t i = 0; i < 3; ++i) bench.node(i).StopListening();
  const std::vector<size_t> order = bench.Preferred("alice");
  ASSERT_EQ(order.size(), 3u);
  EXPECT_EQ(bench.LogIn(bench.Connect()), kTemporary);
  const auto at = [&order](size_t i) { return std::to_string(order[i]); };
  EXPECT_THAT(bench.meter.calls,
              ElementsAre("began", "failed " + at(0) + " connect_refused", "over " + at(0),
                          "failed " + at(1) + " connect_refused", "over " + at(1),
                          "failed " + at(2) + " connect_refused", "login unavailable"));
}

TEST(SessionRouteTest, DeadMachinesCostTheirConnectTime) {
  SessionBench bench({.nodes = 2, .shared_storage = true});
  const size_t first = bench.Preferred("alice").front();
  bench.network().Vanish(bench.node(first).address());
  upstream::DrivenPeer& client = bench.Connect();
  client.Send("USER alice\r\nPASS secret\r\nQUIT\r\n");
  bench.Settle(seconds(16));
  EXPECT_EQ(client.received(), std::string(pop3::kReplyUserAccepted) + kLoggedIn + "+OK bye\r\n");
  client.HalfClose();
  EXPECT_GE(*bench.RunToEnd().login, seconds(15));
}

// No fail-over once the login's time is used up.
TEST(SessionRouteTest, NoFailOverBeyondTheLoginsTime) {
  Timeouts timeouts;
  timeouts.login = seconds(20);
  SessionBench bench({.nodes = 3, .shared_storage = true, .timeouts = timeouts});
  for (size_t i = 0; i < 3; ++i) bench.network().Vanish(bench.node(i).address());
  upstream::DrivenPeer& client = bench.Connect();
  client.Send("USER alice\r\nPASS secret\r\n");
  bench.Settle(seconds(31));
  EXPECT_EQ(client.received(), std::string(pop3::kReplyUserAccepted) + kTemporary);
  EXPECT_EQ(bench.RunToEnd().reason, EndReason::kNodeUnavailable);
}

class AffinityTest : public testing::Test {
 protected:
  // alice's own node greets -ERR, so that she is on the other one.
  void SetUp() override {
    bench_.node(first_).set_greeting({"-ERR full\r\n"});
    client_ = &bench_.Connect();
    ASSERT_EQ(bench_.LogIn(*client_), kLoggedIn);
    ASSERT_EQ(bench_.node(second_).connections().size(), 1u);
    bench_.node(first_).set_greeting({"+OK\r\n"});
  }

  SessionBench bench_{{.nodes = 2, .shared_storage = true}};
  const size_t first_ = bench_.Preferred("alice").front();
  const size_t second_ = 1 - first_;
  upstream::DrivenPeer* client_ = nullptr;
};

TEST_F(AffinityTest, ASecondSessionFollowsTheFirst) {
  EXPECT_EQ(bench_.LogIn(bench_.Connect(), "ALICE"), kLoggedIn);
  EXPECT_EQ(bench_.node(second_).connections().size(), 2u);
  EXPECT_EQ(bench_.node(first_).connections().size(), 1u);
}

TEST_F(AffinityTest, AfterTheLastOneTheUserIsFree) {
  bench_.Ask(*client_, "QUIT\r\n");
  client_->HalfClose();
  bench_.RunToEnd();
  EXPECT_EQ(bench_.LogIn(bench_.Connect()), kLoggedIn);
  EXPECT_EQ(bench_.node(first_).connections().size(), 2u);
}

TEST_F(AffinityTest, ALiveSessionKeepsTheUserFromMoving) {
  bench_.node(second_).set_greeting({"-ERR full\r\n"});
  upstream::DrivenPeer& late = bench_.Connect();
  EXPECT_EQ(bench_.LogIn(late), "");  // it waits, and tries again, but nowhere else
  bench_.Settle(seconds(60));
  EXPECT_EQ(late.received(), kTemporary);
  EXPECT_EQ(bench_.node(first_).connections().size(), 1u);
  EXPECT_GT(bench_.node(second_).connections().size(), 1u);
}

TEST_F(AffinityTest, ARefusedLoginHoldsNobody) {
  bench_.Ask(*client_, "QUIT\r\n");
  client_->HalfClose();
  bench_.RunToEnd();
  bench_.node(first_).set_greeting({"-ERR full\r\n"});
  bench_.node(second_).set_answer("PASS wrong", {"-ERR [AUTH] no\r\n"});
  bench_.LogIn(bench_.Connect(), "alice", "wrong");
  bench_.node(first_).set_greeting({"+OK\r\n"});
  EXPECT_EQ(bench_.LogIn(bench_.Connect()), kLoggedIn);
  EXPECT_EQ(bench_.node(first_).connections().size(), 3u);
}

TEST_F(AffinityTest, OthersGoTheirWay) {
  for (int i = 0; i < 20; ++i) {
    const std::string user = "user" + std::to_string(i);
    const size_t node = bench_.Preferred(user).front();
    const size_t before = bench_.node(node).connections().size();
    EXPECT_EQ(bench_.LogIn(bench_.Connect(), user), kLoggedIn);
    EXPECT_EQ(bench_.node(node).connections().size(), before + 1);
  }
}

// Two logins at once, of which one fails over while the other still waits for its greeting: they
// must end up on one node.
TEST(SessionRouteTest, LoginsAtOnceMeetOnOneNode) {
  for (uint64_t seed = 1; seed <= 60; ++seed) {
    SCOPED_TRACE(seed);
    SessionBench bench({.seed = seed, .nodes = 2, .shared_storage = true});
    const size_t first = bench.Preferred("alice").front();
    upstream::DrivenPeer& one = bench.Connect();
    upstream::DrivenPeer& other = bench.Connect();
    bench.node(first).set_greeting({"-ERR full\r\n"});
    one.Send("USER alice\r\nPASS secret\r\n");
    bench.Settle(std::chrono::microseconds(20 * seed));
    bench.node(first).set_greeting({"+OK\r\n"});
    other.Send("USER alice\r\nPASS secret\r\n");
    bench.Settle();
    std::array<int, 2> sessions{};
    for (size_t node : {0u, 1u}) {
      for (upstream::DrivenPeer& peer : bench.node(node).connections()) {
        sessions[node] += peer.received().find("PASS") != std::string::npos ? 1 : 0;
      }
    }
    EXPECT_THAT(sessions, testing::AnyOf(ElementsAre(2, 0), ElementsAre(0, 2)));
  }
}

}  // namespace
}  // namespace poplar::session
