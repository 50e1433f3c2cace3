#include "balancer/cluster_health.h"

#include <gtest/gtest.h>

#include <array>
#include <ostream>

namespace poplar::balancer {

std::ostream& operator<<(std::ostream& out, const Choice& choice) {
  const auto node = static_cast<uint32_t>(choice.node);
  switch (choice.kind) {
    case Choice::Kind::kGo:
      return out << "go to " << node;
    case Choice::Kind::kWait:
      return out << "wait for " << node << " until " << choice.until.count();
    case Choice::Kind::kNone:
      return out << "none";
  }
  return out;
}

bool operator==(const Choice& a, const Choice& b) {
  return a.kind == b.kind && (a.kind == Choice::Kind::kNone || a.node == b.node) &&
         (a.kind != Choice::Kind::kWait || a.until == b.until);
}

namespace {

using std::chrono::minutes;
using std::chrono::seconds;

constexpr NodeId kA{10};
constexpr NodeId kB{7};
constexpr NodeId kC{3};
constexpr NodeId kD{99};
const Candidates kOrder{kA, kB, kC, kD};

Choice Go(NodeId node) { return {.kind = Choice::Kind::kGo, .node = node}; }
Choice Wait(NodeId node, Moment until) {
  return {.kind = Choice::Kind::kWait, .node = node, .until = until};
}
Choice None() { return {}; }

constexpr HealthRules kRules{.rise = 1,
                             .fall = 1,
                             .consecutive_failures = 1,
                             .hold_down = seconds(10),
                             .slow_start = seconds(0),
                             .panic_percent = 0};

using Members = std::vector<ClusterHealth::Member>;
const Members kEqual{{kA}, {kB}, {kC}, {kD}};

// What the tests do to a cluster of four nodes.
struct Fixture {
  explicit Fixture(const HealthRules& health = kRules,
                   const ClusterRules& rules = {.shared_storage = true},
                   const Members& members = kEqual)
      : cluster(rules, health, members) {}

  void Fail(NodeId node, Moment now) { ASSERT_TRUE(cluster.OnProbe(node, false, "timeout", now)); }
  void Mend(NodeId node, Moment now) { ASSERT_TRUE(cluster.OnProbe(node, true, {}, now)); }
  Choice Choose(Moment now, uint64_t user = 0, std::vector<NodeId> tried = {}) const {
    return cluster.Choose(kOrder, user, tried, now);
  }
  void Load(NodeId node, uint32_t sessions) {
    for (uint32_t i = 0; i < sessions; ++i) cluster.SessionBegan(node);
  }

