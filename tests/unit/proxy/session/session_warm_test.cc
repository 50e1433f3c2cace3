// Warm connections: greeted, not logged in (DESIGN section 4, "Warm connections").
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "proxy/demo/mail_store.h"
#include "proxy/pop3/reply.h"
#include "tests/unit/proxy/session/session_bench.h"

namespace poplar::session {
namespace {

using std::chrono::seconds;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;
using PeerEnd = upstream::DrivenPeer::End;

const std::string kTemporary(pop3::kReplyTemporary);
constexpr char kLoggedIn[] = "+OK Logged in.\r\n";

SessionBench::Options Warm() {
  return {.pool = {.warm = 2, .max_snapshot_age = io::Duration(0)}, .keepers = true};
}

// The pool fills when somebody logs in.
void Fill(SessionBench& bench) {
  bench.Settle(seconds(2));
  upstream::DrivenPeer& first = bench.Connect();
  bench.LogIn(first, "first");
  bench.Ask(first, "QUIT\r\n");
  first.HalfClose();
  EXPECT_TRUE(bench.Run([&] { return bench.pool_of(0).pool.counts().warm > 0; }, seconds(5)));
  EXPECT_TRUE(bench.Run([&] { return bench.sessions().empty(); }, seconds(5)));
  bench.meter.calls.clear();
  bench.meter.pool.clear();
  bench.log.records.clear();
}

class WarmTest : public testing::Test {
 protected:
  void SetUp() override {
    Fill(bench_);
    ASSERT_EQ(bench_.node(0).connections().size(), 2u);
    ASSERT_EQ(warm().received(), "");
    ASSERT_EQ(warm().end(), PeerEnd::kOpen);
  }
  upstream::DrivenPeer& warm() { return bench_.node(0).connections()[1]; }

