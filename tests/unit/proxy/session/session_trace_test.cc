// What a trace hears of sessions, and what it must not.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "tests/unit/proxy/session/resume_test.h"
#include "tests/unit/proxy/session/session_bench.h"
#include "tests/unit/proxy/trace/recording_sink.h"

namespace poplar::session {
namespace {

using std::chrono::seconds;
using testing::Contains;
using testing::Each;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::StartsWith;
using trace::Rule;

// As a worker has them.
class Tracer {
 public:
  explicit Tracer(SessionBench& bench) { bench.environment().traces = &rules_; }

  void TurnOn(Rule rule) {
    rule.sink = sink;
    rules_ = std::make_shared<const trace::Rules>(std::vector<Rule>{std::move(rule)});
  }
  void OfUser(std::string user) { TurnOn({.kind = Rule::Kind::kUser, .name = std::move(user)}); }
  void OfNode(std::string node) { TurnOn({.kind = Rule::Kind::kNode, .name = std::move(node)}); }
  void OfClient(std::string_view network) {
    TurnOn({.kind = Rule::Kind::kClient, .name = {}, .client = *io::Network::Parse(network)});
  }
  void TurnOff() { rules_ = std::make_shared<const trace::Rules>(); }
  std::vector<std::string>& lines() const { return sink->lines; }

  const std::shared_ptr<trace::RecordingSink> sink = std::make_shared<trace::RecordingSink>();

