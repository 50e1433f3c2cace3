// Maildrops that somebody else has: [IN-USE] patience, limits on a user's sessions, and nodes that
// lock (DESIGN section 4, "Clusters say whether their nodes lock").
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "proxy/demo/mail_store.h"
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
using testing::StartsWith;
using PeerEnd = upstream::DrivenPeer::End;

const std::string kInUse(pop3::kReplyInUse);
constexpr char kLoggedIn[] = "+OK Logged in.\r\n";
constexpr char kNodesWord[] = "-ERR [IN-USE] Mailbox is locked by POP server\r\n";

// --- the node says [IN-USE]

class InUseTest : public testing::Test {
 protected:
  static SessionBench::Options Patient() {
    return {.login = {.in_use_retries = 2, .in_use_backoff = seconds(1)}};
  }
  // When the node is asked, in order.
  void SetUp() override { bench_.node(0).set_answer("PASS", {kNodesWord}); }
  size_t tries() { return bench_.node(0).connections().size(); }

  SessionBench bench_{Patient()};
};

TEST_F(InUseTest, IsTriedAgainWithBackOffAndGoesWell) {
  upstream::DrivenPeer& client = bench_.Connect();
  const io::Time begun = bench_.Now();
  EXPECT_EQ(bench_.LogIn(client), "");
  EXPECT_EQ(tries(), 1u);
  bench_.Run([this] { return tries() == 2; }, seconds(5));
  const io::Time second = bench_.Now();
  EXPECT_GE(second - begun, milliseconds(800));
  EXPECT_LE(second - begun, milliseconds(1500));
  bench_.Settle();
  bench_.node(0).set_answer("PASS", {kLoggedIn});
  bench_.Run([this] { return tries() == 3; }, seconds(5));
  EXPECT_GE(bench_.Now() - second, milliseconds(1600));
  EXPECT_LE(bench_.Now() - second, milliseconds(2500));
  bench_.Settle();
  EXPECT_EQ(client.received(), kLoggedIn);
  EXPECT_THAT(bench_.meter.pool, ElementsAre("take 0 new", "retry in_use", "take 0 new",
                                             "retry in_use", "take 0 new"));
  EXPECT_THAT(bench_.meter.calls, ElementsAre("began", "login ok", "node+ 0"));
  // Each refused one was left politely, and none was held during the pause.
  EXPECT_EQ(bench_.OpenAtNode(0), 1u);
  bench_.Ask(client, "QUIT\r\n");
  EXPECT_EQ(bench_.RunToEnd().failure, "");
}

TEST_F(InUseTest, IsPassedOnWordByWordInTheEnd) {
  upstream::DrivenPeer& client = bench_.Connect();
  bench_.LogIn(client);
  bench_.Settle(seconds(5));
  EXPECT_EQ(client.received(), kNodesWord);
  EXPECT_EQ(tries(), 3u);
  EXPECT_THAT(bench_.meter.calls, ElementsAre("began", "login backend_error"));
  // It says nothing against the node, nor is it a guess at a password.
  EXPECT_TRUE(bench_.observer.transitions.empty());
  EXPECT_EQ(client.end(), PeerEnd::kOpen);
  client.Forget();
  bench_.node(0).set_answer("PASS", {kLoggedIn});
  EXPECT_EQ(bench_.LogIn(client), kLoggedIn);
}

TEST_F(InUseTest, AnotherAnswerMeanwhileIsTheAnswer) {
  upstream::DrivenPeer& client = bench_.Connect();
  bench_.LogIn(client);
  bench_.node(0).set_answer("PASS", {"-ERR [AUTH] expired\r\n"});
  bench_.Settle(seconds(2));
  EXPECT_EQ(client.received(), "-ERR [AUTH] expired\r\n");
  EXPECT_EQ(tries(), 2u);
}

TEST_F(InUseTest, ThePauseHoldsNoSlotAndNoUser) {
  upstream::DrivenPeer& client = bench_.Connect();
  bench_.LogIn(client);
  EXPECT_EQ(bench_.pool_of(0).pool.counts().in_use, 0u);
  EXPECT_EQ(bench_.affinity().Users(), 0u);
  client.HalfClose();
  bench_.Settle(seconds(10));
  EXPECT_EQ(tries(), 1u);
  EXPECT_EQ(bench_.log.records.back().reason, EndReason::kClientEof);
  EXPECT_THAT(bench_.meter.calls, Contains("login abandoned"));
}

TEST_F(InUseTest, DrainEndsThePatience) {
  upstream::DrivenPeer& client = bench_.Connect();
  bench_.LogIn(client);
  bench_.DrainAll();
  bench_.RunToEnd();
  EXPECT_THAT(client.received(), StartsWith("-ERR [SYS/TEMP]"));
  EXPECT_EQ(tries(), 1u);
}

