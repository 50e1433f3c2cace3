// Sessions before a drain: silent clients are let go, those at work go on.
#include <gtest/gtest.h>

#include "proxy/pop3/reply.h"
#include "tests/unit/proxy/session/session_bench.h"

namespace poplar::session {
namespace {

using std::chrono::seconds;
using PeerEnd = upstream::DrivenPeer::End;

constexpr io::Duration kSilence = seconds(10);
const std::string kFarewell{pop3::kReplyDraining};

// Logged in, and since then silent for so long.
upstream::DrivenPeer& LoggedIn(SessionBench& bench, io::Duration silence) {
  bench.node(0).set_answer("NOOP", {"+OK\r\n"});
  bench.node(0).set_answer("DELE", {"+OK\r\n"});
  upstream::DrivenPeer& client = bench.Connect();
  bench.LogIn(client);
  client.Forget();
  bench.Settle(silence);
  return client;
}

TEST(SessionLeaveTest, AClientAtWorkGoesOn) {
  SessionBench bench;
  upstream::DrivenPeer& client = LoggedIn(bench, seconds(1));
  bench.LeaveAll(kSilence);
  for (int i = 0; i < 5; ++i) {
    bench.Settle(seconds(8));
    EXPECT_EQ(bench.Ask(client, "NOOP\r\n"), "+OK\r\n");
  }
  EXPECT_EQ(bench.Ask(client, "QUIT\r\n"), "+OK bye\r\n");
  EXPECT_EQ(bench.RunToEnd().reason, EndReason::kQuit);
}

TEST(SessionLeaveTest, OneThatFallsSilentIsLetGoUnasked) {
  SessionBench bench;
  upstream::DrivenPeer& client = LoggedIn(bench, seconds(1));
  bench.LeaveAll(kSilence);
  bench.Settle(seconds(9));
  EXPECT_EQ(client.received(), "");
  bench.Settle(seconds(2));
  EXPECT_EQ(client.received(), kFarewell);
  EXPECT_EQ(client.end(), PeerEnd::kOrderly);
  EXPECT_EQ(bench.RunToEnd().reason, EndReason::kDraining);
}

TEST(SessionLeaveTest, OneThatWasSilentAlreadyIsToldAtItsNextCommand) {
  SessionBench bench;
  upstream::DrivenPeer& client = LoggedIn(bench, seconds(30));
  bench.LeaveAll(kSilence);
  bench.Settle(seconds(5));
  EXPECT_EQ(client.received(), "");
  EXPECT_EQ(bench.Ask(client, "NOOP\r\n"), kFarewell);
  EXPECT_EQ(client.end(), PeerEnd::kOrderly);
  EXPECT_EQ(bench.RunToEnd().reason, EndReason::kDraining);
}

// What it has deleted counts.
TEST(SessionLeaveTest, ButItsQuitIsHeard) {
  SessionBench bench;
  upstream::DrivenPeer& client = LoggedIn(bench, seconds(1));
  EXPECT_EQ(bench.Ask(client, "DELE 1\r\n"), "+OK\r\n");
  bench.Settle(seconds(30));
  bench.LeaveAll(kSilence);
  EXPECT_EQ(bench.Ask(client, "QUIT\r\n"), "+OK bye\r\n");
  EXPECT_EQ(bench.RunToEnd().reason, EndReason::kQuit);
}

TEST(SessionLeaveTest, ADownloadIsFinishedHoweverLongItTakes) {
  SessionBench bench;
  upstream::DrivenPeer& client = LoggedIn(bench, seconds(1));
  bench.Ask(client, "RETR 1\r\n");
  bench.node(0).last().Send("+OK\r\nma");
  bench.LeaveAll(kSilence);
  bench.Settle(seconds(12));
  bench.node(0).last().Send("il\r\n.\r\n");
  bench.Settle(seconds(1));
  EXPECT_EQ(client.received(), "+OK\r\nmail\r\n.\r\n");
  bench.Settle(seconds(10));
  EXPECT_EQ(client.received(), "+OK\r\nmail\r\n.\r\n" + kFarewell);
  EXPECT_EQ(bench.RunToEnd().reason, EndReason::kDraining);
}

TEST(SessionLeaveTest, BeforeItsLoginAClientMayStillLogIn) {
  SessionBench bench;
  upstream::DrivenPeer& late = bench.Connect();
  upstream::DrivenPeer& silent = bench.Connect();
  bench.Settle(seconds(20));
  bench.LeaveAll(kSilence);
  bench.Settle(seconds(8));
  EXPECT_EQ(bench.LogIn(late).substr(0, 3), "+OK");
  EXPECT_EQ(silent.received(), "");
  bench.Settle(seconds(4));
  EXPECT_EQ(silent.received(), kFarewell);
  EXPECT_EQ(bench.Ask(late, "QUIT\r\n"), "+OK bye\r\n");
  bench.RunToEnd();
}

TEST(SessionLeaveTest, WithoutPatienceAllSilentOnesGoAtOnce) {
  SessionBench bench;
  upstream::DrivenPeer& client = LoggedIn(bench, seconds(0));
  bench.LeaveAll(io::Duration::zero());
  bench.Settle();
  EXPECT_EQ(client.received(), kFarewell);
  bench.RunToEnd();
}

}  // namespace
}  // namespace poplar::session
