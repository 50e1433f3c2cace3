#include "balancer/cluster_health.h"

#include <gtest/gtest.h>

#include "tests/unit/balancer/four_nodes.h"

namespace poplar::balancer {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;

TEST(ClusterHealthTest, TheFirstOfTheOrderServes) {
  FourNodes f;
  EXPECT_EQ(f.Choose(seconds(1)), Go(kA));
  EXPECT_EQ(f.cluster.Choose({kC, kA}, 0, {}, seconds(1)), Go(kC));
  EXPECT_EQ(f.cluster.Choose({}, 0, {}, seconds(1)), None());
}

TEST(ClusterHealthTest, ANodeMustBeOutForAHoldDownBeforeItsUsersMove) {
  FourNodes f;
  f.Fail(kA, seconds(100));
  EXPECT_EQ(f.Choose(seconds(100)), Wait(kA, seconds(110)));
  EXPECT_EQ(f.Choose(seconds(110) - Duration(1)), Wait(kA, seconds(110)));
  EXPECT_EQ(f.Choose(seconds(110)), Go(kB));
  EXPECT_EQ(f.Choose(minutes(60)), Go(kB));
}

TEST(ClusterHealthTest, OtherRulesCountFromThenOn) {
  FourNodes f;
  f.Fail(kA, seconds(100));
  HealthRules rules = kRules;
  rules.hold_down = seconds(2);
  rules.fall = 3;
  f.cluster.SetRules(rules);
  EXPECT_EQ(f.Choose(seconds(101)), Wait(kA, seconds(102)));
  EXPECT_EQ(f.Choose(seconds(102)), Go(kB));
  EXPECT_FALSE(f.cluster.OnProbe(kB, false, "timeout", seconds(103)));
  EXPECT_EQ(f.Choose(seconds(104)), Go(kB)) << "one failure isn't enough any more";
  rules.panic_percent = 90;
  f.cluster.SetRules(rules);
  EXPECT_TRUE(f.cluster.panicking({}));
}

TEST(ClusterHealthTest, UsersOfOtherNodesDoNotWait) {
  FourNodes f;
  f.Fail(kB, seconds(100));
  EXPECT_EQ(f.Choose(seconds(100)), Go(kA));
  EXPECT_EQ(f.cluster.Choose({kC, kB, kA}, 0, {}, seconds(100)), Go(kC));
}

TEST(ClusterHealthTest, TheNodeThatStandsInHoldsItsUsersLikewise) {
  FourNodes f;
  f.Fail(kA, seconds(100));
  f.Fail(kB, seconds(200));
  EXPECT_EQ(f.Choose(seconds(205)), Wait(kB, seconds(210)));
  EXPECT_EQ(f.Choose(seconds(210)), Go(kC));
}

TEST(ClusterHealthTest, ANodeThatFlapsStartsItsHoldDownAnew) {
  FourNodes f;
  f.Fail(kA, seconds(100));
  f.Mend(kA, seconds(109));
  EXPECT_EQ(f.Choose(seconds(109)), Go(kA));
  f.Fail(kA, seconds(111));
  EXPECT_EQ(f.Choose(seconds(112)), Wait(kA, seconds(121)));
}

TEST(ClusterHealthTest, HomeAgainWhenItReturns) {
  FourNodes f;
  f.Fail(kA, seconds(100));
  EXPECT_EQ(f.Choose(seconds(120)), Go(kB));
  f.Mend(kA, seconds(130));
  EXPECT_EQ(f.Choose(seconds(130)), Go(kA));
}

TEST(ClusterHealthTest, WithAffinityATriedNodeInServiceIsTriedAgain) {
  FourNodes f;
  EXPECT_EQ(f.Choose(seconds(1), 0, {kA}), Go(kA));
  EXPECT_EQ(f.Choose(seconds(1), 0, {kA, kB, kC, kD}), Go(kA));
}

TEST(ClusterHealthTest, LoadNeverMovesAUserWithAffinity) {
  FourNodes f;
  f.Load(kA, 10'000);
  EXPECT_EQ(f.Choose(seconds(1)), Go(kA));
}

TEST(ClusterHealthTest, AdministrativeDrainNeedsNoHoldDown) {
  for (const AdminState away : {AdminState::kDrain, AdminState::kDown}) {
    FourNodes f;
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
    EXPECT_EQ(f.cluster.Serves(kA), away == AdminState::kDrain);
    EXPECT_EQ(f.Choose(seconds(100)), Go(kB));
    ASSERT_TRUE(f.cluster.SetAdmin(kA, AdminState::kUp, seconds(200)));
    EXPECT_EQ(f.Choose(seconds(200)), Go(kA));
  }
}

TEST(ClusterHealthTest, TheOperatorsWordOutdoesHealth) {
  FourNodes f;
  f.Fail(kA, seconds(100));
  f.cluster.SetAdmin(kA, AdminState::kDrain, seconds(101));
  EXPECT_EQ(f.Choose(seconds(101)), Go(kB));  // no waiting any more
  for (const NodeId node : kOrder) f.cluster.SetAdmin(node, AdminState::kDrain, seconds(102));
  EXPECT_EQ(f.Choose(seconds(102)), None());
  EXPECT_FALSE(f.cluster.panicking(seconds(102)));
}

TEST(ClusterHealthTest, ANodeMayStartDrained) {
  FourNodes f(kRules, {.shared_storage = true},
              {{.node = kA, .admin = AdminState::kDrain}, {kB}, {kC}, {kD}});
  EXPECT_EQ(f.Choose({}), Go(kB));
}

TEST(ClusterHealthTest, OnlyWithSharedStorageMayAUserMove) {
  for (const bool affinity : {true, false}) {
    FourNodes f(kRules, {.shared_storage = false, .affinity = affinity});
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
  FourNodes f(rules);
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
  FourNodes f(rules);
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
  FourNodes f(rules);
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
  FourNodes f(rules, {.shared_storage = false});
  f.Fail(kA, seconds(0));
  f.Mend(kA, seconds(100));
  EXPECT_EQ(f.Choose(seconds(100), 999), Go(kA));
}

TEST(ClusterHealthTest, ANodeThatTheOperatorBringsBackStartsSlowly) {
  HealthRules rules = kRules;
  rules.slow_start = seconds(100);
  FourNodes f(rules);
  f.cluster.SetAdmin(kA, AdminState::kDrain, seconds(0));
  f.cluster.SetAdmin(kA, AdminState::kUp, seconds(50));
  EXPECT_EQ(f.Choose(seconds(100), 499), Go(kA));
  EXPECT_EQ(f.Choose(seconds(100), 500), Go(kB));
}

TEST(ClusterHealthTest, PanicThreshold) {
  HealthRules rules = kRules;
  rules.panic_percent = 50;
  FourNodes f(rules);
  f.Fail(kA, seconds(100));
  f.Fail(kB, seconds(100));
  EXPECT_FALSE(f.cluster.panicking(seconds(100)));  // exactly half is not below it
  EXPECT_FALSE(f.cluster.Serves(kA));
  EXPECT_TRUE(f.cluster.Serves(kC));
  EXPECT_EQ(f.Choose(seconds(100)), Wait(kA, seconds(110)));
  f.Fail(kC, seconds(100));
  EXPECT_TRUE(f.cluster.panicking(seconds(100)));
  // Health is not believed: no waiting, everybody home, those tried passed over.
  EXPECT_EQ(f.Choose(seconds(100)), Go(kA));
  EXPECT_TRUE(f.cluster.InService(kA, seconds(100)));
  EXPECT_TRUE(f.cluster.Serves(kA));
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
  FourNodes f(rules, {.shared_storage = true}, {{kA, 700}, {kB, 100}, {kC, 100}, {kD, 100}});
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
  FourNodes f(rules, {.shared_storage = true}, {{kA, 100}, {kB, 100}, {kC, 0}, {kD, 0}});
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
  FourNodes f;
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
    FourNodes f(rules);
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
  FourNodes f;  // 50 % of four
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
  FourNodes f;
  f.cluster.SetAdmin(kA, AdminState::kDrain, seconds(1));
  f.cluster.SetAdmin(kB, AdminState::kDrain, seconds(1));
  EXPECT_TRUE(f.cluster.OnEvidence(kC, Evidence::kUnreachable, "timeout", seconds(1)));
  EXPECT_FALSE(f.cluster.OnEvidence(kD, Evidence::kUnreachable, "timeout", seconds(1)));
}

TEST(ClusterHealthTest, TransitionsNameTheNodeAndTheOperatorsState) {
  FourNodes f;
  f.cluster.SetAdmin(kB, AdminState::kDrain, seconds(1));
  const auto transition = f.cluster.OnProbe(kB, false, "timeout", seconds(2));
  ASSERT_TRUE(transition);
  EXPECT_EQ(transition->node, kB);
  EXPECT_EQ(transition->admin_from, AdminState::kDrain);
  EXPECT_EQ(transition->admin_to, AdminState::kDrain);
  EXPECT_EQ(transition->evidence, "1 probe failed: timeout");
}

TEST(ClusterHealthTest, EjectionsEndWithTime) {
  FourNodes f;
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
  FourNodes f(rules);
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

using ClusterHealthDeathTest = testing::Test;

TEST(ClusterHealthDeathTest, StrangersAreABrokenInvariant) {
  FourNodes f;
  EXPECT_DEATH(f.cluster.SessionBegan(NodeId{1}), "");
  EXPECT_DEATH(f.cluster.SessionEnded(kA), "");
}

}  // namespace
}  // namespace poplar::balancer