  ClusterHealth cluster;
};

TEST(ClusterHealthTest, TheFirstOfTheOrderServes) {
  Fixture f;
  EXPECT_EQ(f.Choose(seconds(1)), Go(kA));
  EXPECT_EQ(f.cluster.Choose({kC, kA}, 0, {}, seconds(1)), Go(kC));
  EXPECT_EQ(f.cluster.Choose({}, 0, {}, seconds(1)), None());
}

TEST(ClusterHealthTest, ANodeMustBeOutForAHoldDownBeforeItsUsersMove) {
  Fixture f;
  f.Fail(kA, seconds(100));
  EXPECT_EQ(f.Choose(seconds(100)), Wait(kA, seconds(110)));
  EXPECT_EQ(f.Choose(seconds(110) - Duration(1)), Wait(kA, seconds(110)));
  EXPECT_EQ(f.Choose(seconds(110)), Go(kB));
  EXPECT_EQ(f.Choose(minutes(60)), Go(kB));
}

TEST(ClusterHealthTest, UsersOfOtherNodesDoNotWait) {
  Fixture f;
  f.Fail(kB, seconds(100));
  EXPECT_EQ(f.Choose(seconds(100)), Go(kA));
  EXPECT_EQ(f.cluster.Choose({kC, kB, kA}, 0, {}, seconds(100)), Go(kC));
}

TEST(ClusterHealthTest, TheNodeThatStandsInHoldsItsUsersLikewise) {
  Fixture f;
  f.Fail(kA, seconds(100));
  f.Fail(kB, seconds(200));
  EXPECT_EQ(f.Choose(seconds(205)), Wait(kB, seconds(210)));
  EXPECT_EQ(f.Choose(seconds(210)), Go(kC));
}

TEST(ClusterHealthTest, ANodeThatFlapsStartsItsHoldDownAnew) {
  Fixture f;
  f.Fail(kA, seconds(100));
  f.Mend(kA, seconds(109));
  EXPECT_EQ(f.Choose(seconds(109)), Go(kA));
  f.Fail(kA, seconds(111));
  EXPECT_EQ(f.Choose(seconds(112)), Wait(kA, seconds(121)));
}

TEST(ClusterHealthTest, HomeAgainWhenItReturns) {
  Fixture f;
  f.Fail(kA, seconds(100));
  EXPECT_EQ(f.Choose(seconds(120)), Go(kB));
  f.Mend(kA, seconds(130));
  EXPECT_EQ(f.Choose(seconds(130)), Go(kA));
}

TEST(ClusterHealthTest, WithAffinityATriedNodeInServiceIsTriedAgain) {
  Fixture f;
  EXPECT_EQ(f.Choose(seconds(1), 0, {kA}), Go(kA));
  EXPECT_EQ(f.Choose(seconds(1), 0, {kA, kB, kC, kD}), Go(kA));
}

TEST(ClusterHealthTest, LoadNeverMovesAUserWithAffinity) {
  Fixture f;
  f.Load(kA, 10'000);
  EXPECT_EQ(f.Choose(seconds(1)), Go(kA));
}

TEST(ClusterHealthTest, AdministrativeDrainNeedsNoHoldDown) {
  for (const AdminState away : {AdminState::kDrain, AdminState::kDown}) {
    Fixture f;
    const auto transition = f.cluster.SetAdmin(kA, away, seconds(100));
    ASSERT_TRUE(transition);
    EXPECT_EQ(transition->node, kA);
    EXPECT_EQ(transition->admin_from, AdminState::kUp);
    EXPECT_EQ(transition->admin_to, away);
    EXPECT_EQ(transition->from, NodeState::kUp);
    EXPECT_EQ(transition->to, NodeState::kUp);
    EXPECT_EQ(transition->cause, TransitionCause::kAdmin);
    EXPECT_EQ(transition->evidence, "the operator said " + std::string(Name(away)));
    EXPECT_FALSE(f.cluster.SetAdmin(kA, away, seconds(100)));
    EXPECT_EQ(f.cluster.admin(kA), away);
    EXPECT_FALSE(f.cluster.InService(kA, seconds(100)));
    EXPECT_EQ(f.Choose(seconds(100)), Go(kB));
    ASSERT_TRUE(f.cluster.SetAdmin(kA, AdminState::kUp, seconds(200)));
    EXPECT_EQ(f.Choose(seconds(200)), Go(kA));
  }
}

TEST(ClusterHealthTest, TheOperatorsWordOutdoesHealth) {
  Fixture f;
  f.Fail(kA, seconds(100));
  f.cluster.SetAdmin(kA, AdminState::kDrain, seconds(101));
  EXPECT_EQ(f.Choose(seconds(101)), Go(kB));  // no waiting any more
  for (const NodeId node : kOrder) f.cluster.SetAdmin(node, AdminState::kDrain, seconds(102));
  EXPECT_EQ(f.Choose(seconds(102)), None());
  EXPECT_FALSE(f.cluster.panicking(seconds(102)));
}

TEST(ClusterHealthTest, ANodeMayStartDrained) {
  Fixture f(kRules, {.shared_storage = true},
            {{.node = kA, .admin = AdminState::kDrain}, {kB}, {kC}, {kD}});
  EXPECT_EQ(f.Choose({}), Go(kB));
}

TEST(ClusterHealthTest, OnlyWithSharedStorageMayAUserMove) {
  for (const bool affinity : {true, false}) {
    Fixture f(kRules, {.shared_storage = false, .affinity = affinity});
    EXPECT_EQ(f.Choose(seconds(1)), Go(kA));
    f.Fail(kA, seconds(100));
    EXPECT_EQ(f.Choose(seconds(100)), None());
    EXPECT_EQ(f.Choose(minutes(100)), None());
    f.Mend(kA, minutes(101));
    EXPECT_EQ(f.Choose(minutes(101)), Go(kA));
    f.cluster.SetAdmin(kA, AdminState::kDrain, minutes(102));
    EXPECT_EQ(f.Choose(minutes(102)), None());
  }
}

TEST(ClusterHealthTest, SlowStartLetsUsersHomeByTheirHash) {
  HealthRules rules = kRules;
  rules.slow_start = seconds(100);
  Fixture f(rules);
  f.Fail(kA, seconds(100));
  f.Mend(kA, seconds(200));
  for (const int percent : {0, 1, 50, 99, 100}) {
    const Moment now = seconds(200 + percent);
    int home = 0;
    for (uint64_t user = 0; user < 1000; ++user) {
      const Choice choice = f.Choose(now, 5000 + user);
      const bool is_home = choice == Go(kA);
      if (!is_home) {
        ASSERT_EQ(choice, Go(kB));
      }
      home += is_home ? 1 : 0;
    }
    EXPECT_EQ(home, percent * 10);
  }
}

TEST(ClusterHealthTest, SlowStartNeverTurnsAUserAwayTwice) {
  HealthRules rules = kRules;
  rules.slow_start = seconds(100);
  Fixture f(rules);
  f.Fail(kA, seconds(0));
  f.Mend(kA, seconds(100));
  for (uint64_t user = 0; user < 1000; user += 7) {
    bool home = false;
    for (int second = 100; second <= 200; ++second) {
      const bool now_home = f.Choose(seconds(second), user) == Go(kA);
      EXPECT_TRUE(now_home || !home);
      home = now_home;
    }
    EXPECT_TRUE(home);
  }
}

TEST(ClusterHealthTest, ASlowStarterServesWhomNobodyElseCan) {
  HealthRules rules = kRules;
  rules.slow_start = seconds(100);
  Fixture f(rules);
  f.Fail(kA, seconds(0));
  f.Fail(kC, seconds(0));
  f.Fail(kD, seconds(0));
  f.Mend(kA, seconds(100));
  EXPECT_EQ(f.Choose(seconds(100), 999), Go(kB));
  f.Fail(kB, seconds(101));
  EXPECT_EQ(f.Choose(seconds(105), 999), Wait(kB, seconds(111)));  // they have sessions there
  EXPECT_EQ(f.Choose(seconds(111), 999), Go(kA));
}

TEST(ClusterHealthTest, SlowStartWithoutSharedStorageKeepsNobodyOut) {
  HealthRules rules = kRules;
  rules.slow_start = seconds(100);
  Fixture f(rules, {.shared_storage = false});
  f.Fail(kA, seconds(0));
  f.Mend(kA, seconds(100));
  EXPECT_EQ(f.Choose(seconds(100), 999), Go(kA));
}

TEST(ClusterHealthTest, ANodeThatTheOperatorBringsBackStartsSlowly) {
  HealthRules rules = kRules;
  rules.slow_start = seconds(100);
  Fixture f(rules);
  f.cluster.SetAdmin(kA, AdminState::kDrain, seconds(0));
  f.cluster.SetAdmin(kA, AdminState::kUp, seconds(50));
  EXPECT_EQ(f.Choose(seconds(100), 499), Go(kA));
  EXPECT_EQ(f.Choose(seconds(100), 500), Go(kB));
}

TEST(ClusterHealthTest, PanicThreshold) {
  HealthRules rules = kRules;
  rules.panic_percent = 50;
  Fixture f(rules);
  f.Fail(kA, seconds(100));
  f.Fail(kB, seconds(100));
  EXPECT_FALSE(f.cluster.panicking(seconds(100)));  // exactly half is not below it
  EXPECT_EQ(f.Choose(seconds(100)), Wait(kA, seconds(110)));
  f.Fail(kC, seconds(100));
  EXPECT_TRUE(f.cluster.panicking(seconds(100)));
  // Health is not believed: no waiting, everybody home, those tried passed over.
  EXPECT_EQ(f.Choose(seconds(100)), Go(kA));
  EXPECT_TRUE(f.cluster.InService(kA, seconds(100)));
  EXPECT_EQ(f.Choose(seconds(100), 0, {kA, kC}), Go(kB));
  EXPECT_EQ(f.Choose(seconds(100), 0, {kA, kC, kB, kD}), None());
  f.cluster.SetAdmin(kA, AdminState::kDrain, seconds(101));
  EXPECT_EQ(f.Choose(seconds(101)), Go(kB));  // the operator's word still is
  f.Mend(kC, seconds(102));
  EXPECT_FALSE(f.cluster.panicking(seconds(102)));
}

TEST(ClusterHealthTest, PanicCountsWeightAndOnlyNodesThatTheOperatorHasUp) {
  HealthRules rules = kRules;
  rules.panic_percent = 30;
  Fixture f(rules, {.shared_storage = true}, {{kA, 700}, {kB, 100}, {kC, 100}, {kD, 100}});
  f.Fail(kB, seconds(1));
  f.Fail(kC, seconds(1));
  f.Fail(kD, seconds(1));
  EXPECT_FALSE(f.cluster.panicking(seconds(1)));  // 70 % is there
  f.cluster.SetAdmin(kA, AdminState::kDown, seconds(1));
  EXPECT_TRUE(f.cluster.panicking(seconds(1)));  // 0 of 300
  f.Mend(kB, seconds(1));
  EXPECT_FALSE(f.cluster.panicking(seconds(1)));  // 100 of 300
  f.cluster.SetAdmin(kA, AdminState::kUp, seconds(1));
  f.Fail(kA, seconds(1));
  EXPECT_TRUE(f.cluster.panicking(seconds(1)));  // 100 of 1000
}

TEST(ClusterHealthTest, SparesThatStandInAreNoReasonToPanic) {
  HealthRules rules = kRules;
  rules.panic_percent = 50;
  Fixture f(rules, {.shared_storage = true}, {{kA, 100}, {kB, 100}, {kC, 0}, {kD, 0}});
  f.Fail(kA, seconds(0));
  f.Fail(kB, seconds(0));
  EXPECT_FALSE(f.cluster.panicking(seconds(0)));
  EXPECT_EQ(f.Choose(seconds(20)), Go(kC));
  f.Fail(kC, seconds(20));
  EXPECT_FALSE(f.cluster.panicking(seconds(20)));
  f.Fail(kD, seconds(20));
  EXPECT_TRUE(f.cluster.panicking(seconds(20)));
}

TEST(ClusterHealthTest, WithoutAPanicThresholdHealthIsAlwaysBelieved) {
  Fixture f;
  for (const NodeId node : kOrder) f.Fail(node, seconds(0));
  EXPECT_FALSE(f.cluster.panicking(seconds(100)));
  EXPECT_EQ(f.Choose(seconds(5)), Wait(kA, seconds(10)));
  EXPECT_EQ(f.Choose(seconds(100)), None());
}

TEST(ClusterHealthTest, AtMostASetShareIsEjected) {
  struct Case {
    uint32_t percent;
    int ejected;  // of four
  };
  for (const Case& c : {Case{0, 1}, {24, 1}, {49, 1}, {50, 2}, {74, 2}, {75, 3}, {100, 4}}) {
    HealthRules rules = kRules;
    rules.ejected_percent_max = c.percent;
    Fixture f(rules);
    int ejected = 0;
    for (const NodeId node : kOrder) {
      const auto transition =
          f.cluster.OnEvidence(node, Evidence::kUnreachable, "timeout", seconds(1));
      if (!transition) continue;
      EXPECT_EQ(transition->node, node);
      ++ejected;
    }
    EXPECT_EQ(ejected, c.ejected) << c.percent;
  }
}

TEST(ClusterHealthTest, NodesDownByProbesCountButAreNotLimited) {
  Fixture f;  // 50 % of four
  f.Fail(kA, seconds(1));
  EXPECT_TRUE(f.cluster.OnEvidence(kB, Evidence::kUnreachable, "timeout", seconds(1)));
  EXPECT_FALSE(f.cluster.OnEvidence(kC, Evidence::kUnreachable, "timeout", seconds(1)));
  f.Fail(kC, seconds(1));
  f.Fail(kD, seconds(1));
  f.Mend(kA, seconds(2));
  f.Mend(kC, seconds(2));
  f.Mend(kD, seconds(2));
  EXPECT_TRUE(f.cluster.OnEvidence(kC, Evidence::kUnreachable, "timeout", seconds(3)));
}

TEST(ClusterHealthTest, DrainedNodesNeitherCountAsOutNorAsThere) {
  Fixture f;
  f.cluster.SetAdmin(kA, AdminState::kDrain, seconds(1));
  f.cluster.SetAdmin(kB, AdminState::kDrain, seconds(1));
  EXPECT_TRUE(f.cluster.OnEvidence(kC, Evidence::kUnreachable, "timeout", seconds(1)));
  EXPECT_FALSE(f.cluster.OnEvidence(kD, Evidence::kUnreachable, "timeout", seconds(1)));
}

TEST(ClusterHealthTest, TransitionsNameTheNodeAndTheOperatorsState) {
  Fixture f;
  f.cluster.SetAdmin(kB, AdminState::kDrain, seconds(1));
  const auto transition = f.cluster.OnProbe(kB, false, "timeout", seconds(2));
  ASSERT_TRUE(transition);
  EXPECT_EQ(transition->node, kB);
  EXPECT_EQ(transition->admin_from, AdminState::kDrain);
  EXPECT_EQ(transition->admin_to, AdminState::kDrain);
  EXPECT_EQ(transition->evidence, "1 probe failed: timeout");
}

TEST(ClusterHealthTest, EjectionsEndWithTime) {
  Fixture f;
  ASSERT_TRUE(f.cluster.OnEvidence(kA, Evidence::kLoginFailed, "sys_temp", seconds(100)));
  EXPECT_FALSE(f.cluster.OnTime(kA, seconds(129)));
  EXPECT_EQ(f.Choose(seconds(129)), Go(kB));
  const auto transition = f.cluster.OnTime(kA, seconds(130));
  ASSERT_TRUE(transition);
  EXPECT_EQ(transition->cause, TransitionCause::kEjectionEnded);
  EXPECT_FALSE(f.cluster.OnTime(kA, seconds(131)));
  EXPECT_EQ(f.Choose(seconds(131)), Go(kA));
}

TEST(ClusterHealthTest, StatusTellsAllInTheOrderGiven) {
  HealthRules rules = kRules;
  rules.slow_start = seconds(100);
  Fixture f(rules);
  f.cluster.OnEvidence(kB, Evidence::kUnreachable, "timeout", seconds(1));
  f.Mend(kB, seconds(10));
  f.cluster.OnEvidence(kB, Evidence::kUnreachable, "timeout", seconds(20));
  f.cluster.SetAdmin(kC, AdminState::kDrain, seconds(20));
  f.Fail(kD, seconds(20));
  f.Mend(kD, seconds(30));
  f.Load(kA, 3);
  f.cluster.SessionEnded(kA);
  const auto status = f.cluster.Status(seconds(80));
  ASSERT_EQ(status.size(), 4u);
  const auto expect = [&](size_t at, const ClusterHealth::NodeStatus& expected) {
    SCOPED_TRACE(at);
    EXPECT_EQ(status[at].node, expected.node);
    EXPECT_EQ(status[at].state, expected.state);
    EXPECT_EQ(status[at].admin, expected.admin);
    EXPECT_EQ(status[at].in_service, expected.in_service);
    EXPECT_EQ(status[at].ready_permille, expected.ready_permille);
    EXPECT_EQ(status[at].sessions, expected.sessions);
    EXPECT_EQ(status[at].ejections, expected.ejections);
  };
  expect(0, {.node = kA, .sessions = 2});
  expect(1, {.node = kB,
             .state = NodeState::kEjected,
             .in_service = false,
             .ready_permille = 0,
             .ejections = 2});
  expect(2, {.node = kC, .admin = AdminState::kDrain, .in_service = false});
  expect(3, {.node = kD, .ready_permille = 500});
}

constexpr ClusterRules kAnywhere{.shared_storage = true, .affinity = false};

TEST(ClusterHealthTest, BoundedLoadKeepsEveryNodeBelowFiveFourthsOfItsShare) {
  Fixture f(kRules, kAnywhere, {{kA, 300}, {kB, 200}, {kC, 100}, {kD, 100}});
  std::array<uint32_t, 100> sessions{};
  for (uint32_t total = 1; total <= 5000; ++total) {
    const Choice choice = f.Choose(seconds(1));  // everybody's first choice is A
    ASSERT_EQ(choice.kind, Choice::Kind::kGo);
    f.cluster.SessionBegan(choice.node);
    const auto at = static_cast<uint32_t>(choice.node);
    ++sessions[at];
    const double weight = choice.node == kA ? 300 : choice.node == kB ? 200 : 100;
    ASSERT_LT(sessions[at], 1.25 * total * weight / 700 + 1) << total;
  }
  // All that A, B and C may take, they take; D gets the rest.
  EXPECT_EQ(sessions[10], 2679u);  // ceil(1.25 * 5000 * 300 / 700)
  EXPECT_EQ(sessions[7], 1786u);
  EXPECT_EQ(sessions[3], 535u);
  EXPECT_EQ(sessions[99], 0u);
}

TEST(ClusterHealthTest, WithoutAffinityTriedNodesAndNodesOutArePassedOverAtOnce) {
  Fixture f(kRules, kAnywhere);
  EXPECT_EQ(f.Choose(seconds(1), 0, {kA}), Go(kB));
  f.Fail(kB, seconds(1));
  EXPECT_EQ(f.Choose(seconds(1), 0, {kA}), Go(kC));
  f.cluster.SetAdmin(kC, AdminState::kDrain, seconds(1));
  EXPECT_EQ(f.Choose(seconds(1), 0, {kA}), Go(kD));
  EXPECT_EQ(f.Choose(seconds(1), 0, {kA, kD}), None());
}

TEST(ClusterHealthTest, SessionsOnNodesOutDoNotLoosenTheBound) {
  Fixture f(kRules, kAnywhere);
  f.Load(kA, 1000);
  f.Load(kB, 8);
  f.Load(kC, 4);
  f.Load(kD, 4);
  f.Fail(kA, seconds(1));
  EXPECT_EQ(f.Choose(seconds(1)), Go(kC));  // B's cap: 1.25 * 17 / 3 = 7.1, that is 8
}

TEST(ClusterHealthTest, SparesServeOnlyWhenNothingElseDoes) {
  Fixture f(kRules, kAnywhere, {{kA, 1}, {kB, 0}, {kC, 1}, {kD, 0}});
  f.Load(kA, 1000);
  f.Load(kC, 1000);
  EXPECT_EQ(f.Choose(seconds(1)), Go(kA));
  EXPECT_EQ(f.Choose(seconds(1), 0, {kA}), Go(kC));
  EXPECT_EQ(f.Choose(seconds(1), 0, {kA, kC}), Go(kB));
  f.Load(kB, 2);
  EXPECT_EQ(f.Choose(seconds(1), 0, {kA, kC}), Go(kD));
}

TEST(ClusterHealthTest, SlowStartGrowsTheBound) {
  HealthRules rules = kRules;
  rules.slow_start = seconds(100);
  Fixture f(rules, kAnywhere);
  f.Fail(kA, seconds(0));
  f.Mend(kA, seconds(100));
  EXPECT_EQ(f.Choose(seconds(100)), Go(kB));
  EXPECT_EQ(f.Choose(seconds(100), 0, {kB, kC, kD}), Go(kA));
  for (const NodeId node : {kB, kC, kD}) f.Load(node, 10);
  f.Load(kA, 2);
  EXPECT_EQ(f.Choose(seconds(110)), Go(kB));  // 1.25 * 33 * 0.1 / 3.1 = 1.3, that is 2
  EXPECT_EQ(f.Choose(seconds(120)), Go(kA));  // 2.6, that is 3
}

TEST(ClusterHealthTest, PanicWithoutAffinity) {
  HealthRules rules = kRules;
  rules.panic_percent = 60;
  Fixture f(rules, kAnywhere);
  f.Fail(kA, seconds(1));
  f.Fail(kB, seconds(1));
  EXPECT_TRUE(f.cluster.panicking(seconds(1)));
  EXPECT_EQ(f.Choose(seconds(1)), Go(kA));
  EXPECT_EQ(f.Choose(seconds(1), 0, {kA}), Go(kB));
  EXPECT_EQ(f.Choose(seconds(1), 0, {kA, kB, kC, kD}), None());
}

using ClusterHealthDeathTest = testing::Test;

TEST(ClusterHealthDeathTest, StrangersAreABrokenInvariant) {
  Fixture f;
  EXPECT_DEATH(f.cluster.SessionBegan(NodeId{1}), "");
  EXPECT_DEATH(f.cluster.SessionEnded(kA), "");
}

}  // namespace
}  // namespace poplar::balancer
