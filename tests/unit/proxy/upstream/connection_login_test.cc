// A connection's login by what the node offers, and what a node is told of the client.
#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <vector>

#include "tests/unit/proxy/upstream/connection_bench.h"

namespace poplar::upstream {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using Bench = ConnectionBench;
using Verdict = LoginAnswer::Verdict;

const pop3::Capabilities kOffered("SASL PLAIN XOAUTH2 SCRAM-SHA-256\r\nUTF8\r\n");
constexpr char kReason[] = "+ eyJzdGF0dXMiOiI0MDAifQ==\r\n";

ClientOrigin Origin() {
  return {.client = *io::Address::Parse("192.0.2.200", 50123),
          .local = *io::Address::Parse("192.0.2.1", 995),
          .session = 0x2a};
}
constexpr char kXclient[] =
    "XCLIENT ADDR=192.0.2.200 PORT=50123 DESTADDR=192.0.2.1 DESTPORT=995 "
    "SESSION=000000000000002a TTL=7\r\n";

pop3::Credential Token() {
  pop3::Credential credential = pop3::PasswordCredential("alice", pop3::Secret("tok"));
  credential.mechanism = pop3::Mechanism::kXoauth2;
  return credential;
}

pop3::Credential Scram() {
  pop3::Credential credential;
  credential.mechanism = pop3::Mechanism::kScramSha256;
  credential.identity.user = "alice";
  credential.first_message = pop3::Secret("n,,n=alice,r=abc");
  return credential;
}

pop3::Credential Alice() { return pop3::PasswordCredential("alice", pop3::Secret("secret")); }

// Answers from a list, each after a while; nothing when it is used up.
class ScriptedChallenger final : public Challenger {
 public:
  ScriptedChallenger(io::Proactor& proactor, std::vector<std::string> answers)
      : proactor_(proactor), answers_(std::move(answers)) {}

  io::Task<std::optional<pop3::Secret>> Ask(std::string_view line) override {
    questions += line;
    co_await proactor_.Sleep(seconds(4));
    if (given_ == answers_.size()) co_return std::nullopt;
    co_return pop3::Secret(answers_[given_++]);
  }

  std::string questions;

