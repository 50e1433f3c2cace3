// Parked sessions: whom they serve, and how they end (DESIGN section 4, "Parked connections" and
// "On take-out").
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "proxy/pop3/reply.h"
#include "tests/unit/proxy/session/session_bench.h"

namespace poplar::session {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;
using Then = upstream::ScriptedNode::Answer::Then;
using PeerEnd = upstream::DrivenPeer::End;

constexpr char kLoggedIn[] = "+OK Logged in.\r\n";  // the node's words
const std::string kReused(pop3::kReplyLoggedIn);    // and ours, when nobody asks it

SessionBench::Options Parking() { return {.pool = {.warm = 0, .max_snapshot_age = seconds(10)}}; }

// A whole session, after which the node's may be parked; the answer to PASS.
std::string Visit(SessionBench& bench, std::string_view user = "alice",
                  std::string_view password = "secret") {
  upstream::DrivenPeer& client = bench.Connect();
  std::string answer = bench.LogIn(client, user, password);
  EXPECT_EQ(bench.Ask(client, "QUIT\r\n"), pop3::kReplyQuit);
  client.HalfClose();
  bench.Settle();
  return answer;
}

TEST(SessionParkedTest, ServesTheSameUserAgain) {
  SessionBench bench(Parking());
  EXPECT_EQ(Visit(bench), kLoggedIn);
  EXPECT_TRUE(bench.log.records.back().parked);
  EXPECT_EQ(bench.log.records.back().lease, "new");
  EXPECT_EQ(Visit(bench), kReused);
  // Not a byte more than that: no RSET, no NOOP, no QUIT.
  EXPECT_EQ(bench.node(0).received(), "USER alice\r\nPASS secret\r\n");
  EXPECT_EQ(bench.OpenAtNode(0), 1u);
  EXPECT_THAT(bench.meter.pool, ElementsAre("take 0 new", "park 0 parked", "found 0 reused",
                                            "take 0 parked", "park 0 parked"));
  const Record& record = bench.log.records.back();
  EXPECT_EQ(record.lease, "parked");
  EXPECT_TRUE(record.parked);
  EXPECT_TRUE(record.logged_in);
  EXPECT_EQ(record.reason, EndReason::kQuit);
  EXPECT_EQ(record.node, "mail/n0");
  ASSERT_TRUE(record.snapshot.has_value());
  EXPECT_EQ(*record.snapshot, io::Brief(bench.meter.ages.back()));
  EXPECT_GT(*record.snapshot, milliseconds(300));
  EXPECT_LT(*record.snapshot, seconds(2));
  // The stages of the connection were paid by the login before.
  EXPECT_EQ(record.connect, io::Duration(0));
  EXPECT_EQ(record.authentication, io::Duration(0));
}

TEST(SessionParkedTest, WhatTheClientIsToldAfterwardsComesFromTheNode) {
  SessionBench bench(Parking());
  Visit(bench);
  bench.node(0).set_answer("CAPA", {"+OK\r\nUIDL\r\nEXPIRE 7\r\nSTLS\r\n.\r\n"});
  bench.node(0).set_answer("STAT", {"+OK 7 700\r\n"});
  bench.node(0).set_answer("RETR", {"-ERR Message 1 expunged.\r\n"});
  upstream::DrivenPeer& client = bench.Connect();
  EXPECT_EQ(bench.LogIn(client), kReused);
  EXPECT_EQ(bench.Ask(client, "CAPA\r\n"), "+OK\r\nUIDL\r\nEXPIRE 7\r\n.\r\n");
  EXPECT_EQ(bench.Ask(client, "STAT\r\n"), "+OK 7 700\r\n");
  EXPECT_EQ(bench.Ask(client, "RETR 1\r\n"), "-ERR Message 1 expunged.\r\n");
  EXPECT_EQ(bench.node(0).received(), "USER alice\r\nPASS secret\r\nCAPA\r\nSTAT\r\nRETR 1\r\n");
}

TEST(SessionParkedTest, CommandsInThePacketOfThePassWord) {
  SessionBench bench(Parking());
  bench.node(0).set_answer("STAT", {"+OK 7 700\r\n"});
  Visit(bench);
  EXPECT_EQ(bench.Ask(bench.Connect(), "USER alice\r\nPASS secret\r\nSTAT\r\n"),
            std::string(pop3::kReplyUserAccepted) + kReused + "+OK 7 700\r\n");
}

TEST(SessionParkedTest, ServesNoOtherUser) {
  SessionBench bench(Parking());
  Visit(bench, "alice", "secret");
  EXPECT_EQ(Visit(bench, "bob", "secret"), kLoggedIn);
  EXPECT_EQ(bench.node(0).connections().size(), 2u);
  EXPECT_EQ(Visit(bench, "alice", "secret"), kReused);
  EXPECT_EQ(Visit(bench, "bob", "secret"), kReused);
  EXPECT_EQ(bench.node(0).connections().size(), 2u);
}

// --- another credential

class OtherCredentialTest : public testing::TestWithParam<std::pair<const char*, const char*>> {};

// "A different credential is not an answer: end the parked session first (with QUIT: it may hold
// the lock), then ask the node as for any login."
TEST_P(OtherCredentialTest, GoesToTheNodeAfterTheParkedOneHasQuit) {
  const auto [user, password] = GetParam();
  SessionBench bench(Parking());
  Visit(bench);
  bench.node(0).set_answer("QUIT", {""});  // takes its time
  bench.node(0).set_answer("PASS", {"-ERR [AUTH] no\r\n"});
  upstream::DrivenPeer& client = bench.Connect();
  EXPECT_EQ(bench.LogIn(client, user, password), "");
  ASSERT_EQ(bench.node(0).connections().size(), 1u);
  EXPECT_EQ(bench.node(0).last().received(), "USER alice\r\nPASS secret\r\nQUIT\r\n");

  bench.node(0).last().Send("+OK bye\r\n");
  bench.node(0).last().HalfClose();
  bench.Settle();
  ASSERT_EQ(bench.node(0).connections().size(), 2u);
  EXPECT_EQ(client.received(), "-ERR [AUTH] no\r\n");
  EXPECT_TRUE(bench.node(0).last().received().starts_with(
      "USER " + std::string(user) + "\r\nPASS " + std::string(password) + "\r\n"));
  EXPECT_THAT(bench.meter.pool,
              ElementsAre("take 0 new", "park 0 parked", "found 0 other_credential", "take 0 new"));
  EXPECT_THAT(bench.meter.calls, Contains("login rejected"));
  // And it is gone for good, also for who has the right one.
  bench.node(0).set_answer("PASS", {kLoggedIn});
  EXPECT_EQ(bench.LogIn(bench.Connect()), kLoggedIn);
}

INSTANTIATE_TEST_SUITE_P(Table, OtherCredentialTest,
                         testing::Values(std::pair("alice", "wrong"), std::pair("alice", "secre"),
                                         std::pair("alice", "secrets"),
                                         std::pair("alice", "Secret"),
                                         std::pair("alice", "secret "),
                                         // The node accepted another spelling.
                                         std::pair("Alice", "secret")));

// --- age

TEST(SessionParkedTest, TheAgeCountsFromTheNodesAnswerToTheLogin) {
  SessionBench bench({.pool = {.warm = 0, .max_snapshot_age = seconds(5)}});
  bench.node(0).set_answer("PASS", {""});
  upstream::DrivenPeer& client = bench.Connect();
  EXPECT_EQ(bench.LogIn(client), "");
  bench.Settle(seconds(4));
  const io::Time answered = bench.Now();
  bench.node(0).last().Send(kLoggedIn);
  bench.Settle();
  bench.Ask(client, "QUIT\r\n");
  client.HalfClose();
  bench.node(0).set_answer("PASS", {kLoggedIn});

  bench.Settle(answered + milliseconds(4500) - bench.Now());
  EXPECT_EQ(bench.LogIn(bench.Connect()), kReused);
}

TEST(SessionParkedTest, TheAgeDoesNotCountFromTheQuit) {
  SessionBench bench({.pool = {.warm = 0, .max_snapshot_age = seconds(5)}});
  upstream::DrivenPeer& client = bench.Connect();
  const io::Time begun = bench.Now();
  bench.LogIn(client);
  bench.Settle(seconds(4));
  EXPECT_EQ(bench.Ask(client, "QUIT\r\n"), pop3::kReplyQuit);
  client.HalfClose();
  bench.Settle(begun + milliseconds(5100) - bench.Now());
  EXPECT_EQ(bench.LogIn(bench.Connect()), kLoggedIn);
  EXPECT_THAT(bench.meter.pool, Contains("found 0 too_old"));
  EXPECT_TRUE(bench.node(0).connections()[0].received().ends_with("PASS secret\r\nQUIT\r\n"));
}

TEST(SessionParkedTest, NothingRefreshesTheAge) {
  SessionBench bench({.pool = {.warm = 0, .max_snapshot_age = seconds(5)}});
  bench.node(0).set_answer("STAT", {"+OK 1 1\r\n"});
  bench.node(0).set_answer("RSET", {"+OK\r\n"});
  const io::Time begun = bench.Now();
  EXPECT_EQ(Visit(bench), kLoggedIn);
  for (int i = 0; i < 3; ++i) {
    upstream::DrivenPeer& client = bench.Connect();
    EXPECT_EQ(bench.LogIn(client), kReused);
    bench.Ask(client, "STAT\r\n");
    bench.Ask(client, "RSET\r\n");
    EXPECT_EQ(bench.Ask(client, "QUIT\r\n"), pop3::kReplyQuit);
    client.HalfClose();
  }
  ASSERT_LT(bench.Now() - begun, milliseconds(4900));
  bench.Settle(begun + milliseconds(5100) - bench.Now());
  EXPECT_EQ(bench.LogIn(bench.Connect()), kLoggedIn);
  EXPECT_EQ(bench.node(0).connections().size(), 2u);
}

TEST(SessionParkedTest, AgeZeroTurnsParkingOff) {
  SessionBench bench({.pool = {.warm = 0, .max_snapshot_age = io::Duration(0)}});
  upstream::DrivenPeer& client = bench.Connect();
  bench.LogIn(client);
  EXPECT_EQ(bench.Ask(client, "QUIT\r\n"), "+OK bye\r\n");
  EXPECT_THAT(bench.meter.pool, ElementsAre("take 0 new", "park 0 off"));
  EXPECT_EQ(bench.OpenAtNode(0), 0u);
  EXPECT_FALSE(bench.RunToEnd().parked);
}

TEST(SessionParkedTest, WhereNothingHoldsUsersNobodyIsParked) {
  SessionBench bench({.nodes = 2,
                      .shared_storage = true,
                      .pool = {.warm = 0, .max_snapshot_age = seconds(10)},
                      .affinity = false});
  upstream::DrivenPeer& client = bench.Connect();
  bench.LogIn(client);
  EXPECT_EQ(bench.Ask(client, "QUIT\r\n"), "+OK bye\r\n");
}

// --- "On take-out check for end-of-file or stray bytes."

struct DeadCase {
  const char* name;
  const char* bytes;
  Then then;
};

class DeadParkedTest : public testing::TestWithParam<DeadCase> {};

TEST_P(DeadParkedTest, GivesWayToAFreshLoginSilently) {
  SessionBench bench(Parking());
  Visit(bench);
  upstream::DrivenPeer& parked = bench.node(0).last();
  if (*GetParam().bytes != '\0') parked.Send(GetParam().bytes);
  if (GetParam().then == Then::kClose) parked.HalfClose();
  if (GetParam().then == Then::kReset) parked.Reset();
  bench.Settle();
  EXPECT_EQ(Visit(bench), kLoggedIn);
  EXPECT_THAT(bench.meter.pool, ElementsAre("take 0 new", "park 0 parked", "found 0 dead",
                                            "take 0 new", "park 0 parked"));
  EXPECT_THAT(bench.meter.calls, Not(Contains(HasSubstr("failed"))));
  EXPECT_TRUE(bench.observer.transitions.empty());
  EXPECT_EQ(bench.log.records.back().failure, "");
  EXPECT_NE(parked.end(), PeerEnd::kOpen);
  EXPECT_EQ(parked.received(), "USER alice\r\nPASS secret\r\n");
  EXPECT_EQ(Visit(bench), kReused);
}

INSTANTIATE_TEST_SUITE_P(Table, DeadParkedTest,
                         testing::Values(DeadCase{"Closed", "", Then::kClose},
                                         DeadCase{"Reset", "", Then::kReset},
                                         DeadCase{"StrayBytes", "+OK\r\n", Then::kStay},
                                         DeadCase{"HalfALine", "-", Then::kStay},
                                         DeadCase{"SaysGoodbye", "-ERR idle\r\n", Then::kClose}),
                         [](const auto& info) { return info.param.name; });

// --- how they end: "with a real QUIT when it expires, when the node drains, when we stop"

class ParkedEndTest : public testing::Test {
 protected:
  ParkedEndTest() { Visit(bench_); }
  upstream::DrivenPeer& parked() { return bench_.node(first_).last(); }

