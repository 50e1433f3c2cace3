#include "balancer/node_health.h"

#include <gtest/gtest.h>

#include <vector>

namespace poplar::balancer {
namespace {

using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;
using Cause = TransitionCause;
using State = NodeState;

enum class Event {
  kProbeOk,
  kProbeBad,
  kServed,
  kUnreachable,
  kLoginFailed,
  kSessionLost,
  kUnreachableButTooManyAreOut,
  kTime,
};

std::optional<Transition> Feed(NodeHealth& health, Event event, Moment now) {
  switch (event) {
    case Event::kProbeOk:
      return health.OnProbe(true, {}, now);
    case Event::kProbeBad:
      return health.OnProbe(false, "timeout", now);
    case Event::kServed:
      return health.OnEvidence(Evidence::kServed, {}, true, now);
    case Event::kUnreachable:
      return health.OnEvidence(Evidence::kUnreachable, "connect_refused", true, now);
    case Event::kLoginFailed:
      return health.OnEvidence(Evidence::kLoginFailed, "sys_temp", true, now);
    case Event::kSessionLost:
      return health.OnEvidence(Evidence::kSessionLost, "closed", true, now);
    case Event::kUnreachableButTooManyAreOut:
      return health.OnEvidence(Evidence::kUnreachable, "connect_refused", false, now);
    case Event::kTime:
      return health.OnTime(now);
  }
  return std::nullopt;
}

// `times` of one event, a second apart, the first a second after what went before; the transition
// comes from the last one, or not at all.
struct Step {
  Event event;
  int times;
  std::optional<Cause> cause = std::nullopt;
  State then = State::kUp;
};

struct Script {
  const char* name;
  HealthRules rules;
  std::vector<Step> steps;
};

void Play(const Script& script) {
  SCOPED_TRACE(script.name);
  NodeHealth health(script.rules);
  Moment now = seconds(1000);
  State state = State::kUp;
  for (size_t i = 0; i < script.steps.size(); ++i) {
    const Step& step = script.steps[i];
    SCOPED_TRACE("step " + std::to_string(i));
    for (int time = 1; time <= step.times; ++time) {
      now += seconds(1);
      const auto transition = Feed(health, step.event, now);
      if (time < step.times || !step.cause) {
        ASSERT_FALSE(transition) << time << ": " << transition->evidence;
        continue;
      }
      ASSERT_TRUE(transition);
      EXPECT_EQ(Name(transition->cause), Name(*step.cause));
      EXPECT_EQ(transition->from, state);
      EXPECT_EQ(transition->to, step.then);
      EXPECT_FALSE(transition->evidence.empty());
      state = step.then;
    }
    EXPECT_EQ(Name(health.state()), Name(state));
  }
}

using enum Event;

const HealthRules kUsual;  // rise 2, fall 3, capa, 5 in a row, ejected for 30 s
const HealthRules kConnect{.level = ProbeLevel::kConnect};
const HealthRules kGreeting{.level = ProbeLevel::kGreeting};
const HealthRules kLogin{.level = ProbeLevel::kLogin};
const HealthRules kUnprobed{.probes = false};
const HealthRules kAtOnce{.rise = 0, .fall = 0, .consecutive_failures = 1};
const HealthRules kByRatio{.consecutive_failures = 0, .failure_events_min = 4};
const HealthRules kByNothing{.consecutive_failures = 0, .failure_percent = 0};

const Script kScripts[] = {
    {"fall takes a node out, rise brings it back",
     kUsual,
     {{kProbeOk, 5},
      {kProbeBad, 3, Cause::kProbesFailed, State::kDown},
      {kProbeBad, 5},
      {kProbeOk, 2, Cause::kProbesSucceeded, State::kUp}}},
    {"a good probe breaks the row of failures",
     kUsual,
     {{kProbeBad, 2}, {kProbeOk, 1}, {kProbeBad, 2}, {kProbeOk, 1}, {kProbeBad, 2}}},
    {"a bad probe breaks the row of successes",
     kUsual,
     {{kProbeBad, 3, Cause::kProbesFailed, State::kDown},
      {kProbeOk, 1},
      {kProbeBad, 1},
      {kProbeOk, 1},
      {kProbeBad, 1},
      {kProbeOk, 2, Cause::kProbesSucceeded, State::kUp}}},
    {"time brings no probed-down node back",
     kUsual,
     {{kProbeBad, 3, Cause::kProbesFailed, State::kDown}, {kTime, 1000}}},
    {"down by probes: sessions say nothing",
     kUsual,
     {{kProbeBad, 3, Cause::kProbesFailed, State::kDown}, {kUnreachable, 50}, {kServed, 50}}},
    {"thresholds of 0 are thresholds of 1",
     kAtOnce,
     {{kProbeBad, 1, Cause::kProbesFailed, State::kDown},
      {kProbeOk, 1, Cause::kProbesSucceeded, State::kUp},
      {kUnreachable, 1, Cause::kConsecutiveFailures, State::kEjected}}},
    {"failures in a row eject",
     kUsual,
     {{kUnreachable, 5, Cause::kConsecutiveFailures, State::kEjected}}},
    {"an answer breaks the row; a wrong password is one",
     kUsual,
     {{kUnreachable, 4}, {kServed, 1}, {kUnreachable, 4}, {kServed, 1}, {kLoginFailed, 4}}},
    {"kinds of failures add up",
     kUsual,
     {{kUnreachable, 2},
      {kLoginFailed, 2},
      {kSessionLost, 1, Cause::kConsecutiveFailures, State::kEjected}}},
    {"failed probes and failed sessions are counted apart",
     kUsual,
     {{kUnreachable, 4}, {kProbeBad, 2}, {kProbeOk, 1}, {kServed, 1}, {kUnreachable, 4}}},
    {"without probes an ejection runs its time",
     kUnprobed,
     {{kUnreachable, 5, Cause::kConsecutiveFailures, State::kEjected},
      {kProbeOk, 9},
      {kTime, 21, Cause::kEjectionEnded, State::kUp}}},
    {"without probes there are no probes", kUnprobed, {{kProbeBad, 50}}},
    {"refused connections are proved well by CAPA",
     kUsual,
     {{kUnreachable, 5, Cause::kConsecutiveFailures, State::kEjected},
      {kProbeOk, 2, Cause::kProbesSucceeded, State::kUp}}},
    {"refused connections are proved well by a greeting",
     kGreeting,
     {{kUnreachable, 5, Cause::kConsecutiveFailures, State::kEjected},
      {kProbeOk, 2, Cause::kProbesSucceeded, State::kUp}}},
    {"a bare connect proves nothing",
     kConnect,
     {{kUnreachable, 5, Cause::kConsecutiveFailures, State::kEjected},
      {kProbeOk, 28},
      {kTime, 2, Cause::kEjectionEnded, State::kUp}}},
    {"failed logins are not proved well by CAPA",
     kUsual,
     {{kLoginFailed, 5, Cause::kConsecutiveFailures, State::kEjected},
      {kProbeOk, 28},
      {kTime, 2, Cause::kEjectionEnded, State::kUp}}},
    {"lost sessions are not proved well by CAPA",
     kUsual,
     {{kSessionLost, 5, Cause::kConsecutiveFailures, State::kEjected},
      {kProbeOk, 28},
      {kTime, 2, Cause::kEjectionEnded, State::kUp}}},
    {"failed logins are proved well by a login",
     kLogin,
     {{kLoginFailed, 5, Cause::kConsecutiveFailures, State::kEjected},
      {kProbeOk, 2, Cause::kProbesSucceeded, State::kUp}}},
    {"the deepest of mixed evidence counts",
     kUsual,
     {{kSessionLost, 1},
      {kUnreachable, 4, Cause::kConsecutiveFailures, State::kEjected},
      {kProbeOk, 28},
      {kTime, 2, Cause::kEjectionEnded, State::kUp}}},
    {"what an answer has disproved does not count as deep",
     kUsual,
     {{kSessionLost, 1},
      {kServed, 1},
      {kUnreachable, 5, Cause::kConsecutiveFailures, State::kEjected},
      {kProbeOk, 2, Cause::kProbesSucceeded, State::kUp}}},
    {"probes before the ejection do not prove what comes after",
     kUsual,
     {{kProbeOk, 50},
      {kUnreachable, 5, Cause::kConsecutiveFailures, State::kEjected},
      {kProbeOk, 1},
      {kProbeBad, 1},
      {kProbeOk, 2, Cause::kProbesSucceeded, State::kUp}}},
    {"an ejected node whose probes fail is down, and comes back by probes only",
     kUsual,
     {{kLoginFailed, 5, Cause::kConsecutiveFailures, State::kEjected},
      {kProbeBad, 3, Cause::kProbesFailed, State::kDown},
      {kTime, 60},
      {kProbeOk, 2, Cause::kProbesSucceeded, State::kUp}}},
    {"probes that failed before the ejection are of the row",
     kUsual,
     {{kProbeBad, 2},
      {kUnreachable, 5, Cause::kConsecutiveFailures, State::kEjected},
      {kProbeBad, 1, Cause::kProbesFailed, State::kDown}}},
    {"an ejection that ends in failing probes: down soon",
     kUsual,
     {{kUnreachable, 5, Cause::kConsecutiveFailures, State::kEjected},
      {kTime, 29},
      {kProbeBad, 2},
      {kTime, 1, Cause::kEjectionEnded, State::kUp},
      {kProbeBad, 1, Cause::kProbesFailed, State::kDown}}},
    {"evidence about an ejected node extends nothing",
     kUsual,
     {{kLoginFailed, 5, Cause::kConsecutiveFailures, State::kEjected},
      {kLoginFailed, 29},
      {kTime, 1, Cause::kEjectionEnded, State::kUp},
      {kLoginFailed, 4},
      {kLoginFailed, 1, Cause::kConsecutiveFailures, State::kEjected}}},
    {"no ejection when too many are out; the next failure asks again",
     kUsual,
     {{kUnreachableButTooManyAreOut, 20},
      {kUnreachable, 1, Cause::kConsecutiveFailures, State::kEjected}}},
    {"half of the sessions failing, among enough of them, ejects",
     kByRatio,
     {{kServed, 1},
      {kUnreachable, 1},
      {kServed, 1},
      {kUnreachable, 1, Cause::kFailureRatio, State::kEjected}}},
    {"fewer events say nothing", kByRatio, {{kUnreachable, 3}}},
    {"less than the share does not eject",
     kByRatio,
     {{kServed, 3}, {kUnreachable, 2}, {kServed, 1}, {kUnreachable, 1}}},
    {"old failures leave the window",
     kByRatio,
     {{kUnreachable, 3}, {kTime, 40}, {kServed, 2}, {kUnreachable, 1}}},
    {"after a return the window is empty",
     kByRatio,
     {{kUnreachable, 4, Cause::kFailureRatio, State::kEjected},
      {kProbeOk, 2, Cause::kProbesSucceeded, State::kUp},
      {kUnreachable, 3}}},
    {"a ratio with one lost session needs a login as proof",
     kByRatio,
     {{kSessionLost, 1},
      {kServed, 1},
      {kUnreachable, 2, Cause::kFailureRatio, State::kEjected},
      {kProbeOk, 29},
      {kTime, 1, Cause::kEjectionEnded, State::kUp}}},
    {"both kinds of evidence off", kByNothing, {{kUnreachable, 500}, {kLoginFailed, 500}}},
};

TEST(NodeHealthTest, HealthIsAStateMachinePerNodeFedByProbesAndEvidence) {
  for (const Script& script : kScripts) Play(script);
}

// Ejects the node by evidence at `now`; returns how long it stays out, by second.
Duration EjectFor(NodeHealth& health, Moment& now) {
  while (!health.OnEvidence(Evidence::kLoginFailed, "sys_temp", true, now)) {
  }
  const Moment began = now;
  while (!health.OnTime(now)) now += seconds(1);
  return now - began;
}

TEST(NodeHealthTest, EjectionWithGrowingBackOff) {
  NodeHealth health({.ejection_time = seconds(30), .ejection_time_max = seconds(100)});
  Moment now = seconds(5);
  EXPECT_EQ(EjectFor(health, now), seconds(30));
  EXPECT_EQ(EjectFor(health, now), seconds(60));
  EXPECT_EQ(EjectFor(health, now), seconds(90));
  EXPECT_EQ(EjectFor(health, now), seconds(100));
  EXPECT_EQ(EjectFor(health, now), seconds(100));
  EXPECT_EQ(health.ejections(), 5u);
}

TEST(NodeHealthTest, BackOffFallsByOneForEachEjectionTimeSpentUp) {
  const HealthRules rules{.ejection_time = seconds(30), .ejection_time_max = seconds(300)};
  struct Case {
    Duration up;
    Duration next;  // ejection, after three
  };
  const Case cases[] = {{seconds(0), seconds(120)}, {seconds(29), seconds(120)},
                        {seconds(30), seconds(90)}, {seconds(59), seconds(90)},
                        {seconds(60), seconds(60)}, {seconds(90), seconds(30)},
                        {minutes(9), seconds(30)},  {minutes(90'000), seconds(30)}};
  for (const Case& c : cases) {
    NodeHealth health(rules);
    Moment now{};
    for (int i = 0; i < 3; ++i) EjectFor(health, now);
    now += c.up;
    EXPECT_EQ(EjectFor(health, now), c.next) << c.up.count();
  }
}

TEST(NodeHealthTest, BackOffAtItsLongestIsForgottenAsFastAsItGrew) {
  NodeHealth health({.ejection_time = seconds(30), .ejection_time_max = seconds(60)});
  Moment now{};
  for (int i = 0; i < 100; ++i) EjectFor(health, now);
  now += seconds(60);
  EXPECT_EQ(EjectFor(health, now), seconds(30));
}

TEST(NodeHealthTest, TimeSpentDownForgetsNoEjection) {
  NodeHealth health({.rise = 1, .fall = 1, .ejection_time = seconds(30)});
  Moment now{};
  EjectFor(health, now);
  now += seconds(20);
  ASSERT_TRUE(health.OnProbe(false, "timeout", now));
  now += minutes(60);
  ASSERT_TRUE(health.OnProbe(true, {}, now));
  now += seconds(20);
  EXPECT_EQ(EjectFor(health, now), seconds(60));
}

TEST(NodeHealthTest, EjectionTimesOfZeroEndAtOnce) {
  NodeHealth health({.ejection_time = seconds(0)});
  Moment now = seconds(1);
  EXPECT_EQ(EjectFor(health, now), seconds(0));
  EXPECT_EQ(EjectFor(health, now), seconds(0));
}

TEST(NodeHealthTest, FailsSinceTheFirstFailureAfterItWasSeenWell) {
  NodeHealth health(HealthRules{});
  for (int i = 0; i < 4; ++i) health.OnEvidence(Evidence::kLoginFailed, "x", true, seconds(1));
  ASSERT_TRUE(health.OnEvidence(Evidence::kLoginFailed, "x", true, seconds(10)));
  EXPECT_EQ(health.failing_since(), seconds(1));
  for (int i = 0; i < 3; ++i) health.OnProbe(false, "timeout", seconds(20 + i));
  ASSERT_EQ(health.state(), State::kDown);
  EXPECT_EQ(health.failing_since(), seconds(1));  // the same outage
  for (int i = 0; i < 2; ++i) health.OnProbe(true, {}, seconds(30 + i));
  ASSERT_EQ(health.state(), State::kUp);
  health.OnProbe(false, "timeout", seconds(35));
  health.OnProbe(true, {}, seconds(36));
  health.OnEvidence(Evidence::kSessionLost, "x", true, seconds(37));
  health.OnEvidence(Evidence::kServed, {}, true, seconds(38));
  health.OnEvidence(Evidence::kSessionLost, "x", true, seconds(39));
  for (int i = 0; i < 3; ++i) health.OnProbe(false, "timeout", seconds(40 + i));
  EXPECT_EQ(health.failing_since(), seconds(39));
}

TEST(NodeHealthTest, SlowStart) {
  NodeHealth health({.rise = 1, .fall = 1, .slow_start = seconds(20)});
  EXPECT_EQ(health.ReadyPermille(seconds(0)), 1000u);  // the process's start
  ASSERT_TRUE(health.OnProbe(false, "timeout", seconds(10)));
  EXPECT_EQ(health.ReadyPermille(seconds(60)), 0u);
  ASSERT_TRUE(health.OnProbe(true, {}, seconds(100)));
  EXPECT_EQ(health.ReadyPermille(seconds(99)), 0u);  // another thread's clock, read before
  EXPECT_EQ(health.ReadyPermille(seconds(100)), 0u);
  EXPECT_EQ(health.ReadyPermille(seconds(105)), 250u);
  EXPECT_EQ(health.ReadyPermille(milliseconds(119'999)), 999u);
  EXPECT_EQ(health.ReadyPermille(seconds(120)), 1000u);
  EXPECT_EQ(health.ReadyPermille(minutes(1000)), 1000u);
  health.Return(minutes(2000));
  EXPECT_EQ(health.ReadyPermille(minutes(2000) + seconds(10)), 500u);
}

// Its users never left; a slow start would send them away.
TEST(NodeHealthTest, BackWithinTheHoldDownThereIsNoSlowStart) {
  NodeHealth health({.rise = 1, .fall = 1, .hold_down = seconds(10), .slow_start = seconds(20)});
  ASSERT_TRUE(health.OnProbe(false, {}, seconds(100)));
  ASSERT_TRUE(health.OnProbe(true, {}, seconds(109)));
  EXPECT_EQ(health.ReadyPermille(seconds(109)), 1000u);

  ASSERT_TRUE(health.OnProbe(false, {}, seconds(200)));
  ASSERT_TRUE(health.OnProbe(true, {}, seconds(210)));
  EXPECT_EQ(health.ReadyPermille(seconds(210)), 0u);
  EXPECT_EQ(health.ReadyPermille(seconds(220)), 500u);
}

// Half of its users are still elsewhere.
TEST(NodeHealthTest, AShortOutageWithinASlowStartDoesNotEndIt) {
  NodeHealth health({.rise = 1, .fall = 1, .hold_down = seconds(10), .slow_start = seconds(20)});
  ASSERT_TRUE(health.OnProbe(false, {}, seconds(100)));
  ASSERT_TRUE(health.OnProbe(true, {}, seconds(110)));
  ASSERT_TRUE(health.OnProbe(false, {}, seconds(118)));
  EXPECT_EQ(health.ReadyPermille(seconds(119)), 0u);
  ASSERT_TRUE(health.OnProbe(true, {}, seconds(120)));
  EXPECT_EQ(health.ReadyPermille(seconds(120)), 500u);
}

TEST(NodeHealthTest, SlowStartsOfAnyLength) {
  for (const Duration length : {Duration(0), Duration(1), Duration(milliseconds(1)),
                                Duration(std::chrono::hours(10'000))}) {
    NodeHealth health({.slow_start = length});
    health.Return(seconds(7));
    uint32_t before = 0;
    for (int i = 0; i <= 100; ++i) {
      const uint32_t ready = health.ReadyPermille(seconds(7) + length / 100 * i);
      EXPECT_GE(ready, before);
      before = ready;
    }
    EXPECT_EQ(health.ReadyPermille(seconds(7) + length), 1000u) << length.count();
  }
}

TEST(NodeHealthTest, EveryTransitionCarriesItsEvidence) {
  NodeHealth health({.failure_percent = 60, .ejection_time = milliseconds(1500)});
  const auto last = [&](Event event, int times, Moment now) {
    std::optional<Transition> transition;
    for (int i = 0; i < times; ++i) transition = Feed(health, event, now);
    return transition ? transition->evidence : "no transition";
  };
  EXPECT_EQ(last(Event::kProbeBad, 3, seconds(1)), "3 probes failed in a row, the last: timeout");
  EXPECT_EQ(last(Event::kProbeOk, 2, seconds(2)), "2 probes succeeded in a row");
  EXPECT_EQ(last(Event::kUnreachable, 5, seconds(3)),
            "5 failures of sessions in a row, the last: connect_refused; ejected for 1500 ms");
  EXPECT_EQ(last(Event::kTime, 1, seconds(5)), "was ejected for 1500 ms");
  last(Event::kUnreachable, 4, seconds(6));
  last(Event::kServed, 8, seconds(6));
  last(Event::kUnreachable, 4, seconds(6));
  last(Event::kServed, 1, seconds(6));
  last(Event::kSessionLost, 4, seconds(6));
  EXPECT_EQ(last(Event::kServed, 1, seconds(6)), "no transition");
  EXPECT_EQ(last(Event::kSessionLost, 3, seconds(6)),
            "15 of 25 sessions in 30 s failed, the last: closed; ejected for 3 s");
}

TEST(NodeHealthTest, EvidenceReadsWellForOneAndForNoDetail) {
  NodeHealth health({.rise = 1, .fall = 1, .consecutive_failures = 1});
  EXPECT_EQ(health.OnProbe(false, "timeout", {})->evidence, "1 probe failed: timeout");
  EXPECT_EQ(health.OnProbe(true, {}, {})->evidence, "1 probe succeeded");
  EXPECT_EQ(health.OnEvidence(Evidence::kUnreachable, {}, true, {})->evidence,
            "1 failure of a session; ejected for 30 s");
}

TEST(NodeHealthTest, EvidenceQuotesNoMoreThanItsLimit) {
  NodeHealth health({.fall = 1});
  const std::string longest(kEvidenceDetailBytesMax, 'x');
  EXPECT_EQ(health.OnProbe(false, longest + "y", {})->evidence, "1 probe failed: " + longest);
}

TEST(NodeHealthTest, EveryValueHasAName) {
  EXPECT_EQ(Name(AdminState::kUp), "up");
  EXPECT_EQ(Name(AdminState::kDrain), "drain");
  EXPECT_EQ(Name(AdminState::kDown), "down");
  EXPECT_EQ(Name(NodeState::kUp), "up");
  EXPECT_EQ(Name(NodeState::kDown), "down");
  EXPECT_EQ(Name(NodeState::kEjected), "ejected");
  EXPECT_EQ(Name(Cause::kProbesFailed), "probes_failed");
  EXPECT_EQ(Name(Cause::kProbesSucceeded), "probes_succeeded");
  EXPECT_EQ(Name(Cause::kConsecutiveFailures), "consecutive_failures");
  EXPECT_EQ(Name(Cause::kFailureRatio), "failure_ratio");
  EXPECT_EQ(Name(Cause::kEjectionEnded), "ejection_ended");
  EXPECT_EQ(Name(Cause::kAdmin), "admin");
}

// A node isn't judged by one user's broken mailbox.
TEST(FailingUsersTest, OneUsersFailuresEjectNobody) {
  NodeHealth health(HealthRules{.probes = false});
  for (int i = 0; i < 100; ++i) {
    EXPECT_FALSE(health.OnEvidence(Evidence::kLoginFailed, "sys_temp", true, seconds(i), 7));
    EXPECT_FALSE(health.OnEvidence(Evidence::kSessionLost, "closed", true, seconds(i), 8));
  }
  const auto third = health.OnEvidence(Evidence::kLoginFailed, "sys_temp", true, seconds(100), 9);
  ASSERT_TRUE(third);
  EXPECT_EQ(third->to, State::kEjected);
}

TEST(FailingUsersTest, AServedLoginForgetsWhoFailedBefore) {
  NodeHealth health(HealthRules{.probes = false, .failure_percent = 0});
  for (uint64_t user = 1; user <= 2; ++user) {
    for (int i = 0; i < 10; ++i)
      EXPECT_FALSE(health.OnEvidence(Evidence::kLoginFailed, "", true, seconds(i), user));
  }
  EXPECT_FALSE(health.OnEvidence(Evidence::kServed, {}, true, seconds(10), 3));
  for (int i = 0; i < 10; ++i)
    EXPECT_FALSE(health.OnEvidence(Evidence::kLoginFailed, "", true, seconds(11), 3));
}

// What never came as far as a user speaks for itself.
TEST(FailingUsersTest, AnUnreachableNodeNeedsNoUsers) {
  NodeHealth health(HealthRules{.probes = false, .consecutive_failures = 2});
  EXPECT_FALSE(health.OnEvidence(Evidence::kUnreachable, "connect_refused", true, seconds(1)));
  EXPECT_TRUE(health.OnEvidence(Evidence::kUnreachable, "connect_refused", true, seconds(2)));
}

}  // namespace
}  // namespace poplar::balancer