  SessionBench bench_{Warm()};
};

TEST_F(WarmTest, AnyUserTakesOneForOneLogin) {
  upstream::DrivenPeer& client = bench_.Connect();
  EXPECT_EQ(bench_.LogIn(client), kLoggedIn);
  EXPECT_EQ(warm().received(), "USER alice\r\nPASS secret\r\n");
  EXPECT_THAT(bench_.meter.pool, ElementsAre("take 0 warm"));
  EXPECT_EQ(bench_.Ask(client, "QUIT\r\n"), "+OK bye\r\n");
  client.HalfClose();
  const Record& record = bench_.RunToEnd();
  EXPECT_EQ(record.lease, "warm");
  // Opened at nobody's cost.
  EXPECT_EQ(record.connect, io::Duration(0));
  EXPECT_EQ(record.greeting, io::Duration(0));
  EXPECT_GT(record.authentication, io::Duration(0));
  EXPECT_NE(warm().end(), PeerEnd::kOpen);
}

TEST_F(WarmTest, ARefusedLoginUsesItUp) {
  bench_.node(0).set_answer("PASS wrong", {"-ERR [AUTH] no\r\n"});
  upstream::DrivenPeer& client = bench_.Connect();
  EXPECT_EQ(bench_.LogIn(client, "alice", "wrong"), "-ERR [AUTH] no\r\n");
  EXPECT_EQ(warm().received(), "USER alice\r\nPASS wrong\r\nQUIT\r\n");
}

// "Dead on use before credentials were sent: take another, silently."

TEST_F(WarmTest, ClosedBeforeItsUse) {
  warm().HalfClose();
  bench_.Settle();
  EXPECT_EQ(bench_.LogIn(bench_.Connect()), kLoggedIn);
  EXPECT_EQ(warm().received(), "");
  EXPECT_THAT(bench_.meter.pool, ElementsAre("take 0 new"));
  EXPECT_THAT(bench_.meter.calls, Not(Contains(HasSubstr("failed"))));
  EXPECT_TRUE(bench_.observer.transitions.empty());
}

TEST_F(WarmTest, ResetBeforeItsUse) {
  warm().Reset();
  bench_.Settle();
  EXPECT_EQ(bench_.LogIn(bench_.Connect()), kLoggedIn);
  EXPECT_THAT(bench_.meter.calls, Not(Contains(HasSubstr("failed"))));
}

TEST_F(WarmTest, GivenNoticeBeforeItsUse) {
  warm().Send("-ERR Disconnected for inactivity.\r\n");
  bench_.Settle();
  EXPECT_EQ(bench_.LogIn(bench_.Connect()), kLoggedIn);
  EXPECT_EQ(warm().received(), "");
  EXPECT_NE(warm().end(), PeerEnd::kOpen);
}

TEST_F(WarmTest, ClosedAtUser) {
  for (const bool reset : {true, false}) {
    SessionBench bench(Warm());
    Fill(bench);
    upstream::DrivenPeer& stale = bench.node(0).connections()[1];
    stale.set_on_line([&stale, reset](std::string_view) {
      if (reset) {
        stale.Reset();
      } else {
        stale.HalfClose();
      }
    });
    upstream::DrivenPeer& client = bench.Connect();
    EXPECT_EQ(bench.LogIn(client), kLoggedIn);
    EXPECT_EQ(stale.received(), "USER alice\r\n");
    EXPECT_THAT(bench.meter.pool, ElementsAre("take 0 warm", "take 0 new"));
    EXPECT_THAT(bench.meter.calls, ElementsAre("began", "login ok", "node+ 0"));
    EXPECT_TRUE(bench.observer.transitions.empty());
    bench.Ask(client, "QUIT\r\n");
    const Record& record = bench.RunToEnd();
    EXPECT_EQ(record.lease, "new");
    EXPECT_EQ(record.failure, "");
    EXPECT_GT(record.connect, io::Duration(0));
  }
}

TEST_F(WarmTest, AllOfThemDead) {
  // A second one comes with more demand.
  for (const char* user : {"bob", "carol"}) {
    upstream::DrivenPeer& client = bench_.Connect();
    bench_.LogIn(client, user);
  }
  ASSERT_TRUE(bench_.Run([&] { return bench_.pool_of(0).pool.counts().warm == 2; }, seconds(9)));
  const size_t before = bench_.node(0).connections().size();
  for (size_t i = before - 2; i < before; ++i) {
    upstream::DrivenPeer& stale = bench_.node(0).connections()[i];
    ASSERT_EQ(stale.received(), "");
    stale.set_on_line([&stale](std::string_view) { stale.HalfClose(); });
  }
  EXPECT_EQ(bench_.LogIn(bench_.Connect()), kLoggedIn);
  EXPECT_THAT(bench_.meter.calls, Not(Contains(HasSubstr("failed"))));
}

// From the password on nothing is silent, and nothing is tried again.
TEST_F(WarmTest, ClosedAtPass) {
  upstream::DrivenPeer& client = bench_.Connect();
  bench_.node(0).set_answer("PASS", {"", upstream::ScriptedNode::Answer::Then::kClose});
  EXPECT_EQ(bench_.LogIn(client), kTemporary);
  EXPECT_THAT(bench_.meter.calls, ElementsAre("began", "failed 0 closed", "login backend_error"));
  EXPECT_THAT(bench_.node(0).received(),
              testing::Not(HasSubstr("PASS secret\r\nUSER alice\r\nPASS")));
}

// A warm connection that doesn't answer isn't one that was closed: another is taken, but not
// silently.
TEST_F(WarmTest, SilentAtUser) {
  warm().set_on_line([](std::string_view) {});
  upstream::DrivenPeer& client = bench_.Connect();
  bench_.LogIn(client);
  bench_.Settle(seconds(17));
  EXPECT_EQ(client.received(), kLoggedIn);
  EXPECT_THAT(bench_.meter.calls, Contains("failed 0 response_timeout"));
  EXPECT_THAT(bench_.meter.pool, Contains("retry unreachable"));
}

TEST_F(WarmTest, UnusedOnesEndWithQuit) {
  bench_.Settle(std::chrono::minutes(2));
  EXPECT_EQ(warm().received(), "QUIT\r\n");
  for (upstream::DrivenPeer& connection : bench_.node(0).connections()) {
    EXPECT_TRUE(connection.received().ends_with("QUIT\r\n"));
  }
  EXPECT_EQ(bench_.pool_of(0).pool.counts().in_use, 0u);
}

// --- over TLS, with a real node

class WarmTlsTest : public testing::Test {
 protected:
  void SetUp() override {
    store_.AddUser("alice", "secret");
    store_.AddUser("first", "secret");
    SessionBench::Options options = Warm();
    options.store = &store_;
    options.node_tls = true;
    options.mail_node.login_timeout = seconds(4);
    bench_.emplace(options);
    Fill(*bench_);
  }

  demo::MailStore store_;
  std::optional<SessionBench> bench_;
};

TEST_F(WarmTlsTest, IsTaken) {
  upstream::DrivenPeer& client = bench_->Connect();
  EXPECT_THAT(bench_->LogIn(client), testing::StartsWith("+OK"));
  EXPECT_THAT(bench_->meter.pool, ElementsAre("take 0 warm"));
  EXPECT_EQ(bench_->Ask(client, "STAT\r\n"), "+OK 0 0\r\n");
  bench_->Ask(client, "QUIT\r\n");
  EXPECT_EQ(bench_->RunToEnd().node_tls, io::Duration(0));
}

TEST_F(WarmTlsTest, DeadBeforeItsUse) {
  bench_->Settle(seconds(5));  // longer than the node waits for a login
  upstream::DrivenPeer& client = bench_->Connect();
  EXPECT_THAT(bench_->LogIn(client), testing::StartsWith("+OK"));
  EXPECT_THAT(bench_->meter.pool, ElementsAre("take 0 new"));
  EXPECT_THAT(bench_->meter.calls, ElementsAre("began", "login ok", "node+ 0"));
}

}  // namespace
}  // namespace poplar::session
