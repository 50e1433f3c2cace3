#include <gtest/gtest.h>

#include "balancer/cluster_health.h"
#include "tests/unit/balancer/four_nodes.h"

namespace poplar::balancer {
namespace {

using std::chrono::seconds;
using Agreed = ClusterHealth::Agreed;

constexpr Agreed Out(Moment since) {
  return {.out = true, .since = since, .changed = since + seconds(2)};
}

TEST(ClusterHealthAgreedTest, ItsUsersMoveFromTheMomentThatAllShare) {
  FourNodes f;
  const auto transition = f.cluster.SetAgreed(kA, Out(seconds(100)), seconds(103));
  ASSERT_TRUE(transition);
  EXPECT_EQ(transition->node, kA);
  EXPECT_EQ(transition->cause, TransitionCause::kAgreed);
  EXPECT_EQ(f.Choose(seconds(103)), Wait(kA, seconds(110)));
  EXPECT_EQ(f.Choose(seconds(110)), Go(kB));
  EXPECT_FALSE(f.cluster.InService(kA, seconds(110)));
  // Who has a session there is served: this replica sees nothing wrong with it.
  EXPECT_TRUE(f.cluster.Serves(kA));
  EXPECT_FALSE(f.cluster.FailingSince(kA));
  EXPECT_FALSE(f.cluster.SetAgreed(kA, Out(seconds(100)), seconds(111)));
}

TEST(ClusterHealthAgreedTest, BackWhenAllAgreeAndNoSooner) {
  FourNodes f;
  f.Fail(kA, seconds(100));
  EXPECT_TRUE(f.cluster.FailingSince(kA));
  // Nothing changes: it was out here already.
  EXPECT_FALSE(f.cluster.SetAgreed(kA, Out(seconds(98)), seconds(101)));
  f.Mend(kA, seconds(130));
  EXPECT_EQ(f.Choose(seconds(130)), Go(kB));
  const auto back = f.cluster.SetAgreed(
      kA, Agreed{.out = false, .since = seconds(98), .changed = seconds(132)}, seconds(133));
  ASSERT_TRUE(back);
  EXPECT_EQ(f.Choose(seconds(133)), Go(kA));
}

TEST(ClusterHealthAgreedTest, WhatThisReplicaSeesCountsToo) {
  FourNodes f;
  f.Fail(kA, seconds(100));
  EXPECT_FALSE(f.cluster.SetAgreed(kA, Agreed{}, seconds(101)));
  EXPECT_EQ(f.Choose(seconds(110)), Go(kB));
}

TEST(ClusterHealthAgreedTest, WithoutAgreementEachGoesByItself) {
  FourNodes f;
  (void)f.cluster.SetAgreed(kA, Out(seconds(100)), seconds(103));
  ASSERT_TRUE(f.cluster.SetAgreed(kA, std::nullopt, seconds(120)));
  EXPECT_EQ(f.Choose(seconds(120)), Go(kA));
}

TEST(ClusterHealthAgreedTest, WhatWasAgreedOnANodeIsNotSaidOfTheNextOnItsSeat) {
  FourNodes f;
  (void)f.cluster.SetAgreed(kA, Out(seconds(100)), seconds(103));
  (void)f.cluster.Leave(kA, "gone");
  f.cluster.Vacate(kA);
  (void)f.cluster.Arrive(kA, 100, /*slowly=*/false, "new", seconds(110));
  EXPECT_TRUE(f.cluster.InService(kA, seconds(110)));
}

TEST(ClusterHealthAgreedTest, NodesThatAreOutByAgreementMayBeAPanic) {
  HealthRules rules = kRules;
  rules.panic_percent = 30;
  FourNodes f(rules);
  for (const NodeId node : {kA, kB, kC})
    (void)f.cluster.SetAgreed(node, Out(seconds(1)), seconds(2));
  EXPECT_TRUE(f.cluster.panicking(seconds(3)));
  EXPECT_EQ(f.Choose(seconds(3)), Go(kA));
}

}  // namespace
}  // namespace poplar::balancer
