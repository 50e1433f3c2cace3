#include "proxy/upstream/connection.h"

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "proxy/pop3/limits.h"
#include "tests/unit/proxy/trace/recording_sink.h"
#include "tests/unit/proxy/upstream/connection_bench.h"

namespace poplar::upstream {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using Bench = ConnectionBench;
using Then = ScriptedNode::Answer::Then;

TEST(ConnectionTest, OpensAndLogsIn) {
  Bench bench;
  const NodeError error = bench.Open();
  EXPECT_EQ(Failure(error), "none");
  EXPECT_EQ(error.detail, "");
  const Bench::Login login = bench.LogIn();
  ASSERT_TRUE(login.has_value());
  EXPECT_TRUE(login->accepted());
  EXPECT_EQ(login->line, "+OK Logged in.\r\n");
  EXPECT_EQ(bench.node.received(), "USER alice\r\nPASS secret\r\n");
  EXPECT_FALSE(bench.connection().has_stray_bytes());
  EXPECT_GT(bench.connection().durations().connect.count(), 0);
  EXPECT_GT(bench.connection().durations().authentication.count(), 0);
  EXPECT_EQ(bench.connection().durations().tls.count(), 0);
  EXPECT_LE(bench.connection().opened(), bench.Now());
  EXPECT_GT(bench.connection().opened() - io::Time{}, bench.connection().durations().connect);
}

TEST(ConnectionTest, ByteByByte) {
  Bench bench({.segment_bytes_max = 1, .read_bytes_max = 1});
  ASSERT_EQ(Failure(bench.Open()), "none");
  const Bench::Login login = bench.LogIn();
  ASSERT_TRUE(login.has_value());
  EXPECT_EQ(login->line, "+OK Logged in.\r\n");
  EXPECT_EQ(bench.node.received(), "USER alice\r\nPASS secret\r\n");
}

struct GreetingCase {
  const char* name;
  ScriptedNode::Answer greeting;
  const char* failure;
};

class GreetingTest : public testing::TestWithParam<GreetingCase> {};

TEST_P(GreetingTest, IsJudged) {
  Bench bench;
  bench.node.set_greeting(GetParam().greeting);
  EXPECT_EQ(Failure(bench.Open()), GetParam().failure);
  EXPECT_EQ(bench.node.received(), "");
}

INSTANTIATE_TEST_SUITE_P(
    Table, GreetingTest,
    testing::Values(GreetingCase{"Ready", {"+OK\r\n"}, "none"},
                    GreetingCase{"BareLf", {"+OK hi\n"}, "none"},
                    GreetingCase{"Refused", {"-ERR [SYS/TEMP] full\r\n"}, "greeting_refused"},
                    GreetingCase{"Garbage", {"220 smtp.example ESMTP\r\n"}, "greeting_garbage"},
                    GreetingCase{"LowerCase", {"+ok ready\r\n"}, "greeting_garbage"},
                    GreetingCase{"EmptyLine", {"\r\n"}, "greeting_garbage"},
                    GreetingCase{
                        "Binary", {std::string("\x16\x03\x01\x00\n", 5)}, "greeting_garbage"},
                    GreetingCase{"Endless", {std::string(100'000, 'x')}, "greeting_garbage"},
                    GreetingCase{"Silence", {""}, "greeting_timeout"},
                    GreetingCase{"HalfALine", {"+OK rea"}, "greeting_timeout"},
                    GreetingCase{"Closed", {"", Then::kClose}, "closed"},
                    GreetingCase{"ClosedInLine", {"+OK rea", Then::kClose}, "closed"},
                    GreetingCase{"Reset", {"", Then::kReset}, "reset"}),
    [](const auto& info) { return info.param.name; });

// Seen where both lines come in one read, which is up to the world: in most.
TEST(ConnectionTest, MoreThanAGreeting) {
  for (const char* greeting : {"+OK one\r\n+OK two\r\n", "+OK one\r\n+"}) {
    int seen = 0;
    for (uint64_t seed = 1; seed <= 40; ++seed) {
      Bench bench({}, seed);
      bench.node.set_greeting({greeting});
      const NodeError error = bench.Open();
      if (error.failure == NodeFailure::kNone) continue;
      ++seen;
      EXPECT_EQ(Failure(error), "greeting_garbage");
      EXPECT_EQ(error.detail, "more than one line");
      EXPECT_EQ(bench.node.received(), "");
    }
    EXPECT_GT(seen, 20);
  }
}

TEST(ConnectionTest, GreetingLineLimit) {
  for (const bool fits : {true, false}) {
    Bench bench;
    const size_t text = pop3::kReplyLineBytesMax - sizeof("+OK \r\n") + 1 + (fits ? 0 : 1);
    bench.node.set_greeting({"+OK " + std::string(text, 'x') + "\r\n"});
    EXPECT_EQ(Failure(bench.Open()), fits ? "none" : "greeting_garbage");
  }
}

TEST(ConnectionTest, RefusedGreetingIsTold) {
  Bench bench;
  bench.node.set_greeting({"-ERR too many connections\r\n"});
  EXPECT_EQ(bench.Open().detail, "-ERR too many connections");
}

TEST(ConnectionTest, SlowGreetingIsTimed) {
  Bench bench;
  bench.node.set_greeting({"+OK rea"});
  bench.Open();
  EXPECT_GE(bench.connection().durations().greeting, seconds(5));
  EXPECT_LT(bench.connection().durations().greeting, seconds(6));
  EXPECT_LT(bench.connection().durations().connect, seconds(1));
}

TEST(ConnectionTest, NobodyListens) {
  Bench bench;
  bench.node.StopListening();
  bench.Settle();
  const NodeError error = bench.Open();
  EXPECT_EQ(Failure(error), "connect_refused");
  EXPECT_EQ(error.detail, "ECONNREFUSED: Connection refused");
}

TEST(ConnectionTest, MachineIsGone) {
  Bench bench;
  bench.network().Vanish(bench.node.address());
  const io::Time begun = bench.Now();
  EXPECT_EQ(Failure(bench.Open()), "connect_timeout");
  EXPECT_GE(bench.Now() - begun, seconds(3));
  EXPECT_LT(bench.Now() - begun, seconds(4));
  EXPECT_GE(bench.connection().durations().connect, seconds(3));
}

// --- login

struct LoginCase {
  const char* name;
  const char* command;  // the one answered so
  ScriptedNode::Answer answer;
  const char* failure;  // or what the node's answer was
  const char* received;
};

class LoginTest : public testing::TestWithParam<LoginCase> {};

constexpr char kUser[] = "USER alice\r\n";
constexpr char kBoth[] = "USER alice\r\nPASS secret\r\n";

TEST_P(LoginTest, IsJudged) {
  Bench bench;
  bench.node.set_answer(GetParam().command, GetParam().answer);
  ASSERT_EQ(Failure(bench.Open()), "none");
  const Bench::Login login = bench.LogIn();
  EXPECT_EQ(login ? login->line : Failure(login), GetParam().failure);
  if (login) {
    EXPECT_EQ(login->accepted(), login->line.starts_with("+OK"));
  }
  EXPECT_EQ(bench.node.received(), GetParam().received);
  EXPECT_EQ(bench.connection().password_sent(), GetParam().received == std::string_view(kBoth));
}

INSTANTIATE_TEST_SUITE_P(
    Table, LoginTest,
    testing::Values(
        LoginCase{"Accepted", "PASS", {"+OK hello\r\n"}, "+OK hello\r\n", kBoth},
        LoginCase{"BareLf", "PASS", {"+OK hello\n"}, "+OK hello\r\n", kBoth},
        LoginCase{"UserRefused", "USER", {"-ERR who?\r\n"}, "-ERR who?\r\n", kUser},
        LoginCase{"PassRefused", "PASS", {"-ERR [AUTH] no\r\n"}, "-ERR [AUTH] no\r\n", kBoth},
        LoginCase{"InUse", "PASS", {"-ERR [IN-USE] x\r\n"}, "-ERR [IN-USE] x\r\n", kBoth},
        LoginCase{"RefusedAndClosed", "PASS", {"-ERR no\r\n", Then::kClose}, "-ERR no\r\n", kBoth},
        LoginCase{"UserGarbage", "USER", {"250 ok\r\n"}, "protocol", kUser},
        LoginCase{"PassGarbage", "PASS", {"\x01\r\n"}, "protocol", kBoth},
        LoginCase{"PassEndless", "PASS", {std::string(5000, '+')}, "protocol", kBoth},
        LoginCase{"UserClosed", "USER", {"", Then::kClose}, "closed", kUser},
        LoginCase{"PassClosed", "PASS", {"", Then::kClose}, "closed", kBoth},
        LoginCase{"PassClosedInLine", "PASS", {"+O", Then::kClose}, "closed", kBoth},
        LoginCase{"UserReset", "USER", {"", Then::kReset}, "reset", kUser},
        LoginCase{"PassReset", "PASS", {"", Then::kReset}, "reset", kBoth},
        LoginCase{"UserSilence", "USER", {""}, "response_timeout", kUser},
        LoginCase{"PassSilence", "PASS", {"+OK"}, "response_timeout", kBoth}),
    [](const auto& info) { return info.param.name; });

// As with the greeting.
TEST(ConnectionTest, AnswersTwice) {
  for (const auto& [command, sent] : {std::pair("USER", kUser), std::pair("PASS", kBoth)}) {
    int seen = 0;
    for (uint64_t seed = 1; seed <= 40; ++seed) {
      Bench bench({}, seed);
      bench.node.set_answer(command, {"+OK\r\n+OK\r\n"});
      ASSERT_EQ(Failure(bench.Open()), "none");
      const Bench::Login login = bench.LogIn();
      if (login) continue;
      ++seen;
      EXPECT_EQ(Failure(login), "protocol");
      EXPECT_TRUE(bench.node.received() == sent || bench.node.received() == kBoth);
    }
    EXPECT_GT(seen, 20);
  }
}

TEST(ConnectionTest, UnsafeCredentialIsNotSent) {
  for (const auto& [user, password] :
       {std::pair("al\rice", "x"), std::pair("alice", "x\nDELE 1"), std::pair("", "x")}) {
    Bench bench;
    ASSERT_EQ(Failure(bench.Open()), "none");
    EXPECT_EQ(Failure(bench.LogIn(user, password)), "protocol");
    bench.Settle();
    EXPECT_EQ(bench.node.received(), "");
    EXPECT_FALSE(bench.connection().password_sent());
  }
}

// --- questions of our own

constexpr char kCapa[] = "+OK\r\nTOP\r\n..odd\r\nUIDL\r\n.\r\n";

struct QuestionCase {
  const char* name;
  const char* command;
  ScriptedNode::Answer answer;
  std::string_view outcome;  // the answer, or the failure's name
};

class QuestionTest : public testing::TestWithParam<QuestionCase> {};

TEST_P(QuestionTest, IsAnswered) {
  for (const size_t piece : {size_t{1}, size_t{1000}}) {
    Bench bench({.segment_bytes_max = piece, .read_bytes_max = piece});
    bench.node.set_answer(GetParam().command, GetParam().answer);
    ASSERT_EQ(Failure(bench.Open()), "none");
    const Bench::Answer answer = bench.Ask(GetParam().command);
    EXPECT_EQ(answer ? *answer : std::string(Name(answer.error().failure)), GetParam().outcome);
    EXPECT_EQ(bench.node.received(), std::string(GetParam().command) + "\r\n");
  }
}

const std::string kFilledCapa =
    "+OK\r\n" + std::string(pop3::kCapaReplyBytesMax - 5 - 5, 'X') + "\r\n.\r\n";
const std::string kLongCapa =
    "+OK\r\n" + std::string(pop3::kCapaReplyBytesMax - 5 - 4, 'X') + "\r\n.\r\n";

INSTANTIATE_TEST_SUITE_P(
    Table, QuestionTest,
    testing::Values(QuestionCase{"Capabilities", "CAPA", {kCapa}, kCapa},
                    QuestionCase{"NoCapabilities", "CAPA", {"-ERR what?\r\n"}, "-ERR what?\r\n"},
                    QuestionCase{"CapaEmpty", "CAPA", {"+OK\r\n.\r\n"}, "+OK\r\n.\r\n"},
                    QuestionCase{"CapaFillsTheLimit", "CAPA", {kFilledCapa}, kFilledCapa},
                    QuestionCase{"CapaTooLong", "CAPA", {kLongCapa}, "protocol"},
                    QuestionCase{"CapaGarbage", "CAPA", {"TOP\r\n"}, "protocol"},
                    QuestionCase{"CapaWithoutEnd", "CAPA", {"+OK\r\nTOP\r\n"}, "response_timeout"},
                    QuestionCase{"CapaClosed", "CAPA", {"+OK\r\nTOP\r\n", Then::kClose}, "closed"},
                    QuestionCase{"CapaReset", "CAPA", {"", Then::kReset}, "reset"},
                    QuestionCase{"Stat", "STAT", {"+OK 2 300\r\n"}, "+OK 2 300"},
                    QuestionCase{
                        "StatRefused", "STAT", {"-ERR [SYS/TEMP] no\r\n"}, "-ERR [SYS/TEMP] no"},
                    QuestionCase{"StatGarbage", "STAT", {"2 300\r\n"}, "protocol"},
                    QuestionCase{"StatSilence", "STAT", {""}, "response_timeout"},
                    QuestionCase{"StatClosed", "STAT", {"", Then::kClose}, "closed"}),
    [](const auto& info) { return info.param.name; });

// Seen where both answers come in one read: in most worlds.
TEST(ConnectionTest, AnswersAQuestionTwice) {
  for (const auto& [command, answer] :
       {std::pair("CAPA", "+OK\r\n.\r\n+OK\r\n"), std::pair("STAT", "+OK 0 0\r\n+OK\r\n")}) {
    int seen = 0;
    for (uint64_t seed = 1; seed <= 40; ++seed) {
      Bench bench({}, seed);
      bench.node.set_answer(command, {answer});
      ASSERT_EQ(Failure(bench.Open()), "none");
      const Bench::Answer told = bench.Ask(command);
      if (told) continue;
      ++seen;
      EXPECT_EQ(told.error().failure, NodeFailure::kProtocol);
    }
    EXPECT_GT(seen, 20);
  }
}

// --- lying in a pool

TEST(ConnectionTest, GoesOnAtAnotherWorker) {
  Bench bench;
  ASSERT_EQ(Failure(bench.Open()), "none");
  ASSERT_TRUE(bench.connection().Detach());
  bench.Settle();
  bench.connection().Attach(bench.other());
  EXPECT_TRUE(bench.connection().Quiet());
  const Bench::Login login = bench.LogIn();
  ASSERT_TRUE(login.has_value());
  EXPECT_TRUE(login->accepted());
  ASSERT_TRUE(bench.connection().Detach());
  bench.connection().Attach(bench.other());
  EXPECT_TRUE(bench.connection().Quiet());
}

TEST(ConnectionTest, DoesNotLieDownAborted) {
  Bench bench;
  EXPECT_FALSE(bench.connection().Detach());  // not even open
  ASSERT_EQ(Failure(bench.Open()), "none");
  bench.connection().Abort();
  EXPECT_FALSE(bench.connection().Detach());
}

// DESIGN section 4: on take-out check for end-of-file or stray bytes.
TEST(ConnectionTest, OnTakeOutTheNodesEndOrStrayBytesAreSeen) {
  const std::function<void(DrivenPeer&)> events[] = {
      [](DrivenPeer& node) { node.HalfClose(); },
      [](DrivenPeer& node) { node.Reset(); },
      [](DrivenPeer& node) { node.Send("-ERR Disconnected for inactivity\r\n"); },
      [](DrivenPeer& node) { node.Send("\n"); },
  };
  for (const auto& event : events) {
    Bench bench;
    ASSERT_EQ(Failure(bench.Open()), "none");
    ASSERT_TRUE(bench.connection().Detach());
    event(bench.node.last());
    bench.Settle();
    bench.connection().Attach(bench.other());
    EXPECT_FALSE(bench.connection().Quiet());
  }
}

// --- the end

TEST(ConnectionTest, RetiresWithQuit) {
  Bench bench;
  bench.node.set_answer("QUIT", {"+OK bye\r\n", Then::kClose});
  ASSERT_EQ(Failure(bench.Open()), "none");
  bench.Retire();
  EXPECT_EQ(bench.node.received(), "QUIT\r\n");
}

TEST(ConnectionTest, RetiresFromANodeThatNeverCloses) {
  Bench bench;
  ASSERT_EQ(Failure(bench.Open()), "none");
  const io::Time begun = bench.Now();
  bench.Retire();
  EXPECT_GE(bench.Now() - begun, seconds(2));
  EXPECT_LT(bench.Now() - begun, seconds(3));
}

TEST(ConnectionTest, RetiringWithoutAConnectionIsNothing) {
  Bench bench;
  bench.Retire();
  EXPECT_TRUE(bench.node.connections().empty());
}

// At every instant from before the connect to after the greeting (latencies are up to 200 us).
TEST(ConnectionTest, AbortWhileOpening) {
  int cancelled = 0;
  for (int step = 0; step < 40; ++step) {
    Bench bench;
    bench.node.set_greeting({""});
    bench.AbortAfter(std::chrono::microseconds(25 * step));
    const io::Time begun = bench.Now();
    cancelled += Failure(bench.Open()) == "cancelled" ? 1 : 0;
    EXPECT_LT(bench.Now() - begun, milliseconds(10));
  }
  EXPECT_EQ(cancelled, 40);
}

TEST(ConnectionTest, AbortWhileLoggingIn) {
  Bench bench;
  bench.node.set_answer("PASS", {""});
  ASSERT_EQ(Failure(bench.Open()), "none");
  bench.AbortAfter(seconds(1));
  EXPECT_EQ(Failure(bench.LogIn()), "cancelled");
}

// The caller's own deadline: the name tells at which stage it passed.
TEST(ConnectionTest, ExpiryIsATimeout) {
  {
    Bench bench;
    bench.network().Vanish(bench.node.address());
    bench.ExpireAfter(seconds(1));
    EXPECT_EQ(Failure(bench.Open()), "connect_timeout");
    EXPECT_LT(bench.connection().durations().connect, seconds(2));
  }
  {
    Bench bench;
    bench.node.set_greeting({""});
    bench.ExpireAfter(seconds(1));
    EXPECT_EQ(Failure(bench.Open()), "greeting_timeout");
  }
  for (const char* silent : {"USER", "PASS"}) {
    Bench bench;
    bench.node.set_answer(silent, {""});
    ASSERT_EQ(Failure(bench.Open()), "none");
    bench.ExpireAfter(seconds(1));
    EXPECT_EQ(Failure(bench.LogIn()), "response_timeout");
  }
}

TEST(ConnectionTest, FailureNamesDiffer) {
  std::set<std::string_view> names;
  const int last = static_cast<int>(NodeFailure::kNoDescriptor);
  for (int i = 0; i <= last; ++i) names.insert(Name(static_cast<NodeFailure>(i)));
  EXPECT_EQ(names.size(), static_cast<size_t>(last) + 1);
  EXPECT_EQ(names.count("unknown"), 0u);
}

// --- traced

trace::Taps TapsOf(const std::shared_ptr<trace::RecordingSink>& sink, trace::Tap::Start start) {
  trace::Taps taps;
  taps.push_back(std::make_unique<trace::Tap>(sink, 1, "n", start));
  return taps;
}

TEST(ConnectionTest, IsHeardFromTheGreetingUntilItIsDetached) {
  Bench bench;
  const auto sink = std::make_shared<trace::RecordingSink>();
  bench.connection().Trace(TapsOf(sink, trace::Tap::Start::kGreeting));
  ASSERT_EQ(Failure(bench.Open()), "none");
  ASSERT_TRUE(bench.LogIn().has_value());
  ASSERT_TRUE(bench.connection().Detach());
  bench.connection().Attach(bench.poplar());
  EXPECT_EQ(sink->lines,
            (std::vector<std::string>{"n: S: +OK node ready", "n: C: USER alice", "n: S: +OK",
                                      "n: C: PASS ***", "n: S: +OK Logged in.",
                                      "n: [kept for the user's next login]"}));
  bench.Retire();
  EXPECT_EQ(sink->lines.size(), 6u);
}

TEST(ConnectionTest, SaysToWhoeverListensThatTheNodeIsNotReached) {
  Bench bench;
  bench.node.StopListening();
  const auto sink = std::make_shared<trace::RecordingSink>();
  bench.connection().Trace(TapsOf(sink, trace::Tap::Start::kGreeting));
  EXPECT_EQ(Failure(bench.Open()), "connect_refused");
  ASSERT_EQ(sink->lines.size(), 1u);
  EXPECT_TRUE(sink->lines[0].starts_with("n: [not reached: connect_refused"));
}

}  // namespace
}  // namespace poplar::upstream
