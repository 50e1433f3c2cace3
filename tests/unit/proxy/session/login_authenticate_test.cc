// Logins by what a node offers: what is asked, what is said, and what is not done again.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "proxy/io/socket_stream.h"
#include "proxy/pop3/reply.h"
#include "proxy/session/login.h"
#include "tests/unit/proxy/session/session_bench.h"

namespace poplar::session {
namespace {

using pop3::Mechanism;
using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::Not;
using testing::StartsWith;
using Outcome = Login::Outcome;
using Then = upstream::ScriptedNode::Answer::Then;
using PeerEnd = upstream::DrivenPeer::End;

constexpr char kCapa[] = "+OK\r\nTOP\r\nUIDL\r\nUTF8\r\nSASL PLAIN XOAUTH2 SCRAM-SHA-256\r\n.\r\n";
constexpr char kCapaWithout[] = "+OK\r\nTOP\r\nUIDL\r\nUSER\r\n.\r\n";
constexpr char kToken[] = "AUTH XOAUTH2 dXNlcj1hbGljZQFhdXRoPUJlYXJlciB0b2sBAQ==\r\n";
constexpr char kPlain[] = "AUTH PLAIN AGFsaWNlAHNlY3JldA==\r\n";
constexpr char kQuestion[] = "+ cj1hYmNkZWY=\r\n";

// Of alice's mailbox.
pop3::Credential Alice(std::optional<Mechanism> mechanism, std::string_view secret = "secret",
                       std::string_view user = "alice") {
  pop3::Credential credential;
  credential.mechanism = mechanism;
  credential.identity.user = user;
  if (user != "alice") credential.identity.authorization = "alice";
  if (credential.proof() == pop3::Proof::kScram) {
    credential.first_message = pop3::Secret("n,,n=alice,r=abc");
  } else if (credential.proof() != pop3::Proof::kCertificate) {
    credential.identity.secret = pop3::Secret(secret);
  }
  return credential;
}
pop3::Credential Token() { return Alice(Mechanism::kXoauth2, "tok"); }
pop3::Credential Scram() { return Alice(Mechanism::kScramSha256); }

class OneAnswer final : public upstream::Challenger {
 public:
  explicit OneAnswer(std::optional<std::string> answer) : answer_(std::move(answer)) {}
  io::Task<std::optional<pop3::Secret>> Ask(std::string_view line) override {
    asked += line;
    if (!answer_) co_return std::nullopt;
    co_return pop3::Secret(*answer_);
  }
  std::string asked;

