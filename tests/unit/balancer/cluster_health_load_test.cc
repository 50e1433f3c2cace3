// Clusters without affinity: bounded load over the order of preference.
#include <gtest/gtest.h>

#include <array>

#include "tests/unit/balancer/four_nodes.h"

namespace poplar::balancer {
namespace {

using std::chrono::seconds;

constexpr ClusterRules kAnywhere{.shared_storage = true, .affinity = false};

TEST(ClusterHealthLoadTest, BoundedLoadKeepsEveryNodeBelowFiveFourthsOfItsShare) {
  FourNodes f(kRules, kAnywhere, {{kA, 300}, {kB, 200}, {kC, 100}, {kD, 100}});
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

TEST(ClusterHealthLoadTest, WithoutAffinityTriedNodesAndNodesOutArePassedOverAtOnce) {
  FourNodes f(kRules, kAnywhere);
  EXPECT_EQ(f.Choose(seconds(1), 0, {kA}), Go(kB));
  f.Fail(kB, seconds(1));
  EXPECT_EQ(f.Choose(seconds(1), 0, {kA}), Go(kC));
  f.cluster.SetAdmin(kC, AdminState::kDrain, seconds(1));
  EXPECT_EQ(f.Choose(seconds(1), 0, {kA}), Go(kD));
  EXPECT_EQ(f.Choose(seconds(1), 0, {kA, kD}), None());
}

TEST(ClusterHealthLoadTest, SessionsOnNodesOutDoNotLoosenTheBound) {
  FourNodes f(kRules, kAnywhere);
  f.Load(kA, 1000);
  f.Load(kB, 8);
  f.Load(kC, 4);
  f.Load(kD, 4);
  f.Fail(kA, seconds(1));
  EXPECT_EQ(f.Choose(seconds(1)), Go(kC));  // B's cap: 1.25 * 17 / 3 = 7.1, that is 8
}

TEST(ClusterHealthLoadTest, SparesServeOnlyWhenNothingElseDoes) {
  FourNodes f(kRules, kAnywhere, {{kA, 1}, {kB, 0}, {kC, 1}, {kD, 0}});
  f.Load(kA, 1000);
  f.Load(kC, 1000);
  EXPECT_EQ(f.Choose(seconds(1)), Go(kA));
  EXPECT_EQ(f.Choose(seconds(1), 0, {kA}), Go(kC));
  EXPECT_EQ(f.Choose(seconds(1), 0, {kA, kC}), Go(kB));
  f.Load(kB, 2);
  EXPECT_EQ(f.Choose(seconds(1), 0, {kA, kC}), Go(kD));
}

TEST(ClusterHealthLoadTest, SlowStartGrowsTheBound) {
  HealthRules rules = kRules;
  rules.slow_start = seconds(100);
  FourNodes f(rules, kAnywhere);
  f.Fail(kA, seconds(0));
  f.Mend(kA, seconds(100));
  EXPECT_EQ(f.Choose(seconds(100)), Go(kB));
  EXPECT_EQ(f.Choose(seconds(100), 0, {kB, kC, kD}), Go(kA));
  for (const NodeId node : {kB, kC, kD}) f.Load(node, 10);
  f.Load(kA, 2);
  EXPECT_EQ(f.Choose(seconds(110)), Go(kB));  // 1.25 * 33 * 0.1 / 3.1 = 1.3, that is 2
  EXPECT_EQ(f.Choose(seconds(120)), Go(kA));  // 2.6, that is 3
}

TEST(ClusterHealthLoadTest, PanicWithoutAffinity) {
  HealthRules rules = kRules;
  rules.panic_percent = 60;
  FourNodes f(rules, kAnywhere);
  f.Fail(kA, seconds(1));
  f.Fail(kB, seconds(1));
  EXPECT_TRUE(f.cluster.panicking(seconds(1)));
  EXPECT_EQ(f.Choose(seconds(1)), Go(kA));
  EXPECT_EQ(f.Choose(seconds(1), 0, {kA}), Go(kB));
  EXPECT_EQ(f.Choose(seconds(1), 0, {kA, kB, kC, kD}), None());
}

}  // namespace
}  // namespace poplar::balancer