TEST(SessionLockTest, NoRetryBeyondTheLoginsDeadline) {
  Timeouts timeouts;
  timeouts.login = seconds(5);
  SessionBench bench(
      {.timeouts = timeouts, .login = {.in_use_retries = 5, .in_use_backoff = seconds(1)}});
  bench.node(0).set_answer("PASS", {kNodesWord});
  upstream::DrivenPeer& client = bench.Connect();
  bench.LogIn(client);
  bench.Settle(milliseconds(4500));
  EXPECT_EQ(client.received(), kNodesWord);  // rather than silence until the end
  EXPECT_EQ(bench.node(0).connections().size(), 3u);
}

TEST(SessionLockTest, WithoutPatienceItIsPassedOnAtOnce) {
  SessionBench bench({.login = {.in_use_retries = 0}});
  bench.node(0).set_answer("PASS", {kNodesWord});
  EXPECT_EQ(bench.LogIn(bench.Connect()), kNodesWord);
  EXPECT_EQ(bench.node(0).connections().size(), 1u);
}

// --- limits on one user's sessions

class UserLimitTest : public testing::Test {
 protected:
  static SessionBench::Options Limited(uint32_t most, seconds parking = seconds(0)) {
    return {
        .pool = {.warm = 0, .max_snapshot_age = parking},
        .login = {
            .user_sessions_max = most, .in_use_retries = 2, .in_use_backoff = milliseconds(500)}};
  }
  static size_t LoginsAt(SessionBench& bench) {
    size_t logins = 0;
    const std::string received = bench.node(0).received();
    for (size_t at = received.find("PASS "); at != received.npos;
         at = received.find("PASS ", at + 1))
      ++logins;
    return logins;
  }
};

TEST_F(UserLimitTest, BeyondItTheClientIsToldInUseAfterSomePatience) {
  SessionBench bench(Limited(2));
  for (int i = 0; i < 2; ++i) EXPECT_EQ(bench.LogIn(bench.Connect()), kLoggedIn);
  upstream::DrivenPeer& third = bench.Connect();
  const io::Time begun = bench.Now();
  EXPECT_EQ(bench.LogIn(third), "");
  EXPECT_TRUE(bench.Run([&third] { return third.received().ends_with("\n"); }, seconds(5)));
  EXPECT_EQ(third.received(), kInUse);
  EXPECT_GE(bench.Now() - begun, milliseconds(1200));
  EXPECT_EQ(third.end(), PeerEnd::kOpen);
  EXPECT_THAT(bench.meter.pool, Contains("retry user_limit").Times(2));
  EXPECT_EQ(LoginsAt(bench), 2u) << "its credential is known to be right: no node is asked";
  EXPECT_TRUE(bench.observer.transitions.empty());
  EXPECT_EQ(bench.LogIn(bench.Connect(), "bob"), kLoggedIn);
  third.HalfClose();
  bench.Settle(seconds(2));
  EXPECT_THAT(std::string(bench.log.records.back().failure), HasSubstr("user_limit"));
}

// Whoever guesses learns from [IN-USE] that the user exists and is here, and that the guess is
// right (RFC 2449 section 8.1.2): only the node can say so.
TEST_F(UserLimitTest, AnotherCredentialIsJudgedByTheNode) {
  SessionBench bench(Limited(1));
  EXPECT_EQ(bench.LogIn(bench.Connect()), kLoggedIn);
  bench.node(0).set_answer("PASS", {"-ERR [AUTH] no\r\n"});
  EXPECT_EQ(bench.LogIn(bench.Connect(), "alice", "guess"), "-ERR [AUTH] no\r\n");
  EXPECT_EQ(LoginsAt(bench), 2u);
  bench.node(0).set_answer("PASS", {kLoggedIn});
  upstream::DrivenPeer& other = bench.Connect();
  bench.LogIn(other, "ALICE");
  EXPECT_TRUE(bench.Run([&other] { return other.received().ends_with("\n"); }, seconds(5)));
  EXPECT_EQ(other.received(), kInUse);
  bench.Settle();
  EXPECT_EQ(bench.OpenAtNode(0), 1u) << "what was one too many has left";
}

TEST_F(UserLimitTest, AGuessUnderWayTakesNobodysPlace) {
  SessionBench bench(Limited(1));
  bench.node(0).set_answer("PASS", {""});
  upstream::DrivenPeer& guess = bench.Connect();
  EXPECT_EQ(bench.LogIn(guess, "alice", "guess"), "");
  bench.node(0).set_answer("PASS", {kLoggedIn});
  EXPECT_EQ(bench.LogIn(bench.Connect()), kLoggedIn);
}