 private:
  const std::optional<std::string> answer_;
};

struct Result {
  std::optional<Outcome> outcome;
  std::string answer;
  LoginResult result{};
  bool parkable = false;
  Record record;
};

struct Extras {
  upstream::Challenger* challenger = nullptr;
  const upstream::ClientOrigin* origin = nullptr;
};

io::Task<void> Attempt(SessionBench& bench, const pop3::Credential& credential, Extras extras,
                       Result& result) {
  auto stream = io::OpenStream(bench.poplar(), AF_INET);
  ClientInput input;
  Patience patience(bench.poplar(), **stream, input, false);
  const auto user = balancer::CanonicalUser::FromLogin(credential.mailbox(), {});
  Login login(bench.environment(), bench.settings(),
              {.where = {bench.cluster().id},
               .user = *user,
               .credential = credential,
               .deadline = bench.Now() + seconds(60),
               .origin = extras.origin,
               .challenger = extras.challenger},
              patience, result.record);
  result.outcome = co_await login.Run();
  result.answer = login.answer();
  result.result = login.result();
  result.parkable = login.session().parkable;
}

Result LogIn(SessionBench& bench, const pop3::Credential& credential, Extras extras = {}) {
  Result result;
  bench.environment().scope.Spawn(Attempt(bench, credential, extras, result));
  EXPECT_TRUE(bench.Run([&] { return result.outcome.has_value(); }, seconds(100)));
  bench.Settle();
  return result;
}

// --- what is asked of a node that nobody probes

TEST(LoginAuthenticateTest, AsksOnceWhatTheNodeOffers) {
  SessionBench bench;
  bench.node(0).set_answer("CAPA", {kCapa});
  bench.node(0).set_answer("AUTH", {"+OK in\r\n"});
  for (int i = 0; i < 2; ++i) {
    const Result result = LogIn(bench, Token());
    EXPECT_EQ(result.outcome, Outcome::kLoggedIn);
    EXPECT_EQ(result.answer, "+OK in\r\n");
    EXPECT_EQ(bench.node(0).last().received(), (i == 0 ? "CAPA\r\n" : "") + std::string(kToken));
  }
  // By now it is known what the node takes.
  LogIn(bench, Alice(std::nullopt));
  EXPECT_EQ(bench.node(0).last().received(), kPlain);
  EXPECT_TRUE(bench.cluster().offered.common()->mechanisms.Has(Mechanism::kXoauth2));
}

TEST(LoginAuthenticateTest, APlainPasswordNeedsNoAsking) {
  for (const auto& mechanism :
       {std::optional<Mechanism>(), std::optional(Mechanism::kPlain), {Mechanism::kLogin}}) {
    SessionBench bench;
    EXPECT_EQ(LogIn(bench, Alice(mechanism)).outcome, Outcome::kLoggedIn);
    EXPECT_EQ(bench.node(0).received(), "USER alice\r\nPASS secret\r\n");
  }
}

TEST(LoginAuthenticateTest, ANodeWithoutCapaTakesUserAndPass) {
  SessionBench bench;
  bench.node(0).set_answer("CAPA", {"-ERR what?\r\n"});
  EXPECT_EQ(LogIn(bench, Alice(Mechanism::kPlain, "secret", "admin")).outcome, Outcome::kLoggedIn);
  EXPECT_EQ(bench.node(0).received(), "CAPA\r\nUSER alice*admin\r\nPASS secret\r\n");
}

TEST(LoginAuthenticateTest, ANodeThatFailsAtCapaIsToBlame) {
  SessionBench bench;
  bench.node(0).set_answer("CAPA", {"* CAPABILITY\r\n"});
  const Result result = LogIn(bench, Token());
  EXPECT_EQ(result.outcome, Outcome::kUnavailable);
  EXPECT_EQ(result.answer, pop3::kReplyTemporary);
  EXPECT_THAT(bench.meter.calls, ElementsAre("failed 0 protocol"));
}

// What nobody knows is not promised, and yet tried: the node will say.
TEST(LoginAuthenticateTest, AMechanismIsTriedBeforeItIsKnown) {
  SessionBench bench;
  bench.node(0).set_answer("CAPA", {kCapa});
  bench.node(0).set_answer("AUTH", {"+OK in\r\n"});
  const std::string capa = bench.Ask(bench.Connect(), "CAPA\r\n");
  EXPECT_THAT(capa, Not(testing::HasSubstr("XOAUTH2")));
  EXPECT_THAT(bench.Ask(bench.Connect(), "AUTH EXTERNAL =\r\n"), StartsWith("-ERR "));
  EXPECT_EQ(bench.Ask(bench.Connect(), kToken), "+OK in\r\n");
  EXPECT_THAT(bench.Ask(bench.Connect(), "CAPA\r\n"), testing::HasSubstr("XOAUTH2"));
  EXPECT_THAT(bench.Ask(bench.Connect(), "AUTH SCRAM-SHA-1 biwsbj1hLHI9Yg==\r\n"),
              StartsWith("-ERR "));
}

// --- no way

TEST(LoginAuthenticateTest, ANodeThatCannotBeToldIsNotToBlame) {
  SessionBench bench;
  bench.cluster().first_terms().probe.enabled = false;
  bench.node(0).set_answer("CAPA", {kCapaWithout});
  for (const pop3::Credential& credential : {Token(), Scram(), Alice(Mechanism::kExternal)}) {
    const Result result = LogIn(bench, credential);
    EXPECT_EQ(result.outcome, Outcome::kUnavailable);
    EXPECT_EQ(result.answer, pop3::kReplyMechanismUnavailable);
    EXPECT_EQ(result.result, LoginResult::kBackendError);
    EXPECT_THAT(std::string(result.record.failure), StartsWith("not_offered: "));
    // Asked anew each time, since nobody else asks; left politely.
    EXPECT_EQ(bench.node(0).last().received(), "CAPA\r\nQUIT\r\n");
  }
  EXPECT_TRUE(bench.observer.transitions.empty());
  EXPECT_THAT(bench.meter.calls, IsEmpty());
  // What has changed meanwhile is seen.
  bench.node(0).set_answer("CAPA", {kCapa});
  bench.node(0).set_answer("AUTH", {"+OK\r\n"});
  EXPECT_EQ(LogIn(bench, Token()).outcome, Outcome::kLoggedIn);
}

TEST(LoginAuthenticateTest, WhatProbesHaveFoundIsNotAskedAgain) {
  SessionBench bench({.probers = true});
  bench.node(0).set_answer("CAPA", {kCapaWithout});
  bench.Settle(seconds(6));
  ASSERT_NE(bench.cluster().offered.Of(balancer::NodeId{0}), nullptr);
  const Result result = LogIn(bench, Token());
  EXPECT_EQ(result.answer, pop3::kReplyMechanismUnavailable);
  const auto& connections = bench.node(0).connections();
  EXPECT_TRUE(std::any_of(connections.begin(), connections.end(),
                          [](const auto& peer) { return peer.received() == "QUIT\r\n"; }));
}

TEST(LoginAuthenticateTest, NobodyIsToldOfAModeThatTheNodeHasNot) {
  for (const char* capa : {kCapa, kCapaWithout}) {
    SessionBench bench;
    bench.node(0).set_answer("CAPA", {capa});
    bench.node(0).set_answer("UTF8", {"-ERR no\r\n"});
    pop3::Credential utf8 = Alice(std::nullopt);
    utf8.utf8 = true;
    const Result result = LogIn(bench, utf8);
    EXPECT_EQ(result.outcome, Outcome::kUnavailable);
    EXPECT_EQ(result.answer, pop3::kReplyTemporary);
    EXPECT_THAT(bench.node(0).received(), Not(testing::HasSubstr("AUTH")));
    EXPECT_THAT(bench.node(0).received(), Not(testing::HasSubstr("USER")));
    EXPECT_TRUE(bench.observer.transitions.empty());
  }
}

TEST(LoginAuthenticateTest, TheMasterUserOpensForACertificate) {
  SessionBench bench;
  bench.cluster().first_terms().master = {.name = "m", .password = pop3::Secret("pw")};
  bench.node(0).set_answer("CAPA", {kCapaWithout});
  EXPECT_EQ(LogIn(bench, Alice(Mechanism::kExternal)).outcome, Outcome::kLoggedIn);
  EXPECT_EQ(bench.node(0).received(), "CAPA\r\nUSER alice*m\r\nPASS pw\r\n");
}

// --- the client is asked

TEST(LoginAuthenticateTest, WhomTheNodeAskedItLogsIn) {
  SessionBench bench;
  bench.node(0).set_answer("CAPA", {kCapa});
  bench.node(0).set_answer("AUTH", {kQuestion});
  bench.node(0).set_answer("Yz1iaXdz", {"+OK in\r\n"});
  OneAnswer client("Yz1iaXdz");
  const Result result = LogIn(bench, Scram(), {.challenger = &client});
  EXPECT_EQ(result.outcome, Outcome::kLoggedIn);
  EXPECT_EQ(client.asked, kQuestion);
  EXPECT_FALSE(result.parkable);
}

// Everything that else would be tried again.
TEST(LoginAuthenticateTest, WhoWasAskedIsNotAskedAgain) {
  const upstream::ScriptedNode::Answer answers[] = {
      {"", Then::kClose}, {"", Then::kReset}, {"-ERR [SYS/TEMP] no\r\n"}, {"-ERR [IN-USE] no\r\n"}};
  for (const auto& answer : answers) {
    SessionBench bench({.nodes = 2,
                        .shared_storage = true,
                        .login = {.in_use_retries = 5},
                        .resume = {.enabled = true}});
    for (size_t i : {0u, 1u}) {
      bench.node(i).set_answer("CAPA", {kCapa});
      bench.node(i).set_answer("AUTH", {kQuestion});
      bench.node(i).set_answer("Yz1iaXdz", answer);
    }
    OneAnswer client("Yz1iaXdz");
    const Result result = LogIn(bench, Scram(), {.challenger = &client});
    EXPECT_EQ(result.outcome, Outcome::kUnavailable);
    EXPECT_EQ(result.answer,
              answer.bytes.empty() ? std::string(pop3::kReplyTemporary) : answer.bytes);
    EXPECT_EQ(client.asked, kQuestion);
    EXPECT_EQ(bench.node(0).connections().size() + bench.node(1).connections().size(), 1u);
  }
}

TEST(LoginAuthenticateTest, BeforeItIsAskedItMayBeTriedAgain) {
  SessionBench bench({.shared_storage = true, .resume = {.enabled = true}});
  bench.node(0).set_answer("CAPA", {kCapa});
  bench.node(0).set_answer("AUTH", {"", Then::kReset});
  OneAnswer client("Yz1iaXdz");
  Result result;
  const pop3::Credential scram = Scram();
  bench.environment().scope.Spawn(Attempt(bench, scram, {.challenger = &client}, result));
  const auto reset = [&] {
    const auto& connections = bench.node(0).connections();
    return !connections.empty() && connections[0].end() != PeerEnd::kOpen;
  };
  ASSERT_TRUE(bench.Run(reset, seconds(5)));
  bench.node(0).set_answer("AUTH", {kQuestion});
  bench.node(0).set_answer("Yz1iaXdz", {"+OK in\r\n"});
  ASSERT_TRUE(bench.Run([&] { return result.outcome.has_value(); }, seconds(20)));
  EXPECT_EQ(result.outcome, Outcome::kLoggedIn);
  EXPECT_EQ(client.asked, kQuestion);
}

TEST(LoginAuthenticateTest, AClientThatGivesNoAnswerHasLeft) {
  SessionBench bench;
  bench.node(0).set_answer("CAPA", {kCapa});
  bench.node(0).set_answer("AUTH", {kQuestion});
  OneAnswer client(std::nullopt);
  const Result result = LogIn(bench, Scram(), {.challenger = &client});
  EXPECT_EQ(result.outcome, Outcome::kClientLeft);
  EXPECT_TRUE(bench.observer.transitions.empty());
  EXPECT_THAT(bench.meter.calls, IsEmpty());
  EXPECT_NE(bench.node(0).last().end(), PeerEnd::kOpen);
}

// --- pools

// Nothing secret goes over a connection that may be dead.
TEST(LoginAuthenticateTest, AWarmConnectionIsTriedFirstWhereItHasLainIdle) {
  SessionBench bench({.pool = {.warm = 1, .max_snapshot_age = io::Duration(0)}, .keepers = true});
  bench.node(0).set_answer("CAPA", {kCapa});
  bench.node(0).set_answer("AUTH", {"+OK in\r\n"});
  bench.node(0).set_answer("AUTH PLAIN", {"+ \r\n"});
  bench.node(0).set_answer("AGFsaWNlAHNlY3JldA==", {"+OK in\r\n"});
  bench.Settle(seconds(2));
  EXPECT_EQ(LogIn(bench, Token()).outcome, Outcome::kLoggedIn);  // cold; the pool fills
  ASSERT_TRUE(bench.Run([&] { return bench.pool_of(0).pool.counts().warm > 0; }, seconds(5)));
  bench.Settle(seconds(2));
  EXPECT_EQ(LogIn(bench, Alice(std::nullopt)).outcome, Outcome::kLoggedIn);
  const auto& connections = bench.node(0).connections();
  EXPECT_EQ(std::count_if(connections.begin(), connections.end(),
                          [](const auto& peer) {
                            return peer.received() == "AUTH PLAIN\r\nAGFsaWNlAHNlY3JldA==\r\n";
                          }),
            1);

  ASSERT_TRUE(bench.Run([&] { return bench.pool_of(0).pool.counts().warm > 0; }, seconds(5)));
  bench.Settle(seconds(2));
  bench.node(0).set_answer("AUTH PLAIN", {"", Then::kReset});
  EXPECT_EQ(LogIn(bench, Alice(std::nullopt)).outcome, Outcome::kLoggedIn);
  EXPECT_THAT(bench.meter.calls, IsEmpty());
}

TEST(LoginAuthenticateTest, AFreshWarmConnectionIsToldAllAtOnce) {
  SessionBench bench({.pool = {.warm = 1, .max_snapshot_age = io::Duration(0)}, .keepers = true});
  bench.node(0).set_answer("CAPA", {"+OK\r\nPIPELINING\r\nSASL XOAUTH2\r\n.\r\n"});
  bench.node(0).set_answer("AUTH", {"+OK in\r\n"});
  bench.Settle(seconds(2));
  EXPECT_EQ(LogIn(bench, Token()).outcome, Outcome::kLoggedIn);  // asks what is offered
  ASSERT_TRUE(bench.Run([&] { return bench.pool_of(0).pool.counts().warm > 0; }, seconds(5)));
  bench.node(0).set_answer("USER", {""});
  bench.node(0).set_answer("PASS", {"+OK\r\n+OK Logged in.\r\n"});
  EXPECT_EQ(LogIn(bench, Alice(std::nullopt)).outcome, Outcome::kLoggedIn)
      << "it waits for the answer to USER";
}

class ParkedAndTest : public testing::TestWithParam<std::pair<const char*, bool>> {};

pop3::Credential Named(std::string_view name) {
  if (name == "plain") return Alice(Mechanism::kPlain);
  if (name == "login") return Alice(Mechanism::kLogin);
  if (name == "token") return Alice(Mechanism::kXoauth2);
  if (name == "scram") return Scram();
  if (name == "external") return Alice(Mechanism::kExternal);
  if (name == "boss") return Alice(Mechanism::kPlain, "secret", "boss");
  pop3::Credential credential = Alice(std::nullopt);
  if (name == "own") credential.identity.authorization = "alice";
  if (name == "utf8") credential.utf8 = true;
  if (name == "lang") credential.language = "de";
  return credential;
}

// The session that "alice" with "secret" has left serves the same password again, however it is
// said, and nobody else.
TEST_P(ParkedAndTest, WhomItServes) {
  const auto [name, served] = GetParam();
  SessionBench bench({.pool = {.warm = 0, .max_snapshot_age = seconds(30)}});
  bench.cluster().first_terms().master = {.name = "m", .password = pop3::Secret("secret")};
  bench.node(0).set_answer("CAPA", {kCapa});
  bench.node(0).set_answer("UTF8", {"+OK\r\n"});
  bench.node(0).set_answer("AUTH", {"+OK\r\n"});
  upstream::DrivenPeer& client = bench.Connect();
  bench.LogIn(client);
  bench.Ask(client, "QUIT\r\n");
  ASSERT_EQ(bench.pool_of(0).pool.counts().parked, 1u);
  const Result result = LogIn(bench, Named(name));
  EXPECT_EQ(bench.node(0).connections().size(), served ? 1u : 2u);
  EXPECT_EQ(result.record.lease == "parked", served);
  EXPECT_EQ(bench.node(0).connections()[0].received().ends_with("QUIT\r\n"), !served);
  const bool recognised = served || std::string_view(name) == "boss";
  EXPECT_EQ(result.parkable, recognised);
}

INSTANTIATE_TEST_SUITE_P(Table, ParkedAndTest,
                         testing::Values(std::pair("user", true), std::pair("plain", true),
                                         std::pair("login", true), std::pair("own", true),
                                         std::pair("token", false), std::pair("scram", false),
                                         std::pair("external", false), std::pair("boss", false),
                                         std::pair("utf8", false), std::pair("lang", false)),
                         [](const auto& info) { return std::string(info.param.first); });

// --- who the client is

TEST(LoginAuthenticateTest, ANodeThatAsksLearnsWhoseSessionItIs) {
  SessionBench bench;
  bench.node(0).set_greeting({"+OK [XCLIENT] ready\r\n"});
  bench.node(0).set_answer("XCLIENT", {"+OK Updated\r\n"});
  upstream::DrivenPeer& client = bench.Connect();
  EXPECT_THAT(bench.LogIn(client), StartsWith("+OK"));
  client.HalfClose();
  const Record& record = bench.RunToEnd();
  EXPECT_EQ(bench.node(0).received(),
            "XCLIENT ADDR=192.0.2.200 PORT=" + std::to_string(record.client.port()) +
                " DESTADDR=192.0.2.1 DESTPORT=995 SESSION=" + upstream::SessionName(record.id) +
                " TTL=7\r\nUSER alice\r\nPASS secret\r\n");
}

}  // namespace
}  // namespace poplar::session
