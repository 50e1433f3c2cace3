#include "balancer/warm_target.h"

#include <gtest/gtest.h>

#include <chrono>

namespace poplar::balancer {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr uint32_t kPlenty = 1000;

// After `rounds` updates of the same kind.
uint32_t Steady(WarmTarget& target, int rounds, uint64_t demand, Duration apart,
                uint32_t limit = kPlenty) {
  uint32_t last = 0;
  for (int i = 0; i < rounds; ++i) last = target.Update(demand, apart, limit);
  return last;
}

TEST(WarmTargetTest, NoneWithoutLogins) {
  WarmTarget target;
  EXPECT_EQ(Steady(target, 100, 0, seconds(1)), 0u);
}

TEST(WarmTargetTest, ASteadyRateTimesTheHorizon) {
  const struct {
    uint64_t demand;
    Duration apart;
    Duration horizon;
    uint32_t expected;
  } kCases[] = {
      {1, seconds(1), seconds(5), 5},          // 1/s
      {10, seconds(1), seconds(5), 52},        // 10/s, and 3.5 % for coming in steps of 1 s
      {1, milliseconds(100), seconds(5), 50},  // 10/s, told of each
      {1, milliseconds(10), seconds(5), 500},  // 100/s
      {1, seconds(1), seconds(10), 10},        // a longer horizon
      {1, seconds(20), seconds(5), 1},         // one in 20 s
  };
  for (const auto& each : kCases) {
    WarmTarget target(each.horizon);
    EXPECT_EQ(Steady(target, 20'000, each.demand, each.apart), each.expected)
        << each.demand << " every " << each.apart.count() << " ns";
  }
}

TEST(WarmTargetTest, ABurstCountsFullyAndAtOnce) {
  WarmTarget target;
  EXPECT_EQ(target.Update(8, seconds(1), kPlenty), 8u);
  EXPECT_EQ(target.Update(40, milliseconds(1), kPlenty), 40u);
  EXPECT_EQ(target.Update(40, milliseconds(1), kPlenty), 54u);  // they add up, at the rate's weight
}

TEST(WarmTargetTest, FallsByHalfEveryTenSeconds) {
  WarmTarget target;
  EXPECT_EQ(target.Update(64, seconds(1), kPlenty), 64u);
  for (const uint32_t expected : {32u, 16u, 8u, 4u, 2u, 1u}) {
    EXPECT_EQ(Steady(target, 10, 0, seconds(1)), expected);
  }
  EXPECT_EQ(Steady(target, 10, 0, seconds(1)), 1u);  // half a connection is one
  EXPECT_EQ(Steady(target, 1, 0, seconds(1)), 0u);
}

TEST(WarmTargetTest, NoneOnceLoginsStop) {
  WarmTarget target;
  EXPECT_EQ(Steady(target, 100, 5, seconds(1), 2), 2u);
  EXPECT_EQ(Steady(target, 19, 0, seconds(1), 2), 1u);
  EXPECT_EQ(Steady(target, 2, 0, seconds(1), 2), 0u);
}

TEST(WarmTargetTest, AtMostTheLimitWhichMayChange) {
  WarmTarget target;
  EXPECT_EQ(target.Update(1'000'000'000, seconds(1), 4), 4u);
  EXPECT_EQ(target.Update(0, {}, 2), 2u);
  EXPECT_EQ(target.Update(100, seconds(1), 0), 0u);
  EXPECT_EQ(target.Update(~uint64_t{0}, seconds(1), ~uint32_t{0}), ~uint32_t{0});
}

TEST(WarmTargetTest, TimeThatStandsStillOrRunsBackIsHarmless) {
  WarmTarget target;
  EXPECT_EQ(target.Update(4, {}, kPlenty), 4u);
  EXPECT_EQ(target.Update(0, {}, kPlenty), 4u);
  EXPECT_EQ(target.Update(0, -seconds(100), kPlenty), 4u);
}

// How the updates are cut must not matter much: an operator's limit is what bounds the pool.
TEST(WarmTargetTest, AFlockToldOneByOneStillRaisesIt) {
  WarmTarget target;
  EXPECT_EQ(target.Update(1, milliseconds(10), kPlenty), 1u);
  EXPECT_EQ(Steady(target, 9, 1, milliseconds(1)), 4u);
}

}  // namespace
}  // namespace poplar::balancer
