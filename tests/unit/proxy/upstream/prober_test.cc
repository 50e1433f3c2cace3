#include "proxy/upstream/prober.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <string>

#include "tests/unit/proxy/upstream/node_bench.h"

namespace poplar::upstream {
namespace {

using balancer::AdminState;
using balancer::NodeState;
using balancer::ProbeLevel;
using std::chrono::milliseconds;
using std::chrono::seconds;
using Then = ScriptedNode::Answer::Then;

constexpr io::Duration kStep = io::TimerWheel::kStep;

// A node and its prober, which runs until the bench goes.
class ProbeBench : public NodeBench {
 public:
  explicit ProbeBench(ProbeLevel level = ProbeLevel::kCapa, const Options& options = {})
      : NodeBench(WithLevel(options, level)) {
    cluster.first_terms().probe.level = level;
    cluster.first_terms().probe.credential =
        pop3::PasswordCredential("probe", pop3::Secret("secret"));
  }
  ~ProbeBench() { Stop(); }

  void Start() {
    prober_ = std::make_unique<Prober>(poplar(), cluster, node(), recorder);
    running_ = true;
    scope().Spawn(RunTask());
  }
  void Stop() {
    if (prober_ == nullptr) return;
    prober_->Stop();
    EXPECT_TRUE(Run([this] { return !running_; }, milliseconds(50))) << world().why_not();
    prober_.reset();
    poplar().MustBeIdle();
  }
  // Runs until so many probes were reported, and their QUITs answered.
  void Probes(size_t count) {
    EXPECT_TRUE(Run([this, count] { return recorder.probes.size() >= count; }))
        << world().why_not();
    RunFor(milliseconds(20));
  }
  std::string LastFailure() { return std::string(Name(recorder.probes.back().failure)); }
  bool running() const { return running_; }
  void LookAtTerms() { prober_->LookAtTerms(); }
  NodeState state() { return cluster.health.Status(Moment()).front().state; }

 private:
  static Options WithLevel(Options options, ProbeLevel level) {
    options.health.level = level;
    return options;
  }
  io::Task<void> RunTask() {
    co_await prober_->Run();
    running_ = false;
  }

