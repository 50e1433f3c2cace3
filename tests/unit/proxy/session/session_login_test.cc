// From the connection to the answer to PASS.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "proxy/pop3/capabilities.h"
#include "proxy/pop3/reply.h"
#include "tests/unit/proxy/session/session_bench.h"

namespace poplar::session {
namespace {

using std::chrono::seconds;
using testing::ElementsAre;
using testing::IsSupersetOf;
using Then = upstream::ScriptedNode::Answer::Then;
using PeerEnd = upstream::DrivenPeer::End;

const std::string kTemporary(pop3::kReplyTemporary);
constexpr char kLoggedIn[] = "+OK Logged in.\r\n";

TEST(SessionLoginTest, UserAndPass) {
  SessionBench bench;
  upstream::DrivenPeer& client = bench.Connect();
  EXPECT_EQ(bench.LogIn(client, "Alice@Example.COM"), kLoggedIn);
  EXPECT_EQ(bench.node(0).received(), "USER Alice@Example.COM\r\nPASS secret\r\n");
  EXPECT_THAT(bench.meter.calls, ElementsAre("began", "login ok", "node+ 0"));

  EXPECT_EQ(bench.Ask(client, "QUIT\r\n"), "+OK bye\r\n");
  EXPECT_EQ(client.end(), PeerEnd::kOrderly);
  client.HalfClose();
  const Record& record = bench.RunToEnd();
  EXPECT_THAT(bench.meter.calls,
              ElementsAre("began", "login ok", "node+ 0", "QUIT ok", "node- 0", "ended quit"));
  EXPECT_EQ(record.reason, EndReason::kQuit);
  EXPECT_EQ(record.user, "alice@example.com");
  EXPECT_EQ(record.node, "mail/n0");
  EXPECT_EQ(record.listener, "pop3");
  EXPECT_EQ(record.client.Host(), "192.0.2.200");
  EXPECT_TRUE(record.logged_in);
  EXPECT_EQ(record.failure, "");
  EXPECT_EQ(record.commands, 1u);
  EXPECT_TRUE(record.login.has_value());
  EXPECT_GE(record.total, *record.login);
  EXPECT_EQ(record.bytes_to_client,
            pop3::kGreeting.size() + pop3::kReplyUserAccepted.size() + sizeof(kLoggedIn) - 1 + 9);
}

TEST(SessionLoginTest, TheWholeSessionInOnePacket) {
  const std::string packet = "CAPA\nuser alice\npass secret\nSTAT\nSTLS\nQUIT\nDELE 1\n";
  const std::string answers =
      pop3::RenderBeforeLogin({.mechanisms = {pop3::Mechanism::kPlain, pop3::Mechanism::kLogin}}) +
      std::string(pop3::kReplyUserAccepted) + kLoggedIn + "+OK 0 0\r\n" +
      std::string(pop3::kReplyAlreadyLoggedIn) + "+OK bye\r\n";
  for (size_t cut = 0; cut < packet.size(); ++cut) {
    SCOPED_TRACE(cut);
    SessionBench bench;
    bench.node(0).set_answer("STAT", {"+OK 0 0\r\n"});
    upstream::DrivenPeer& client = bench.Connect();
    std::string got = bench.Ask(client, packet.substr(0, cut));
    got += bench.Ask(client, packet.substr(cut));
    EXPECT_EQ(got, answers);
    EXPECT_EQ(bench.node(0).received(), "USER alice\r\nPASS secret\r\nSTAT\r\nQUIT\r\n");
    EXPECT_EQ(client.end(), PeerEnd::kOrderly);
    EXPECT_EQ(bench.RunToEnd().reason, EndReason::kQuit);
  }
}

TEST(SessionLoginTest, ByteByByte) {
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    SessionBench bench({.faults = {.segment_bytes_max = 1, .read_bytes_max = 1}, .seed = seed});
    upstream::DrivenPeer& client = bench.Connect();
    EXPECT_EQ(bench.Ask(client, "USER alice\r\nPASS secret\r\nQUIT\r\n"),
              std::string(pop3::kReplyUserAccepted) + kLoggedIn + "+OK bye\r\n");
  }
}

TEST(SessionLoginTest, ASecondTryInThePacketOfTheFirst) {
  SessionBench bench;
  bench.node(0).set_answer("PASS wrong", {"-ERR [AUTH] no\r\n"});
  bench.node(0).set_answer("NOOP", {"+OK\r\n"});
  const std::string accepted(pop3::kReplyUserAccepted);
  EXPECT_EQ(bench.Ask(bench.Connect(),
                      "USER alice\r\nPASS wrong\r\nUSER alice\r\nPASS right\r\nNOOP\r\n"),
            accepted + "-ERR [AUTH] no\r\n" + accepted + kLoggedIn + "+OK\r\n");
  EXPECT_EQ(bench.node(0).connections().size(), 2u);
}

// --- the node says no

struct RefusalCase {
  const char* name;
  const char* command;
  const char* line;
  bool counts;  // as a guess at the password
};

class RefusalTest : public testing::TestWithParam<RefusalCase> {};

TEST_P(RefusalTest, PassesAsItIs) {
  SessionBench bench;
  const std::string answer = std::string(GetParam().line) + "\r\n";
  bench.node(0).set_answer(GetParam().command, {answer});
  upstream::DrivenPeer& client = bench.Connect();
  for (int i = 0; i < 2; ++i) EXPECT_EQ(bench.LogIn(client), answer);
  EXPECT_EQ(client.end(), PeerEnd::kOpen);
  EXPECT_EQ(bench.LogIn(client), answer);
  EXPECT_EQ(client.end(), GetParam().counts ? PeerEnd::kOrderly : PeerEnd::kOpen);
  if (!GetParam().counts) EXPECT_EQ(bench.LogIn(client), answer);
  client.HalfClose();

  const Record& record = bench.RunToEnd();
  EXPECT_EQ(record.reason,
            GetParam().counts ? EndReason::kTooManyFailedLogins : EndReason::kClientEof);
  EXPECT_FALSE(record.logged_in);
  EXPECT_EQ(record.failure, GetParam().line);
  const char* login = GetParam().counts ? "login rejected" : "login backend_error";
  EXPECT_THAT(bench.meter.calls, IsSupersetOf({login, login, login}));
  // Each try had a connection of its own, which was left politely.
  for (upstream::DrivenPeer& connection : bench.node(0).connections()) {
    EXPECT_TRUE(connection.received().ends_with("QUIT\r\n"));
  }
}

INSTANTIATE_TEST_SUITE_P(
    Table, RefusalTest,
    testing::Values(RefusalCase{"Auth", "PASS", "-ERR [AUTH] Authentication failed.", true},
                    RefusalCase{"NoCode", "PASS", "-ERR wrong password", true},
                    RefusalCase{"Bare", "PASS", "-ERR", true},
                    RefusalCase{"ToUser", "USER", "-ERR who are you?", true},
                    RefusalCase{"UnknownCode", "PASS", "-ERR [ALERT] wrong password", true},
                    RefusalCase{"InUse", "PASS", "-ERR [IN-USE] maildrop locked", false},
                    RefusalCase{"LoginDelay", "PASS", "-ERR [LOGIN-DELAY] too soon", false},
                    RefusalCase{"SysTemp", "PASS", "-ERR [SYS/TEMP] try later", false},
                    RefusalCase{"SysPerm", "PASS", "-ERR [SYS/PERM] never", false}),
    [](const auto& info) { return info.param.name; });

TEST(SessionLoginTest, FailureIsForgottenWithASuccess) {
  SessionBench bench;
  bench.node(0).set_answer("PASS wrong", {"-ERR [AUTH] no\r\n"});
  upstream::DrivenPeer& client = bench.Connect();
  bench.LogIn(client, "alice", "wrong");
  EXPECT_EQ(bench.LogIn(client), kLoggedIn);
  bench.Ask(client, "QUIT\r\n");
  EXPECT_EQ(bench.RunToEnd().failure, "");
}

// --- no node takes the login, for no fault of the client's

struct TroubleCase {
  const char* name;
  const char* at;  // greeting, or the command
  upstream::ScriptedNode::Answer answer;
  const char* failure;
  const char* login;
};

class TroubleTest : public testing::TestWithParam<TroubleCase> {
 protected:
  static void Arm(upstream::ScriptedNode& node) {
    if (GetParam().at == std::string_view("greeting")) {
      node.set_greeting(GetParam().answer);
    } else {
      node.set_answer(GetParam().at, GetParam().answer);
    }
  }
};

// One answer, whatever it was; the client may try again on the same connection, and does so in vain
// more often than it may guess passwords.
TEST_P(TroubleTest, IsTemporary) {
  SessionBench bench({.upstream = {.response = seconds(5)}});
  Arm(bench.node(0));
  upstream::DrivenPeer& client = bench.Connect();
  const std::string failed = std::string("failed 0 ") + GetParam().failure;
  const std::string login = std::string("login ") + GetParam().login;
  for (int i = 0; i < 4; ++i) {
    bench.Ask(client, "USER alice\r\n");
    client.Send("PASS secret\r\n");
    bench.Settle(seconds(6));
    EXPECT_EQ(client.received(), kTemporary);
    client.Forget();
  }
  EXPECT_EQ(client.end(), PeerEnd::kOpen);
  EXPECT_THAT(bench.meter.calls,
              ElementsAre("began", failed, login, failed, login, failed, login, failed, login));
  EXPECT_EQ(bench.Ask(client, "QUIT\r\n"), pop3::kReplyQuit);
  client.HalfClose();
  const Record& record = bench.RunToEnd();
  EXPECT_EQ(record.reason, EndReason::kNodeUnavailable);
  EXPECT_THAT(std::string(record.failure), testing::StartsWith(GetParam().failure));
  // No QUIT and no second attempt went to a node that failed.
  for (upstream::DrivenPeer& connection : bench.node(0).connections()) {
    EXPECT_THAT(connection.received(),
                testing::AnyOf("", "USER alice\r\n", "USER alice\r\nPASS secret\r\n"));
  }
}

TEST_P(TroubleTest, TheNextTryMayGoWell) {
  SessionBench bench;
  Arm(bench.node(0));
  upstream::DrivenPeer& client = bench.Connect();
  bench.Ask(client, "USER alice\r\n");
  client.Send("PASS secret\r\n");
  bench.Settle(seconds(16));
  EXPECT_EQ(client.received(), kTemporary);
  client.Forget();
  bench.node(0).set_greeting({"+OK\r\n"});
  bench.node(0).set_answer("USER", {"+OK\r\n"});
  bench.node(0).set_answer("PASS", {kLoggedIn});
  EXPECT_EQ(bench.LogIn(client), kLoggedIn);
  bench.Ask(client, "QUIT\r\n");
  const Record& record = bench.RunToEnd();
  EXPECT_EQ(record.reason, EndReason::kQuit);
  EXPECT_EQ(record.failure, "");
}

// Only trouble before a credential was sent moves on to another node, and only on shared storage.
TEST_P(TroubleTest, FailsOverOnlyBeforeCredentials) {
  for (const bool shared : {true, false}) {
    SCOPED_TRACE(shared);
    SessionBench bench({.nodes = 2, .shared_storage = shared});
    const size_t first = bench.Preferred("alice").front();
    const size_t second = 1 - first;
    Arm(bench.node(first));
    upstream::DrivenPeer& client = bench.Connect();
    client.Send("USER alice\r\nPASS secret\r\n");
    bench.Settle(seconds(16));
    const bool moves = shared && GetParam().at == std::string_view("greeting");
    EXPECT_EQ(client.received(),
              std::string(pop3::kReplyUserAccepted) + (moves ? kLoggedIn : kTemporary));
    EXPECT_EQ(bench.node(first).connections().size(), 1u);
    EXPECT_EQ(bench.node(second).connections().size(), moves ? 1u : 0u);
    if (!moves) continue;
    const std::string from = std::to_string(first);
    EXPECT_THAT(bench.meter.calls,
                ElementsAre("began", "failed " + from + " " + GetParam().failure, "over " + from,
                            "login ok", "node+ " + std::to_string(second)));
    bench.Ask(client, "QUIT\r\n");
    EXPECT_EQ(bench.RunToEnd().node, "mail/n" + std::to_string(second));
  }
}

INSTANTIATE_TEST_SUITE_P(
    Table, TroubleTest,
    testing::Values(
        TroubleCase{
            "GreetingRefused", "greeting", {"-ERR full\r\n"}, "greeting_refused", "unavailable"},
        TroubleCase{
            "GreetingGarbage", "greeting", {"220 hi\r\n"}, "greeting_garbage", "unavailable"},
        TroubleCase{
            "GreetingTwice", "greeting", {"+OK a\r\n+OK b\r\n"}, "greeting_garbage", "unavailable"},
        TroubleCase{"NoGreeting", "greeting", {""}, "greeting_timeout", "unavailable"},
        TroubleCase{"ClosedAtOnce", "greeting", {"", Then::kClose}, "closed", "unavailable"},
        TroubleCase{"ResetAtOnce", "greeting", {"", Then::kReset}, "reset", "unavailable"},
        TroubleCase{"ClosedAfterUser", "USER", {"", Then::kClose}, "closed", "backend_error"},
        TroubleCase{"ClosedAfterPass", "PASS", {"", Then::kClose}, "closed", "backend_error"},
        TroubleCase{"ResetAfterPass", "PASS", {"", Then::kReset}, "reset", "backend_error"},
        TroubleCase{"GarbageAfterPass", "PASS", {"yes\r\n"}, "protocol", "backend_error"},
        TroubleCase{"SilenceAfterPass", "PASS", {""}, "response_timeout", "timeout"}),
    [](const auto& info) { return info.param.name; });

}  // namespace
}  // namespace poplar::session
