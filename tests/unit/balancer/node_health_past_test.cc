// A node's health from one process to the next.
#include <gtest/gtest.h>

#include "balancer/node_health.h"

namespace poplar::balancer {
namespace {

using std::chrono::seconds;
using State = NodeState;

TEST(NodeHealthPast, GoesOnInAnotherProcess) {
  NodeHealth before({.consecutive_failures = 2});
  for (const int second : {10, 11})
    (void)before.OnEvidence(Evidence::kLoginFailed, "sys_temp", true, seconds(second));
  ASSERT_EQ(before.state(), State::kEjected);
  NodeHealth after({.consecutive_failures = 2});
  after.Restore(before.past());
  EXPECT_EQ(after.state(), State::kEjected);
  EXPECT_EQ(after.failing_since(), seconds(10));
  EXPECT_EQ(after.past(), before.past());
  EXPECT_FALSE(after.OnTime(seconds(40)));
  const auto back = after.OnTime(seconds(41));
  ASSERT_TRUE(back);
  EXPECT_EQ(back->cause, TransitionCause::kEjectionEnded);
  EXPECT_LT(after.ReadyPermille(seconds(42)), 1000u) << "and its users come home slowly";
}

TEST(NodeHealthPast, WhereNobodyProbesNobodyIsDownForEver) {
  NodeHealth before({.fall = 1});
  (void)before.OnProbe(false, "timeout", seconds(10));
  ASSERT_EQ(before.state(), State::kDown);
  NodeHealth probed({});
  probed.Restore(before.past());
  EXPECT_EQ(probed.state(), State::kDown);
  NodeHealth unprobed({.probes = false});
  unprobed.Restore(before.past());
  EXPECT_EQ(unprobed.state(), State::kUp);
}

}  // namespace
}  // namespace poplar::balancer