  std::unique_ptr<Prober> prober_;
  bool running_ = false;
};

// --- what a probe says

struct LevelCase {
  const char* name;
  ProbeLevel level;
  const char* received;
};

class ProbeLevelTest : public testing::TestWithParam<LevelCase> {};

// DESIGN section 5: active probes, POP3-level, ended with QUIT.
TEST_P(ProbeLevelTest, AsksThatDeepAndEndsWithQuit) {
  ProbeBench bench(GetParam().level);
  bench.Start();
  bench.Probes(1);
  EXPECT_EQ(bench.LastFailure(), "none");
  ASSERT_EQ(bench.script.connections().size(), 1u);
  EXPECT_EQ(bench.script.received(), GetParam().received);
  EXPECT_EQ(bench.OpenConnections(), 0u);
  EXPECT_TRUE(bench.recorder.changes.empty());
  EXPECT_EQ(bench.pool().counts().in_use, 0u);  // it takes no slot
}

INSTANTIATE_TEST_SUITE_P(
    Table, ProbeLevelTest,
    testing::Values(LevelCase{"Connect", ProbeLevel::kConnect, ""},
                    LevelCase{"Greeting", ProbeLevel::kGreeting, "QUIT\r\n"},
                    LevelCase{"Capa", ProbeLevel::kCapa, "CAPA\r\nQUIT\r\n"},
                    LevelCase{"Login", ProbeLevel::kLogin,
                              "CAPA\r\nUSER probe\r\nPASS secret\r\nSTAT\r\nQUIT\r\n"}),
    [](const auto& info) { return info.param.name; });

struct ResultCase {
  const char* name;
  ProbeLevel level;
  const char* asked;  // "": the greeting
  ScriptedNode::Answer answer;
  const char* failure;
  bool quits;
};

class ProbeResultTest : public testing::TestWithParam<ResultCase> {};

TEST_P(ProbeResultTest, IsJudged) {
  ProbeBench bench(GetParam().level);
  if (*GetParam().asked == '\0') {
    bench.script.set_greeting(GetParam().answer);
  } else {
    bench.script.set_answer(GetParam().asked, GetParam().answer);
  }
  bench.Start();
  bench.Probes(3);  // fall
  EXPECT_EQ(bench.LastFailure(), GetParam().failure);
  EXPECT_EQ(bench.Dialogues().front().ends_with("QUIT\r\n"), GetParam().quits);
  const bool ok = GetParam().failure == std::string_view("none");
  EXPECT_EQ(bench.state(), ok ? NodeState::kUp : NodeState::kDown);
  ASSERT_EQ(bench.recorder.changes.size(), ok ? 0u : 1u);
  if (!ok) {
    const std::string& evidence = bench.recorder.changes.front().transition.evidence;
    EXPECT_NE(evidence.find(GetParam().failure), evidence.npos) << evidence;
  }
}

INSTANTIATE_TEST_SUITE_P(
    Table, ProbeResultTest,
    testing::Values(
        ResultCase{"GreetingRefused",
                   ProbeLevel::kGreeting,
                   "",
                   {"-ERR full\r\n", Then::kClose},
                   "greeting_refused",
                   false},
        ResultCase{"GreetingGarbage",
                   ProbeLevel::kGreeting,
                   "",
                   {"220 smtp\r\n"},
                   "greeting_garbage",
                   false},
        ResultCase{"GreetingSilence", ProbeLevel::kGreeting, "", {""}, "greeting_timeout", false},
        ResultCase{"GreetingIsNotAskedFor", ProbeLevel::kConnect, "", {""}, "none", false},
        // CAPA is optional.
        ResultCase{"NoCapa", ProbeLevel::kCapa, "CAPA", {"-ERR what?\r\n"}, "none", true},
        ResultCase{"CapaSys",
                   ProbeLevel::kCapa,
                   "CAPA",
                   {"-ERR [SYS/TEMP] later\r\n"},
                   "command_refused",
                   true},
        ResultCase{"CapaGarbage", ProbeLevel::kCapa, "CAPA", {"what?\r\n"}, "protocol", false},
        ResultCase{
            "CapaSilence", ProbeLevel::kCapa, "CAPA", {"+OK\r\n"}, "response_timeout", false},
        ResultCase{"CapaClosed", ProbeLevel::kCapa, "CAPA", {"", Then::kClose}, "closed", false},
        ResultCase{"CapaReset", ProbeLevel::kCapa, "CAPA", {"", Then::kReset}, "reset", false},
        ResultCase{"LoginIsNotAskedFor", ProbeLevel::kCapa, "PASS", {"-ERR no\r\n"}, "none", true},
        ResultCase{"LoginSys",
                   ProbeLevel::kLogin,
                   "PASS",
                   {"-ERR [SYS/TEMP] later\r\n"},
                   "command_refused",
                   true},
        ResultCase{"LoginRefused",
                   ProbeLevel::kLogin,
                   "PASS",
                   {"-ERR [AUTH] no\r\n"},
                   "command_refused",
                   true},
        ResultCase{
            "UserRefused", ProbeLevel::kLogin, "USER", {"-ERR\r\n"}, "command_refused", true},
        // The node works and knows the account; somebody else is in the maildrop.
        ResultCase{"InUse", ProbeLevel::kLogin, "PASS", {"-ERR [IN-USE] x\r\n"}, "none", true},
        ResultCase{
            "LoginDelay", ProbeLevel::kLogin, "PASS", {"-ERR [LOGIN-DELAY] x\r\n"}, "none", true},
        ResultCase{"LoginSilence", ProbeLevel::kLogin, "PASS", {""}, "response_timeout", false},
        ResultCase{"LoginClosed", ProbeLevel::kLogin, "PASS", {"", Then::kClose}, "closed", false},
        ResultCase{
            "StatRefused", ProbeLevel::kLogin, "STAT", {"-ERR\r\n"}, "command_refused", true},
        ResultCase{"StatGarbage", ProbeLevel::kLogin, "STAT", {"0 0\r\n"}, "protocol", false},
        ResultCase{"StatSilence", ProbeLevel::kLogin, "STAT", {""}, "response_timeout", false}),
    [](const auto& info) { return info.param.name; });

TEST(ProberTest, ARefusedLoginTellsOfTheProbeAccount) {
  ProbeBench bench(ProbeLevel::kLogin);
  bench.script.set_answer("PASS", {"-ERR [AUTH] no\r\n"});
  bench.Start();
  bench.Probes(3);
  ASSERT_EQ(bench.recorder.changes.size(), 1u);
  const std::string& evidence = bench.recorder.changes.front().transition.evidence;
  EXPECT_NE(evidence.find("probe account"), evidence.npos) << evidence;
  EXPECT_NE(evidence.find("-ERR [AUTH] no"), evidence.npos) << evidence;
  EXPECT_EQ(evidence.find("secret"), evidence.npos) << evidence;
}

TEST(ProberTest, AMachineThatIsGone) {
  ProbeBench bench;
  bench.network().Vanish(bench.script.address());
  bench.Start();
  bench.Probes(1);
  EXPECT_EQ(bench.LastFailure(), "connect_timeout");
  const Recorder::Probe& probe = bench.recorder.probes.front();
  EXPECT_GE(probe.ended - probe.begun, bench.cluster.first_terms().probe.timeout);
  EXPECT_LT(probe.ended - probe.begun, bench.cluster.first_terms().probe.timeout + 2 * kStep);
}

// Every answer comes within the timeout, all of them together don't.
TEST(ProberTest, OneTimeoutForTheWholeProbe) {
  ProbeBench bench(ProbeLevel::kLogin, {.faults = {.latency_min = milliseconds(400),
                                                   .latency_max = milliseconds(400)}});
  bench.Start();
  bench.Probes(1);
  EXPECT_EQ(bench.LastFailure(), "response_timeout");
  const Recorder::Probe& probe = bench.recorder.probes.front();
  EXPECT_GE(probe.ended - probe.begun, bench.cluster.first_terms().probe.timeout);
  EXPECT_LT(probe.ended - probe.begun, bench.cluster.first_terms().probe.timeout + 2 * kStep);
  EXPECT_NE(bench.script.received(), "");
}

TEST(ProberTest, WaitsForTheGoodbyeButReportsBefore) {
  ProbeBench bench;
  bench.script.set_answer("QUIT", {""});
  bench.Start();
  bench.Probes(1);
  EXPECT_LT(bench.recorder.probes[0].ended - bench.recorder.probes[0].begun, milliseconds(10));
  EXPECT_EQ(bench.OpenConnections(), 1u);
  bench.RunFor(milliseconds(2100));
  EXPECT_EQ(bench.OpenConnections(), 0u);
}

// Our own trouble says nothing about the node.
TEST(ProberTest, OutOfDescriptorsIsNoEvidence) {
  ProbeBench bench;
  bench.poplar().Kill();  // opens no socket any more
  bench.Start();
  bench.Probes(6);
  EXPECT_EQ(bench.LastFailure(), "no_descriptor");
  EXPECT_EQ(bench.state(), NodeState::kUp);
  const auto& probes = bench.recorder.probes;
  EXPECT_GE(probes[5].begun - probes[4].begun, seconds(4));  // and is no reason to hurry
}

// --- CAPA feeds what is offered before login

TEST(ProberTest, LearnsWhatTheNodeCanDo) {
  for (const auto& [answer, learned] :
       {std::pair("+OK\r\nUIDL\r\nPIPELINING\r\nSTLS\r\n.\r\n",
                  pop3::Capabilities("UIDL\r\nPIPELINING\r\nSTLS\r\n")),
        std::pair("-ERR unknown\r\n", pop3::WithoutCapa())}) {
    ProbeBench bench;
    bench.script.set_answer("CAPA", {answer});
    EXPECT_FALSE(bench.cluster.offered.common()->known);
    bench.Start();
    bench.Probes(1);
    EXPECT_EQ(bench.cluster.offered.common()->capabilities, learned);
  }
}

TEST(ProberTest, ABrokenAnswerTeachesNothing) {
  ProbeBench bench;
  bench.script.set_answer("CAPA", {"+OK\r\nUIDL\r\n", Then::kClose});
  bench.Start();
  bench.Probes(2);
  EXPECT_FALSE(bench.cluster.offered.common()->known);
}

// --- when

// DESIGN section 5: jittered intervals.
TEST(ProberTest, IntervalsAreJitteredByAFifth) {
  ProbeBench bench;
  bench.Start();
  bench.Probes(300);
  io::Duration least = seconds(100);
  io::Duration most{};
  const auto& probes = bench.recorder.probes;
  for (size_t i = 1; i < probes.size(); ++i) {
    least = std::min(least, probes[i].begun - probes[i - 1].begun);
    most = std::max(most, probes[i].begun - probes[i - 1].begun);
  }
  EXPECT_GE(least, seconds(4));
  EXPECT_LT(least, milliseconds(4100));
  EXPECT_LT(most, seconds(6) + 2 * kStep);
  EXPECT_GT(most, milliseconds(5900));
}

TEST(ProberTest, TheFirstProbeComesAtAnyMomentOfTheFirstSecond) {
  io::Duration least = seconds(100);
  io::Duration most{};
  for (uint64_t seed = 1; seed <= 60; ++seed) {
    ProbeBench bench(ProbeLevel::kConnect, {.seed = seed});
    const io::Time begun = bench.Now();
    bench.Start();
    bench.Probes(1);
    const io::Duration waited = bench.recorder.probes.front().begun - begun;
    least = std::min(least, waited);
    most = std::max(most, waited);
  }
  EXPECT_LT(least, milliseconds(100));
  EXPECT_GT(most, milliseconds(900));
  EXPECT_LT(most, seconds(1) + 2 * kStep);
}

// DESIGN section 5: rise/fall thresholds, every transition with its evidence.
TEST(ProberTest, FallAndRise) {
  ProbeBench bench(ProbeLevel::kCapa, {.health = {.rise = 2, .fall = 3}});
  bench.Start();
  bench.Probes(2);
  bench.script.set_greeting({"-ERR [SYS/TEMP] no\r\n", Then::kClose});
  ASSERT_TRUE(bench.Run([&bench] { return !bench.recorder.changes.empty(); }));
  bench.Probes(9);
  bench.script.set_greeting({"+OK again\r\n"});
  ASSERT_TRUE(bench.Run([&bench] { return bench.recorder.changes.size() == 2; }));
  bench.Probes(13);

  const auto& changes = bench.recorder.changes;
  const auto& probes = bench.recorder.probes;
  ASSERT_EQ(changes.size(), 2u);
  EXPECT_EQ(changes[0].transition.to, NodeState::kDown);
  EXPECT_EQ(changes[0].transition.cause, balancer::TransitionCause::kProbesFailed);
  EXPECT_EQ(changes[0].at, probes[4].ended);  // the third that failed
  EXPECT_EQ(changes[1].transition.to, NodeState::kUp);
  EXPECT_EQ(changes[1].transition.cause, balancer::TransitionCause::kProbesSucceeded);
  EXPECT_EQ(changes[1].at, probes[10].ended);  // the second that succeeded
  // Quicker only while results and state don't agree.
  const auto gap = [&probes](size_t i) { return probes[i].begun - probes[i - 1].begun; };
  for (const size_t quick : {size_t{3}, size_t{4}, size_t{10}}) {
    EXPECT_GE(gap(quick), milliseconds(800)) << quick;
    EXPECT_LT(gap(quick), milliseconds(1200) + 2 * kStep) << quick;
  }
  for (const size_t slow : {size_t{2}, size_t{5}, size_t{8}, size_t{9}, size_t{11}}) {
    EXPECT_GE(gap(slow), seconds(4)) << slow;
  }
}

TEST(ProberTest, TimePassesForTheNodesHealth) {
  ProbeBench bench(ProbeLevel::kCapa,
                   {.health = {.consecutive_failures = 1, .ejection_time = seconds(12)}});
  bench.Start();
  bench.Probes(1);
  ASSERT_TRUE(bench.cluster.health.OnEvidence(NodeBench::kNode, balancer::Evidence::kLoginFailed,
                                              "test", bench.Moment()));
  ASSERT_TRUE(bench.Run([&bench] { return !bench.recorder.changes.empty(); }, seconds(20)));
  EXPECT_EQ(bench.recorder.changes.front().transition.cause,
            balancer::TransitionCause::kEjectionEnded);
}

TEST(ProberTest, LeavesANodeAloneThatIsAdministrativelyDown) {
  ProbeBench bench;
  bench.cluster.health.SetAdmin(NodeBench::kNode, AdminState::kDown, bench.Moment());
  bench.Start();
  bench.RunFor(seconds(60));
  EXPECT_TRUE(bench.script.connections().empty());
  bench.cluster.health.SetAdmin(NodeBench::kNode, AdminState::kDrain, bench.Moment());
  bench.RunFor(seconds(7));
  EXPECT_FALSE(bench.script.connections().empty());
}

TEST(ProberTest, LeavesAVacantSeatAlone) {
  ProbeBench bench(ProbeLevel::kCapa, {.seat = balancer::Seating::State::kVacant});
  bench.Start();
  bench.RunFor(seconds(60));
  EXPECT_TRUE(bench.script.connections().empty());
  bench.cluster.health.Arrive(NodeBench::kNode, 100, false, "here", bench.Moment());
  bench.RunFor(seconds(7));
  EXPECT_FALSE(bench.script.connections().empty());
  // One that is leaving still has users.
  bench.cluster.health.Leave(NodeBench::kNode, "gone");
  const size_t probes = bench.recorder.probes.size();
  bench.Probes(probes + 1);
}

TEST(ProberTest, WhatAnsweredWhereTheNodeWasSaysNothingOfIt) {
  ProbeBench bench;
  bench.script.set_answer("CAPA", {""});
  bench.Start();
  EXPECT_TRUE(bench.Run([&] { return !bench.script.connections().empty(); }, seconds(7)));
  bench.node().set_endpoint(std::make_shared<Endpoint>(*bench.node().endpoint()));
  const io::Time moved = bench.Now();
  bench.Probes(1);
  EXPECT_GT(bench.recorder.probes[0].begun, moved);
  EXPECT_LT(bench.recorder.probes[0].begun - moved, seconds(5));  // soon
}

TEST(ProberTest, DoesNothingWhereThereAreNoProbes) {
  ProbeBench bench;
  bench.cluster.first_terms().probe.enabled = false;
  bench.Start();
  bench.RunFor(seconds(20));
  EXPECT_TRUE(bench.script.connections().empty());
}

TEST(ProberTest, GoesByWhatTheOperatorSaysAnew) {
  ProbeBench bench;
  bench.cluster.first_terms().probe.enabled = false;
  bench.Start();
  bench.RunFor(seconds(20));
  auto terms = std::make_shared<ClusterTerms>();
  terms->probe.interval = seconds(2);
  bench.cluster.set_terms(terms);
  bench.LookAtTerms();
  bench.Probes(3);
  EXPECT_LT(bench.recorder.probes[2].begun - bench.recorder.probes[1].begun, seconds(3));
}

// At every instant of a probe (latencies are up to 200 us), and before the first.
TEST(ProberTest, StopsAnywhere) {
  size_t cut = 0;
  for (int step = -1; step < 60; ++step) {
    ProbeBench bench(ProbeLevel::kLogin);
    bench.Start();
    if (step >= 0) {
      ASSERT_TRUE(bench.Run([&bench] { return bench.poplar().open_sockets() > 0; }));
      bench.RunFor(std::chrono::microseconds(50 * step));
    }
    bench.Stop();
    EXPECT_TRUE(bench.recorder.changes.empty());
    if (bench.recorder.probes.empty()) ++cut;
    for (const auto& probe : bench.recorder.probes) EXPECT_EQ(probe.failure, NodeFailure::kNone);
  }
  EXPECT_GT(cut, 20u);
  EXPECT_LT(cut, 60u);
}

}  // namespace
}  // namespace poplar::upstream
