// Sessions as an operator sees them, and that an operator ends.
#include <gtest/gtest.h>

#include "proxy/pop3/reply.h"
#include "proxy/session/parked_elsewhere.h"
#include "tests/unit/proxy/session/session_bench.h"

namespace poplar::session {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using PeerEnd = upstream::DrivenPeer::End;

constexpr char kLoggedIn[] = "+OK Logged in.\r\n";

Session& Only(const SessionBench& bench) {
  EXPECT_EQ(bench.sessions().size(), 1u);
  return **bench.sessions().begin();
}

TEST(SessionStateTest, FollowsWhatTheSessionDoes) {
  SessionBench bench;
  bench.node(0).set_answer("PASS", {""});
  bench.node(0).set_answer("RETR", {"+OK\r\nhalf "});
  upstream::DrivenPeer& client = bench.Connect();
  Session& session = Only(bench);
  EXPECT_EQ(session.state(), SessionState::kAuthorizing);
  EXPECT_FALSE(session.has_user());
  EXPECT_FALSE(session.idle_since());
  bench.LogIn(client);
  EXPECT_EQ(session.state(), SessionState::kLoggingIn);
  EXPECT_TRUE(session.has_user());
  EXPECT_EQ(session.record().user, "alice");
  bench.node(0).last().Send("+OK\r\n");
  bench.Settle();
  EXPECT_EQ(session.state(), SessionState::kIdle);
  const io::Time since = session.idle_since().value();
  bench.Settle(seconds(3));
  EXPECT_EQ(session.idle_since(), since);
  EXPECT_EQ(bench.Ask(client, "RETR 1\r\n"), "+OK\r\nhalf ");
  EXPECT_EQ(session.state(), SessionState::kRelaying);
  EXPECT_GT(session.idle_since(), since);
  bench.node(0).last().Send("mail\r\n.\r\n");
  bench.Settle();
  EXPECT_EQ(session.state(), SessionState::kIdle);
  EXPECT_EQ(session.record().messages, 1u);
}

TEST(SessionStateTest, ANameThatWasRefusedIsNobodys) {
  SessionBench bench;
  bench.node(0).set_answer("PASS", {"-ERR [AUTH] no\r\n"});
  bench.LogIn(bench.Connect());
  EXPECT_EQ(Only(bench).state(), SessionState::kAuthorizing);
  EXPECT_EQ(Only(bench).record().user, "alice");
  EXPECT_FALSE(Only(bench).has_user());
}

TEST(SessionKickTest, AnIdleSessionHearsItAtOnce) {
  SessionBench bench;
  upstream::DrivenPeer& client = bench.Connect();
  bench.LogIn(client);
  client.Forget();
  Only(bench).Drain(EndReason::kKicked);
  EXPECT_EQ(bench.RunToEnd().reason, EndReason::kKicked);
  EXPECT_EQ(client.received(), pop3::kReplyKicked);
  EXPECT_EQ(client.end(), PeerEnd::kOrderly);
}

TEST(SessionKickTest, AMessageUnderWayIsFinished) {
  SessionBench bench;
  bench.node(0).set_answer("RETR", {"+OK\r\nhalf "});
  upstream::DrivenPeer& client = bench.Connect();
  bench.LogIn(client);
  bench.Ask(client, "RETR 1\r\n");
  Only(bench).Drain(EndReason::kKicked);
  bench.Settle(seconds(5));
  bench.node(0).last().Send("mail\r\n.\r\n");
  EXPECT_EQ(bench.RunToEnd().reason, EndReason::kKicked);
  EXPECT_EQ(client.received(), "+OK\r\nhalf mail\r\n.\r\n" + std::string(pop3::kReplyKicked));
  EXPECT_EQ(bench.log.records.back().messages, 1u);
}

TEST(SessionKickTest, OrIsNotWhenItMustEndNow) {
  SessionBench bench;
  bench.node(0).set_answer("RETR", {"+OK\r\nhalf "});
  upstream::DrivenPeer& client = bench.Connect();
  bench.LogIn(client);
  bench.Ask(client, "RETR 1\r\n");
  Only(bench).Abort(EndReason::kKicked);
  EXPECT_EQ(bench.RunToEnd().reason, EndReason::kKicked);
  EXPECT_EQ(client.received(), "+OK\r\nhalf ");
}

TEST(SessionKickTest, ALoginUnderWayEndsBehindItsAnswer) {
  SessionBench bench;
  bench.node(0).set_answer("PASS", {""});
  upstream::DrivenPeer& client = bench.Connect();
  bench.LogIn(client);
  Only(bench).Drain(EndReason::kKicked);
  bench.Settle(seconds(5));
  EXPECT_EQ(client.received(), "");
  bench.node(0).last().Send("+OK in\r\n");
  EXPECT_EQ(bench.RunToEnd().reason, EndReason::kKicked);
  EXPECT_EQ(client.received(), "+OK in\r\n" + std::string(pop3::kReplyKicked));
}

TEST(SessionKickTest, BeforeALoginItEndsAtOnce) {
  SessionBench bench;
  upstream::DrivenPeer& client = bench.Connect();
  Only(bench).Drain(EndReason::kKicked);
  EXPECT_EQ(bench.RunToEnd().reason, EndReason::kKicked);
  EXPECT_EQ(client.received(), pop3::kReplyKicked);
}

// The first word counts.
TEST(SessionKickTest, ADrainKeepsItsName) {
  SessionBench bench;
  upstream::DrivenPeer& client = bench.Connect();
  bench.node(0).set_answer("RETR", {"+OK\r\nhalf "});
  bench.LogIn(client);
  bench.Ask(client, "RETR 1\r\n");
  bench.DrainAll();
  Only(bench).Drain(EndReason::kKicked);
  bench.node(0).last().Send("mail\r\n.\r\n");
  EXPECT_EQ(bench.RunToEnd().reason, EndReason::kDraining);
}

SessionBench::Options Parking() {
  return {.pool = {.warm = 0, .max_snapshot_age = seconds(5)}, .keepers = true};
}

TEST(SessionKickTest, WhatIsParkedOfTheUserEndsWithQuit) {
  SessionBench bench(Parking());
  const auto alice = balancer::CanonicalUser::FromCanonical("alice");
  const auto bob = balancer::CanonicalUser::FromCanonical("bob");
  for (const char* user : {"alice", "bob"}) {
    upstream::DrivenPeer& client = bench.Connect();
    EXPECT_EQ(bench.LogIn(client, user), kLoggedIn);
    bench.Ask(client, "QUIT\r\n");
    client.HalfClose();
    EXPECT_TRUE(bench.RunToEnd().parked);
  }
  EXPECT_EQ(bench.pool_of(0).pool.counts().parked, 2u);
  EXPECT_EQ(EndParked(bench.environment(), bench.settings(), bench.cluster().id, alice), 1u);
  EXPECT_EQ(EndParked(bench.environment(), bench.settings(), bench.cluster().id, alice), 0u);
  bench.Settle();
  EXPECT_EQ(bench.pool_of(0).pool.counts().parked, 1u);
  EXPECT_EQ(bench.affinity().LeasesOf(bench.cluster().id, alice), 0u);
  EXPECT_EQ(bench.affinity().LeasesOf(bench.cluster().id, bob), 1u);
}

// Its client says QUIT before it hears that it is to go.
TEST(SessionKickTest, AKickedSessionIsNotParked) {
  SessionBench bench(Parking());
  bench.node(0).set_answer("RETR", {"+OK\r\nhalf "});
  upstream::DrivenPeer& client = bench.Connect();
  bench.LogIn(client);
  bench.Ask(client, "RETR 1\r\n");
  Only(bench).Drain(EndReason::kKicked);
  bench.Ask(client, "QUIT\r\n");
  bench.node(0).last().Send("mail\r\n.\r\n");
  client.HalfClose();
  EXPECT_FALSE(bench.RunToEnd().parked);
  bench.Settle(seconds(1));
  EXPECT_EQ(bench.pool_of(0).pool.counts().parked, 0u);
}

}  // namespace
}  // namespace poplar::session
