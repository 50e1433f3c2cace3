// What a session makes of wrong passwords, of too many connections, and of those who may not
// delete.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "proxy/pop3/reply.h"
#include "tests/unit/proxy/session/session_bench.h"

namespace poplar::session {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;
using PeerEnd = upstream::DrivenPeer::End;

constexpr char kRejected[] = "-ERR [AUTH] no\r\n";
constexpr char kLoggedIn[] = "+OK Logged in.\r\n";

SessionBench::Options Guarded() {
  SessionBench::Options options;
  options.admission.penalty = {.enabled = true, .waiting_per_address = 4};
  options.listener.login.failed_logins_max = 100;
  return options;
}

// Sends a login; the time until its answer, which is `answer`.
io::Duration Try(SessionBench& bench, upstream::DrivenPeer& client, const std::string& password,
                 std::string_view answer, const std::string& user = "alice") {
  client.Forget();
  const io::Time begun = bench.Now();
  client.Send("USER " + user + "\r\nPASS " + password + "\r\n");
  EXPECT_TRUE(bench.Run([&] { return client.received().ends_with(answer); }, seconds(60)))
      << client.received();
  return bench.Now() - begun;
}

TEST(SessionPenalty, WrongPasswordsCostMoreAndMore) {
  SessionBench bench(Guarded());
  bench.node(0).set_answer("PASS", {kRejected});
  upstream::DrivenPeer& client = bench.Connect();
  EXPECT_LT(Try(bench, client, "one", kRejected), seconds(1));
  for (const int delay : {2, 4, 8, 15}) {
    const io::Duration took = Try(bench, client, "guess" + std::to_string(delay), kRejected);
    EXPECT_GE(took, seconds(delay));
    EXPECT_LT(took, seconds(delay + 1));
  }
  EXPECT_EQ(bench.meter.delays,
            (std::vector<io::Duration>{seconds(2), seconds(4), seconds(8), seconds(15)}));
}

TEST(SessionPenalty, TheSameWrongPasswordDoesNot) {
  SessionBench bench(Guarded());
  bench.node(0).set_answer("PASS", {kRejected});
  upstream::DrivenPeer& client = bench.Connect();
  EXPECT_LT(Try(bench, client, "old", kRejected), seconds(1));
  for (int i = 0; i < 4; ++i) EXPECT_LT(Try(bench, client, "old", kRejected), seconds(3));
}

// Neither the node's trouble nor a full mailbox says anything of the password.
TEST(SessionPenalty, TroubleCostsNothing) {
  for (const char* trouble : {"-ERR [SYS/TEMP] later\r\n", "-ERR [SYS/PERM] broken\r\n",
                              "-ERR [IN-USE] locked\r\n", "-ERR [LOGIN-DELAY] wait\r\n"}) {
    SessionBench bench(Guarded());
    bench.node(0).set_answer("PASS", {trouble});
    upstream::DrivenPeer& client = bench.Connect();
    for (int i = 0; i < 8; ++i) {
      EXPECT_LT(Try(bench, client, "guess" + std::to_string(i), trouble), seconds(1)) << trouble;
    }
    EXPECT_TRUE(bench.meter.delays.empty());
  }
}

// The delay holds nothing of the node's.
TEST(SessionPenalty, NoNodeHearsOfALoginThatWaits) {
  SessionBench bench(Guarded());
  bench.node(0).set_answer("PASS", {kRejected});
  upstream::DrivenPeer& client = bench.Connect();
  Try(bench, client, "one", kRejected);
  Try(bench, client, "two", kRejected);
  bench.Settle();
  const std::string before = bench.node(0).received();
  const size_t connections = bench.node(0).connections().size();
  client.Send("USER alice\r\nPASS three\r\n");
  bench.Settle(milliseconds(3900));
  EXPECT_EQ(bench.node(0).received(), before);
  EXPECT_EQ(bench.node(0).connections().size(), connections);
  bench.Settle(milliseconds(300));
  EXPECT_THAT(bench.node(0).received(), HasSubstr("PASS three"));
}

// Who leaves while he waits has guessed nothing.
TEST(SessionPenalty, ALoginThatIsGivenUpReachesNoNode) {
  SessionBench bench(Guarded());
  bench.node(0).set_answer("PASS", {kRejected});
  upstream::DrivenPeer& client = bench.Connect();
  Try(bench, client, "one", kRejected);
  client.Send("USER alice\r\nPASS two\r\n");
  bench.Settle(seconds(1));
  client.Reset();
  bench.RunToEnd();
  bench.Settle(seconds(5));
  EXPECT_THAT(bench.node(0).received(), Not(HasSubstr("PASS two")));
  EXPECT_THAT(bench.meter.calls, testing::Contains("login abandoned"));
}

TEST(SessionPenalty, TooManyThatWaitAreTurnedAway) {
  SessionBench bench(Guarded());  // a quarter of 4: one login of a user may wait
  bench.node(0).set_answer("PASS", {kRejected});
  upstream::DrivenPeer& first = bench.Connect();
  Try(bench, first, "one", kRejected);
  first.Send("USER alice\r\nPASS two\r\n");
  bench.Settle();
  upstream::DrivenPeer& second = bench.Connect();
  EXPECT_LT(Try(bench, second, "three", pop3::kReplyTooManyGuesses), seconds(1));
  bench.Settle(seconds(2));
  EXPECT_EQ(second.end(), PeerEnd::kOrderly);
  second.HalfClose();
  bench.Settle();
  ASSERT_EQ(bench.log.records.size(), 1u);
  EXPECT_EQ(bench.log.records[0].reason, EndReason::kTooManyGuesses);
  EXPECT_THAT(bench.meter.calls, testing::Contains("login throttled"));
  EXPECT_THAT(bench.node(0).received(), Not(HasSubstr("PASS three")));
  // Once the first has had its answer there is room again.
  upstream::DrivenPeer& third = bench.Connect();
  EXPECT_GE(Try(bench, third, "four", kRejected), seconds(2));
}

TEST(SessionPenalty, AGoodLoginIsNotMadeToWaitAgain) {
  SessionBench bench(Guarded());
  bench.node(0).set_answer("PASS", {kRejected});
  bench.node(0).set_answer("PASS right", {kLoggedIn});
  upstream::DrivenPeer& client = bench.Connect();
  Try(bench, client, "one", kRejected);
  EXPECT_GE(Try(bench, client, "right", kLoggedIn), seconds(2));
  upstream::DrivenPeer& again = bench.Connect();
  EXPECT_LT(Try(bench, again, "right", kLoggedIn), seconds(1));
  // Others of the address had no part in it.
  upstream::DrivenPeer& other = bench.Connect();
  EXPECT_LT(Try(bench, other, "right", kLoggedIn, "bob"), seconds(1));
}

TEST(SessionPenalty, DrainingEndsTheWait) {
  SessionBench bench(Guarded());
  bench.node(0).set_answer("PASS", {kRejected});
  upstream::DrivenPeer& client = bench.Connect();
  for (const char* guess : {"one", "two", "three"}) Try(bench, client, guess, kRejected);
  client.Forget();
  client.Send("USER alice\r\nPASS four\r\n");
  bench.Settle(seconds(1));
  bench.DrainAll();
  bench.Settle(milliseconds(100));
  EXPECT_THAT(client.received(), HasSubstr(std::string(pop3::kReplyTemporary)));
}

TEST(SessionPenalty, AbortingEndsTheWait) {
  SessionBench bench(Guarded());
  bench.node(0).set_answer("PASS", {kRejected});
  upstream::DrivenPeer& client = bench.Connect();
  for (const char* guess : {"one", "two", "three"}) Try(bench, client, guess, kRejected);
  client.Send("USER alice\r\nPASS four\r\n");
  bench.Settle(seconds(1));
  bench.AbortAll();
  EXPECT_EQ(bench.RunToEnd(milliseconds(100)).reason, EndReason::kShutdown);
}

TEST(SessionCrowd, TheOldestWithoutALoginGoesFirst) {
  SessionBench bench;
  upstream::DrivenPeer& oldest = bench.Connect();
  upstream::DrivenPeer& user = bench.Connect();
  upstream::DrivenPeer& younger = bench.Connect();
  bench.LogIn(user);
  EXPECT_EQ(bench.admission.connections.unauthenticated(), 2);
  EXPECT_TRUE(bench.newcomers.EndOldest());
  // It counts no more from that moment on, not only once it has gone.
  EXPECT_EQ(bench.admission.connections.unauthenticated(), 1);
  bench.Settle();
  EXPECT_NE(oldest.end(), PeerEnd::kOpen);
  EXPECT_EQ(younger.end(), PeerEnd::kOpen);
  EXPECT_TRUE(bench.newcomers.EndOldest());
  EXPECT_FALSE(bench.newcomers.EndOldest());
  bench.Settle();
  EXPECT_EQ(user.end(), PeerEnd::kOpen);
  ASSERT_EQ(bench.log.records.size(), 2u);
  for (const Record& record : bench.log.records) EXPECT_EQ(record.reason, EndReason::kCrowdedOut);
  EXPECT_EQ(bench.admission.connections.sessions(), 1);
}

// Whoever has sent a whole credential waits for us, not we for him.
TEST(SessionCrowd, ALoginUnderWayStays) {
  SessionBench bench;
  bench.node(0).set_answer("PASS", {""});
  upstream::DrivenPeer& client = bench.Connect();
  client.Send("USER alice\r\nPASS secret\r\n");
  bench.Settle();
  EXPECT_FALSE(bench.newcomers.EndOldest());
  bench.node(0).last().Send(kRejected);
  bench.Settle();
  EXPECT_TRUE(bench.newcomers.EndOldest());
}

TEST(SessionRetention, GoesByTheUser) {
  SessionBench::Options options;
  options.cluster.retention.Say("@archive.example", admission::Deletes::kDenied);
  SessionBench bench(options);
  bench.node(0).set_answer("DELE", {"+OK gone\r\n"});
  upstream::DrivenPeer& kept = bench.Connect();
  bench.LogIn(kept, "Anna@Archive.EXAMPLE");
  EXPECT_EQ(bench.Ask(kept, "DELE 1\r\n"), pop3::kReplyDeletesDenied);
  upstream::DrivenPeer& other = bench.Connect();
  bench.LogIn(other, "anna@example.org");
  EXPECT_EQ(bench.Ask(other, "DELE 1\r\n"), "+OK gone\r\n");
}

}  // namespace
}  // namespace poplar::session