  SessionBench bench_{{.nodes = 2,
                       .shared_storage = true,
                       .pool = {.warm = 0, .max_snapshot_age = seconds(5)},
                       .keepers = true}};
  const size_t first_ = bench_.Preferred("alice").front();
};

TEST_F(ParkedEndTest, ExpiredWithQuit) {
  bench_.Settle(seconds(3));
  EXPECT_EQ(parked().end(), PeerEnd::kOpen);
  EXPECT_EQ(bench_.affinity().Users(), 1u);
  bench_.Settle(seconds(4));
  EXPECT_EQ(parked().received(), "USER alice\r\nPASS secret\r\nQUIT\r\n");
  EXPECT_EQ(bench_.pool_of(first_).pool.counts().in_use, 0u);
  EXPECT_EQ(bench_.affinity().Users(), 0u);
}

TEST_F(ParkedEndTest, DrainedWithQuit) {
  bench_.SetAdmin(first_, balancer::AdminState::kDrain);
  bench_.Settle(seconds(2));
  EXPECT_TRUE(parked().received().ends_with("PASS secret\r\nQUIT\r\n"));
  // Only now its user is free to go.
  EXPECT_EQ(Visit(bench_), kLoggedIn);
  EXPECT_EQ(bench_.node(1 - first_).connections().size(), 1u);
}

TEST_F(ParkedEndTest, HoldsItsUserOnItsNodeUntilTheNodeHasSaidGoodbye) {
  bench_.node(first_).set_answer("QUIT", {""});
  bench_.SetAdmin(first_, balancer::AdminState::kDrain);
  bench_.Run([this] { return parked().received().ends_with("QUIT\r\n"); }, seconds(3));
  EXPECT_EQ(bench_.affinity().Users(), 1u);
  upstream::DrivenPeer& client = bench_.Connect();
  EXPECT_EQ(bench_.LogIn(client), "");
  EXPECT_EQ(bench_.node(1 - first_).connections().size(), 0u);
  bench_.Settle(seconds(3));
  EXPECT_EQ(client.received(), kLoggedIn);
  EXPECT_EQ(bench_.node(first_).connections().size(), 1u);
  EXPECT_EQ(bench_.node(1 - first_).connections().size(), 1u);
}

TEST_F(ParkedEndTest, OnANodeThatIsOutItServesNobody) {
  bench_.SetAdmin(first_, balancer::AdminState::kDrain);  // and the keeper hasn't looked yet
  EXPECT_EQ(bench_.LogIn(bench_.Connect()), kLoggedIn);
  EXPECT_TRUE(parked().received().ends_with("PASS secret\r\nQUIT\r\n"));
  EXPECT_EQ(bench_.node(first_).connections().size(), 1u);
  EXPECT_EQ(bench_.node(1 - first_).connections().size(), 1u);
}

TEST_F(ParkedEndTest, StoppedWithQuit) {
  bench_.StopKeeping();
  bench_.Settle();
  EXPECT_TRUE(parked().received().ends_with("PASS secret\r\nQUIT\r\n"));
  // And nobody is parked any more.
  upstream::DrivenPeer& late = bench_.Connect();
  EXPECT_EQ(bench_.LogIn(late), kLoggedIn);
  bench_.Ask(late, "QUIT\r\n");
  bench_.Settle();
  EXPECT_TRUE(parked().received().ends_with("PASS secret\r\nQUIT\r\n"));
  EXPECT_THAT(bench_.meter.pool, Contains("park " + std::to_string(first_) + " refused"));
}

// --- over TLS

TEST(SessionParkedTest, OverTls) {
  demo::MailStore store;
  store.AddUser("alice", "secret");
  store.AddMessage("alice", "Subject: x\r\n\r\nx\r\n");
  SessionBench bench(
      {.store = &store, .pool = {.warm = 0, .max_snapshot_age = seconds(10)}, .node_tls = true});
  for (int i = 0; i < 3; ++i) {
    upstream::DrivenPeer& client = bench.Connect();
    bench.LogIn(client);
    EXPECT_THAT(bench.Ask(client, "STAT\r\n"), testing::StartsWith("+OK 1 "));
    EXPECT_EQ(bench.Ask(client, "QUIT\r\n"), pop3::kReplyQuit);
    client.HalfClose();
    bench.Settle();
    EXPECT_EQ(bench.log.records.back().lease, i == 0 ? "new" : "parked");
  }
  EXPECT_EQ(bench.mail_node(0).counters().logins, 1u);
}

}  // namespace
}  // namespace poplar::session