TEST_F(UserLimitTest, OneThatEndsMeanwhileMakesRoom) {
  SessionBench bench(Limited(1));
  upstream::DrivenPeer& first = bench.Connect();
  bench.LogIn(first);
  upstream::DrivenPeer& second = bench.Connect();
  EXPECT_EQ(bench.LogIn(second), "");
  bench.Ask(first, "QUIT\r\n");
  bench.Settle(seconds(2));
  EXPECT_EQ(second.received(), kLoggedIn);
}

TEST_F(UserLimitTest, AParkedSessionIsNoneOfTheUsers) {
  SessionBench bench(Limited(1, seconds(30)));
  upstream::DrivenPeer& first = bench.Connect();
  bench.LogIn(first);
  bench.Ask(first, "QUIT\r\n");
  EXPECT_EQ(bench.LogIn(bench.Connect()), pop3::kReplyLoggedIn);
}

TEST_F(UserLimitTest, AParkedSessionWithAnotherCredentialIsNoneEither) {
  SessionBench bench(Limited(1, seconds(30)));
  upstream::DrivenPeer& first = bench.Connect();
  bench.LogIn(first);
  bench.Ask(first, "QUIT\r\n");
  EXPECT_EQ(bench.LogIn(bench.Connect(), "Alice"), kLoggedIn);
}

// A login that had found nothing parked is on its way while another session is parked: the next
// one finds it, but the user has as many sessions as allowed.
TEST_F(UserLimitTest, NorDoesAParkedSessionServeBeyondIt) {
  SessionBench bench(Limited(1, seconds(30)));
  upstream::DrivenPeer& first = bench.Connect();
  bench.LogIn(first);
  bench.node(0).set_greeting({""});
  upstream::DrivenPeer& second = bench.Connect();
  EXPECT_EQ(bench.LogIn(second), "");
  EXPECT_EQ(bench.Ask(first, "QUIT\r\n"), pop3::kReplyQuit);
  ASSERT_EQ(bench.pool_of(0).pool.counts().parked, 1u);
  bench.node(0).last().Send("+OK\r\n");
  bench.Settle();
  ASSERT_EQ(second.received(), kLoggedIn);
  bench.node(0).set_greeting({"+OK\r\n"});

  upstream::DrivenPeer& third = bench.Connect();
  EXPECT_EQ(bench.LogIn(third), "");
  bench.Settle(seconds(3));
  EXPECT_EQ(third.received(), kInUse);
}

// --- a real node that locks

class ExclusiveNodeTest : public testing::Test {
 protected:
  void SetUp() override {
    store_.AddUser("alice", "secret");
    store_.AddMessage("alice", "Subject: x\r\n\r\nx\r\n");
    SessionBench::Options options{
        .store = &store_,
        .mail_node = {.exclusive_lock = true},
        .pool = {.size = 2, .warm = 0, .max_snapshot_age = seconds(30)},
        .login = {.in_use_retries = 2, .in_use_backoff = milliseconds(500)}};
    bench_.emplace(options);
  }
  upstream::DrivenPeer& Park() {
    upstream::DrivenPeer& client = bench_->Connect();
    EXPECT_THAT(bench_->LogIn(client), StartsWith("+OK"));
    EXPECT_EQ(bench_->Ask(client, "QUIT\r\n"), pop3::kReplyQuit);
    return client;
  }

  demo::MailStore store_;
  std::optional<SessionBench> bench_;
};

TEST_F(ExclusiveNodeTest, TheParkedSessionItselfServes) {
  Park();
  EXPECT_THAT(bench_->LogIn(bench_->Connect()), StartsWith("+OK"));
  EXPECT_EQ(bench_->mail_node(0).counters().logins, 1u);
}

// "end the parked session first (with QUIT: it may hold the lock)": else these were [IN-USE].
TEST_F(ExclusiveNodeTest, TheParkedSessionIsOutOfTheWayOfAnotherCredential) {
  Park();
  EXPECT_THAT(bench_->LogIn(bench_->Connect(), "alice", "wrong"), StartsWith("-ERR [AUTH]"));
  Park();
  EXPECT_THAT(bench_->LogIn(bench_->Connect(), "ALICE", "secret"), StartsWith("+OK"));
  EXPECT_THAT(bench_->meter.pool, Not(Contains("retry in_use")));
}

TEST_F(ExclusiveNodeTest, ASecondDeviceWaitsForTheFirst) {
  upstream::DrivenPeer& first = bench_->Connect();
  bench_->LogIn(first);
  upstream::DrivenPeer& second = bench_->Connect();
  EXPECT_EQ(bench_->LogIn(second), "");
  bench_->Ask(first, "QUIT\r\n");
  bench_->Settle(seconds(2));
  EXPECT_THAT(second.received(), StartsWith("+OK"));
  second.Forget();

  upstream::DrivenPeer& third = bench_->Connect();
  bench_->LogIn(third);
  bench_->Settle(seconds(4));
  EXPECT_THAT(third.received(), StartsWith("-ERR [IN-USE]"));
}

}  // namespace
}  // namespace poplar::session