 private:
  io::Proactor& proactor_;
  const std::vector<std::string> answers_;
  size_t given_ = 0;
};

TEST(ConnectionLoginTest, PlainWhereItIsOffered) {
  for (const bool careful : {false, true}) {
    Bench bench;
    bench.node.set_answer("AUTH", {careful ? "+ \r\n" : "+OK in\r\n"});
    bench.node.set_answer("AGFsaWNlAHNlY3JldA==", {"+OK in\r\n"});
    ASSERT_EQ(Failure(bench.Open()), "none");
    const Bench::Login login = bench.LogIn(Alice(), {.offered = &kOffered, .careful = careful});
    ASSERT_TRUE(login.has_value());
    EXPECT_EQ(login->verdict, Verdict::kAccepted);
    EXPECT_EQ(login->line, "+OK in\r\n");
    EXPECT_EQ(bench.node.received(), careful ? "AUTH PLAIN\r\nAGFsaWNlAHNlY3JldA==\r\n"
                                             : "AUTH PLAIN AGFsaWNlAHNlY3JldA==\r\n");
    EXPECT_TRUE(bench.connection().password_sent());
  }
}

// As the node says that it may be told: it answers USER when it has got the password, too.
TEST(ConnectionLoginTest, UserAndPasswordAtOnceWhereThatIsOffered) {
  const pop3::Capabilities pipelining("PIPELINING\r\n");
  for (const bool careful : {false, true}) {
    Bench bench;
    bench.node.set_answer("USER", {careful ? "+OK\r\n" : ""});
    bench.node.set_answer("PASS", {careful ? "+OK in\r\n" : "+OK\r\n+OK in\r\n"});
    ASSERT_EQ(Failure(bench.Open()), "none");
    const Bench::Login login = bench.LogIn(Alice(), {.offered = &pipelining, .careful = careful});
    ASSERT_TRUE(login.has_value());
    EXPECT_EQ(login->verdict, Verdict::kAccepted);
    EXPECT_EQ(login->line, "+OK in\r\n");
    EXPECT_EQ(bench.node.received(), "USER alice\r\nPASS secret\r\n");
  }
}

TEST(ConnectionLoginTest, ALineBehindTheTwoAnswersIsNoLogin) {
  const pop3::Capabilities pipelining("PIPELINING\r\n");
  Bench bench;
  bench.node.set_answer("USER", {""});
  bench.node.set_answer("PASS", {"+OK\r\n+OK in\r\n+OK\r\n"});
  ASSERT_EQ(Failure(bench.Open()), "none");
  EXPECT_EQ(Failure(bench.LogIn(Alice(), {.offered = &pipelining})), "protocol");
  EXPECT_TRUE(bench.connection().password_sent());
}

// Whoever is dead must not have cost a login attempt.
TEST(ConnectionLoginTest, CarefulnessPaysWhereTheNodeIsGone) {
  Bench bench;
  ASSERT_EQ(Failure(bench.Open()), "none");
  bench.node.set_answer("AUTH", {"", ScriptedNode::Answer::Then::kReset});
  EXPECT_EQ(Failure(bench.LogIn(Alice(), {.offered = &kOffered, .careful = true})), "reset");
  EXPECT_FALSE(bench.connection().password_sent());
}

TEST(ConnectionLoginTest, TheNodesWordOnAuthIsTheAnswer) {
  Bench bench;
  bench.node.set_answer("AUTH", {"-ERR [AUTH] no\r\n"});
  ASSERT_EQ(Failure(bench.Open()), "none");
  const Bench::Login login = bench.LogIn(Alice(), {.offered = &kOffered});
  ASSERT_TRUE(login.has_value());
  EXPECT_EQ(login->verdict, Verdict::kRefused);
  EXPECT_EQ(login->line, "-ERR [AUTH] no\r\n");
}

TEST(ConnectionLoginTest, NothingIsSentWhereThereIsNoWay) {
  Bench bench;
  ASSERT_EQ(Failure(bench.Open()), "none");
  const Bench::Login login = bench.LogIn(Token(), {});
  ASSERT_TRUE(login.has_value());
  EXPECT_EQ(login->verdict, Verdict::kImpossible);
  EXPECT_NE(login->why, "");
  bench.Settle();
  EXPECT_EQ(bench.node.received(), "");
}

TEST(ConnectionLoginTest, AModeThatIsRefused) {
  Bench bench;
  bench.node.set_answer("UTF8", {"-ERR no\r\n"});
  ASSERT_EQ(Failure(bench.Open()), "none");
  pop3::Credential utf8 = Alice();
  utf8.utf8 = true;
  const Bench::Login login = bench.LogIn(std::move(utf8), {.offered = &kOffered});
  ASSERT_TRUE(login.has_value());
  EXPECT_EQ(login->verdict, Verdict::kModeRefused);
  EXPECT_EQ(bench.node.received(), "UTF8\r\n");
}

// --- questions for the client

TEST(ConnectionLoginTest, ScramGoesThrough) {
  for (const size_t piece : {size_t{1}, size_t{1000}}) {
    Bench bench({.segment_bytes_max = piece, .read_bytes_max = piece});
    bench.node.set_answer("AUTH", {"+ cj1hYmNkZWY=\r\n"});
    bench.node.set_answer("Yz1iaXdz", {"+ dj1hYmM=\r\n"});
    bench.node.set_answer("", {"+OK in\r\n"});
    ASSERT_EQ(Failure(bench.Open()), "none");
    ScriptedChallenger client(bench.poplar(), {"Yz1iaXdz", ""});
    const Bench::Login login = bench.LogIn(Scram(), {.offered = &kOffered, .challenger = &client});
    ASSERT_TRUE(login.has_value());
    EXPECT_EQ(login->verdict, Verdict::kAccepted);
    EXPECT_EQ(client.questions, "+ cj1hYmNkZWY=\r\n+ dj1hYmM=\r\n");
    EXPECT_EQ(bench.node.received(),
              "AUTH SCRAM-SHA-256 biwsbj1hbGljZSxyPWFiYw==\r\nYz1iaXdz\r\n\r\n");
    EXPECT_TRUE(bench.connection().client_asked());
    // The client's time is none of the node's.
    EXPECT_LT(bench.connection().durations().authentication, seconds(4));
    EXPECT_GT(bench.connection().durations().authentication.count(), 0);
  }
}

TEST(ConnectionLoginTest, AClientThatLeavesItsNodeWaiting) {
  Bench bench;
  bench.node.set_answer("AUTH", {"+ cj1hYmNkZWY=\r\n"});
  ASSERT_EQ(Failure(bench.Open()), "none");
  ScriptedChallenger client(bench.poplar(), {});
  const Bench::Login login = bench.LogIn(Scram(), {.offered = &kOffered, .challenger = &client});
  ASSERT_TRUE(login.has_value());
  EXPECT_EQ(login->verdict, Verdict::kClientGone);
  EXPECT_TRUE(bench.connection().client_asked());
}

TEST(ConnectionLoginTest, ARefusedTokensReason) {
  Bench bench;
  bench.node.set_answer("AUTH", {kReason});
  bench.node.set_answer("AQ==", {"-ERR [AUTH] expired\r\n"});
  ASSERT_EQ(Failure(bench.Open()), "none");
  ScriptedChallenger client(bench.poplar(), {"AQ=="});
  const Bench::Login login = bench.LogIn(Token(), {.offered = &kOffered, .challenger = &client});
  ASSERT_TRUE(login.has_value());
  EXPECT_EQ(login->verdict, Verdict::kRefused);
  EXPECT_EQ(login->line, "-ERR [AUTH] expired\r\n");
  EXPECT_EQ(client.questions, kReason);
}

TEST(ConnectionLoginTest, WithNobodyToAskItIsCancelled) {
  Bench bench;
  bench.node.set_answer("AUTH", {kReason});
  bench.node.set_answer("*", {"-ERR [AUTH] expired\r\n"});
  ASSERT_EQ(Failure(bench.Open()), "none");
  const Bench::Login login = bench.LogIn(Token(), {.offered = &kOffered});
  ASSERT_TRUE(login.has_value());
  EXPECT_EQ(login->verdict, Verdict::kRefused);
}

TEST(ConnectionLoginTest, AQuestionAsLongAsTokensNeed) {
  for (const bool fits : {true, false}) {
    Bench bench;
    const std::string claims((pop3::kSaslLineBytesMax - 4) / 4 * 4 + (fits ? 0 : 4), 'A');
    bench.node.set_answer("AUTH", {"+ " + claims + "\r\n"});
    bench.node.set_answer("", {"-ERR no\r\n"});
    ASSERT_EQ(Failure(bench.Open()), "none");
    ScriptedChallenger client(bench.poplar(), {""});
    const Bench::Login login = bench.LogIn(Token(), {.offered = &kOffered, .challenger = &client});
    EXPECT_EQ(Failure(login), fits ? "none" : "protocol");
    EXPECT_EQ(client.questions.size(), fits ? claims.size() + 4 : 0u);
  }
}

// --- XCLIENT

TEST(ConnectionLoginTest, XclientWhereItIsOffered) {
  const ClientOrigin origin = Origin();
  const std::string login_lines = "USER alice\r\nPASS secret\r\n";
  const struct {
    const char* greeting;
    bool wanted;
    const ClientOrigin* origin;
    std::string received;
  } cases[] = {
      {"+OK [XCLIENT] Dovecot ready.\r\n", true, &origin, kXclient + login_lines},
      {"+OK [XCLIENT]\r\n", true, &origin, kXclient + login_lines},
      {"+OK [XCLIENT] Dovecot ready.\r\n", false, &origin, login_lines},
      {"+OK [XCLIENT] Dovecot ready.\r\n", true, nullptr, login_lines},
      {"+OK Dovecot ready.\r\n", true, &origin, login_lines},
      {"+OK We have no [XCLIENT]\r\n", true, &origin, login_lines},
  };
  for (const auto& c : cases) {
    Bench bench;
    bench.Use([&c](Endpoint& endpoint) { endpoint.xclient = c.wanted; });
    bench.node.set_greeting({c.greeting});
    bench.node.set_answer("XCLIENT", {"+OK Updated\r\n"});
    ASSERT_EQ(Failure(bench.Open()), "none");
    ASSERT_EQ(Failure(bench.LogIn(Alice(), {.origin = c.origin})), "none");
    EXPECT_EQ(bench.node.received(), c.received);
  }
}

// Once it has answered that, it isn't dead.
TEST(ConnectionLoginTest, XclientIsCareEnough) {
  const ClientOrigin origin = Origin();
  Bench bench;
  bench.node.set_greeting({"+OK [XCLIENT]\r\n"});
  bench.node.set_answer("XCLIENT", {"+OK Updated\r\n"});
  bench.node.set_answer("AUTH", {"+OK\r\n"});
  ASSERT_EQ(Failure(bench.Open()), "none");
  ASSERT_EQ(
      Failure(bench.LogIn(Alice(), {.offered = &kOffered, .origin = &origin, .careful = true})),
      "none");
  EXPECT_EQ(bench.node.received(), std::string(kXclient) + "AUTH PLAIN AGFsaWNlAHNlY3JldA==\r\n");
}

TEST(ConnectionLoginTest, NoLoginInAnotherClientsName) {
  const ClientOrigin origin = Origin();
  const std::pair<const char*, const char*> answers[] = {
      {"-ERR You are not from trusted IP\r\n", "command_refused"}, {"hm\r\n", "protocol"}};
  for (const auto& [answer, failure] : answers) {
    Bench bench;
    bench.node.set_greeting({"+OK [XCLIENT]\r\n"});
    bench.node.set_answer("XCLIENT", {answer});
    ASSERT_EQ(Failure(bench.Open()), "none");
    EXPECT_EQ(Failure(bench.LogIn(Alice(), {.origin = &origin})), failure);
    EXPECT_EQ(bench.node.received(), kXclient);
    EXPECT_FALSE(bench.connection().password_sent());
  }
}

// --- the PROXY protocol

TEST(ConnectionLoginTest, TheProxyHeaderComesFirst) {
  const ClientOrigin origin = Origin();
  for (const ProxyProtocol version : {ProxyProtocol::kV1, ProxyProtocol::kV2}) {
    for (const ClientOrigin* whose : {&origin, static_cast<const ClientOrigin*>(nullptr)}) {
      Bench bench;
      bench.Use([&](Endpoint& endpoint) { endpoint.proxy_protocol = version; });
      ASSERT_EQ(Failure(bench.Open(whose)), "none");
      bench.Settle();
      const std::string header = RenderProxyHeader(version, whose);
      EXPECT_FALSE(header.empty());
      EXPECT_EQ(bench.node.received(), header);
    }
  }
}

}  // namespace
}  // namespace poplar::upstream