 private:
  std::shared_ptr<const trace::Rules> rules_ = std::make_shared<const trace::Rules>();
};

void Script(upstream::ScriptedNode& node) {
  node.set_answer("STAT", {"+OK 1 6\r\n"});
  node.set_answer("RETR", {"+OK\r\nmail\r\n.\r\n"});
}

SessionBench::Options Parking() { return {.pool = {.warm = 0, .max_snapshot_age = seconds(10)}}; }

TEST(SessionTraceTest, AnAddressIsTracedWithBothDialoguesFromTheGreetingToTheEnd) {
  SessionBench bench;
  Tracer tracer(bench);
  Script(bench.node(0));
  tracer.OfClient("192.0.2.128/25");
  upstream::DrivenPeer& client = bench.Connect();
  bench.LogIn(client);
  EXPECT_EQ(bench.Ask(client, "RETR 1\r\n"), "+OK\r\nmail\r\n.\r\n");
  bench.Ask(client, "QUIT\r\n");
  client.HalfClose();
  const Record& record = bench.RunToEnd();
  EXPECT_THAT(
      tracer.lines(),
      ElementsAre(StartsWith("client: [192.0.2.200:"), "client: S: +OK Poplar POP3 ready",
                  "client: C: USER alice", "client: S: +OK Send the password",
                  "client: C: PASS ***", "mail/n0: [new connection]", "mail/n0: S: +OK node ready",
                  "mail/n0: C: USER alice", "mail/n0: S: +OK", "mail/n0: C: PASS ***",
                  "mail/n0: S: +OK Logged in.", "client: S: +OK Logged in.", "client: C: RETR 1",
                  "mail/n0: C: RETR 1", "mail/n0: S: +OK", "mail/n0: S: [message: 6 bytes, 1 line]",
                  "client: S: +OK", "client: S: [message: 6 bytes, 1 line]", "client: C: QUIT",
                  "mail/n0: C: QUIT", "mail/n0: S: +OK bye", "client: S: +OK bye",
                  "client: [Poplar ends it]", "client: [the client ends it]",
                  "client: [the session ends: quit]"));
  EXPECT_THAT(tracer.sink->sessions, Each(record.id));
}

// However much of it came with the PASS.
TEST(SessionTraceTest, AUserIsTracedFromTheLoginOnWithWhatWasSentAhead) {
  bool ahead = false;
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    SCOPED_TRACE(seed);
    SessionBench bench({.seed = seed});
    Tracer tracer(bench);
    Script(bench.node(0));
    tracer.OfUser("alice");
    upstream::DrivenPeer& client = bench.Connect();
    bench.Ask(client, "USER alice\r\nPASS secret\r\nSTAT\r\n");
    std::vector<std::string> lines = tracer.lines();
    const auto stat = std::find(lines.begin(), lines.end(), "client: C: STAT");
    ASSERT_NE(stat, lines.end());
    ahead |= stat == lines.begin() + 1;
    lines.erase(stat);
    EXPECT_THAT(lines,
                ElementsAre(HasSubstr(" at pop3, login by USER]"), "mail/n0: [new connection]",
                            "mail/n0: S: +OK node ready", "mail/n0: C: USER alice",
                            "mail/n0: S: +OK", "mail/n0: C: PASS ***", "mail/n0: S: +OK Logged in.",
                            "client: S: +OK Logged in.", "mail/n0: C: STAT", "mail/n0: S: +OK 1 6",
                            "client: S: +OK 1 6"));
  }
  EXPECT_TRUE(ahead);
}

TEST(SessionTraceTest, ANodeIsTracedFromItsConnectionOn) {
  SessionBench bench;
  Tracer tracer(bench);
  Script(bench.node(0));
  tracer.OfNode("mail/n0");
  upstream::DrivenPeer& client = bench.Connect();
  bench.LogIn(client);
  bench.Ask(client, "STAT\r\n");
  EXPECT_THAT(tracer.lines(),
              ElementsAre("mail/n0: [new connection]", "mail/n0: S: +OK node ready",
                          "mail/n0: C: USER alice", "mail/n0: S: +OK", "mail/n0: C: PASS ***",
                          "mail/n0: S: +OK Logged in.", HasSubstr(" at pop3, login by USER]"),
                          "client: S: +OK Logged in.", "client: C: STAT", "mail/n0: C: STAT",
                          "mail/n0: S: +OK 1 6", "client: S: +OK 1 6"));
}

TEST(SessionTraceTest, WhomNoTraceMeansIsNotHeard) {
  SessionBench bench;
  Tracer tracer(bench);
  Script(bench.node(0));
  tracer.OfUser("bob");
  upstream::DrivenPeer& client = bench.Connect();
  bench.LogIn(client);
  EXPECT_EQ(bench.Ask(client, "STAT\r\n"), "+OK 1 6\r\n");
  tracer.OfUser("alice");  // too late for this session
  EXPECT_EQ(bench.Ask(client, "STAT\r\n"), "+OK 1 6\r\n");
  EXPECT_THAT(tracer.lines(), IsEmpty());
}

TEST(SessionTraceTest, SaslIsMaskedWithTheNodesQuestionsInIt) {
  const std::string secret = "dXNlcj1hbGljZQFhdXRoPUJlYXJlciB0b2tlbgEB";  // XOAUTH2: alice, token
  SessionBench bench;
  Tracer tracer(bench);
  bench.node(0).set_answer("CAPA", {"+OK\r\nSASL XOAUTH2\r\n.\r\n"});
  bench.node(0).set_answer("AUTH", {"+ eyJzdGF0dXMiOiI0MDEifQ==\r\n"});
  bench.node(0).set_answer("", {"-ERR [AUTH] token is not valid\r\n"});
  tracer.OfUser("alice");
  upstream::DrivenPeer& client = bench.Connect();
  bench.Ask(client, "AUTH XOAUTH2 " + secret + "\r\n");
  bench.Ask(client, "\r\n");
  EXPECT_THAT(tracer.lines(), Each(Not(HasSubstr("dXNlcj"))));
  EXPECT_THAT(tracer.lines(), Contains("mail/n0: C: AUTH XOAUTH2 ***"));
  EXPECT_THAT(tracer.lines(), Contains("mail/n0: S: + ***"));
  EXPECT_THAT(tracer.lines(), Contains("client: S: + ***"));
  EXPECT_THAT(tracer.lines(), Contains("client: C: ***"));
  EXPECT_THAT(tracer.lines(), Contains("client: S: -ERR ***"));  // it has the token in it
}

TEST(SessionTraceTest, ALoginThatFailedIsTheLastOfItsUsers) {
  SessionBench bench;
  Tracer tracer(bench);
  Script(bench.node(0));
  bench.node(0).set_answer("PASS wrong", {"-ERR [AUTH] no\r\n"});
  tracer.OfUser("alice");
  upstream::DrivenPeer& client = bench.Connect();
  bench.LogIn(client, "alice", "wrong");
  EXPECT_THAT(tracer.lines(), Contains("client: S: -ERR [AUTH] no"));
  bench.Settle();
  const size_t heard = tracer.lines().size();
  bench.LogIn(client, "bob", "secret");
  EXPECT_EQ(bench.Ask(client, "STAT\r\n"), "+OK 1 6\r\n");
  EXPECT_EQ(tracer.lines().size(), heard);
}

TEST(SessionTraceTest, ATraceThatHasEndedIsNotLookedFor) {
  SessionBench bench;
  Tracer tracer(bench);
  tracer.OfUser("alice");
  tracer.TurnOff();
  upstream::DrivenPeer& client = bench.Connect();
  bench.LogIn(client);
  EXPECT_THAT(tracer.lines(), IsEmpty());
}

// --- parked connections

TEST(SessionTraceTest, AParkedConnectionHasNoEarsAndGetsNewOnes) {
  SessionBench bench(Parking());
  Tracer tracer(bench);
  Script(bench.node(0));
  tracer.OfUser("alice");
  upstream::DrivenPeer& first = bench.Connect();
  bench.LogIn(first);
  bench.Ask(first, "QUIT\r\n");
  first.HalfClose();
  bench.RunToEnd();
  ASSERT_EQ(bench.pool_of(0).pool.counts().parked, 1u);
  EXPECT_THAT(tracer.lines(), Contains("mail/n0: [kept for the user's next login]"));
  EXPECT_THAT(tracer.lines(), Not(Contains("mail/n0: C: QUIT")));

  // The user comes back while nobody listens.
  tracer.TurnOff();
  size_t heard = tracer.lines().size();
  upstream::DrivenPeer& second = bench.Connect();
  bench.LogIn(second);
  EXPECT_EQ(bench.Ask(second, "STAT\r\n"), "+OK 1 6\r\n");
  bench.Ask(second, "QUIT\r\n");
  second.HalfClose();
  bench.RunToEnd();
  ASSERT_EQ(bench.pool_of(0).pool.counts().parked, 1u);
  EXPECT_EQ(tracer.lines().size(), heard);

  // And while somebody does again.
  tracer.lines().clear();
  tracer.OfUser("alice");
  upstream::DrivenPeer& third = bench.Connect();
  bench.LogIn(third);
  EXPECT_EQ(bench.Ask(third, "STAT\r\n"), "+OK 1 6\r\n");
  EXPECT_EQ(bench.node(0).connections().size(), 1u);
  EXPECT_THAT(tracer.lines(),
              ElementsAre(HasSubstr("login by USER]"), "mail/n0: [parked connection]",
                          "client: S: +OK Logged in", "client: C: STAT", "mail/n0: C: STAT",
                          "mail/n0: S: +OK 1 6", "client: S: +OK 1 6"));
  third.HalfClose();
  bench.RunToEnd();
}

TEST(SessionTraceTest, AParkedConnectionThatEndsUnusedIsNotHeard) {
  SessionBench::Options options = Parking();
  options.keepers = true;
  SessionBench bench(options);
  Tracer tracer(bench);
  tracer.OfUser("alice");
  upstream::DrivenPeer& client = bench.Connect();
  bench.LogIn(client);
  bench.Ask(client, "QUIT\r\n");
  client.HalfClose();
  bench.RunToEnd();
  const size_t heard = tracer.lines().size();
  bench.Settle(seconds(20));  // it expires, with QUIT
  EXPECT_THAT(bench.node(0).received(), HasSubstr("QUIT\r\n"));
  EXPECT_EQ(tracer.lines().size(), heard);
}

TEST(SessionTraceTest, AWarmConnectionIsHeardFromTheLoginOn) {
  SessionBench::Options options;
  options.pool = {.warm = 1, .max_snapshot_age = io::Duration(0)};
  options.keepers = true;
  SessionBench bench(options);
  Tracer tracer(bench);
  tracer.OfUser("alice");
  upstream::DrivenPeer& first = bench.Connect();
  bench.LogIn(first, "bob");
  bench.Settle(seconds(5));
  ASSERT_GE(bench.pool_of(0).pool.counts().warm, 1u);
  upstream::DrivenPeer& second = bench.Connect();
  bench.LogIn(second);
  EXPECT_THAT(tracer.lines(),
              ElementsAre(HasSubstr("login by USER]"), "mail/n0: [warm connection]",
                          "mail/n0: C: USER alice", "mail/n0: S: +OK", "mail/n0: C: PASS ***",
                          "mail/n0: S: +OK Logged in.", "client: S: +OK Logged in."));
}

// --- resumption and ends

class ResumedTraceTest : public ResumeTest {
 protected:
  void SetUp() override {
    tracer_.OfUser("alice");
    ResumeTest::SetUp();
  }
  Tracer tracer_{bench_};
};

TEST_F(ResumedTraceTest, TheNextNodeIsHeardToo) {
  EXPECT_EQ(Ask("UIDL\r\n"), kListing);
  Kill();
  tracer_.lines().clear();
  EXPECT_EQ(Ask("RETR 2\r\n"), kMail);
  const std::string node = "mail/n" + std::to_string(second_) + ": ";
  std::string heard;
  for (const std::string& line : tracer_.lines()) {
    if (line.starts_with(node)) heard += line.substr(node.size()) + "\n";
  }
  EXPECT_EQ(heard,
            "[new connection]\nS: +OK node ready\nC: USER alice\nS: +OK\nC: PASS ***\n"
            "S: +OK Logged in.\nC: UIDL\nS: +OK\nS: 1 aa\nS: 2 bb\nS: 3 cc\nC: RETR 2\n"
            "S: +OK 30 octets\nS: [message: 32 bytes, 3 lines]\n");
  EXPECT_THAT(tracer_.lines(), Contains("client: S: [message: 32 bytes, 3 lines]"));
  EXPECT_THAT(tracer_.lines(), Contains(HasSubstr("[not reached: connect_refused")));
}

TEST_F(ResumedTraceTest, AnAbortInTheMidstOfAnAnswerIsNoTrouble) {
  first().set_answer("RETR", {"+OK\r\nmail\r\n"});
  client_->Send("RETR 1\r\n");
  bench_.Settle();
  bench_.AbortAll();
  bench_.RunToEnd();
  EXPECT_THAT(tracer_.lines(), Contains("client: S: [cut off after 6 bytes, 1 line]"));
  EXPECT_THAT(tracer_.lines(), Contains("client: [the session ends: shutdown]"));
}

TEST(SessionTraceTest, ADrainCutsInOnAReadThatIsHeard) {
  SessionBench bench;
  Tracer tracer(bench);
  tracer.OfClient("192.0.2.200");
  upstream::DrivenPeer& client = bench.Connect();
  bench.DrainAll();
  bench.Settle();
  EXPECT_THAT(client.received(), HasSubstr("shutting down"));
  EXPECT_THAT(tracer.lines(), Contains(HasSubstr("client: S: -ERR [SYS/TEMP]")));
}

}  // namespace
}  // namespace poplar::session
