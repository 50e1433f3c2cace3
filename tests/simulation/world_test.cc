#include "tests/simulation/world.h"

#include <gtest/gtest.h>

#include <set>
#include <string>
#include <vector>

#include "tests/simulation/seeded_random.h"

namespace poplar::simulation {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::seconds;

TEST(SeededRandomTest, KnownNumbers) {
  // xoshiro256** seeded by splitmix64(0), as every other implementation gives them.
  SeededRandom random(0);
  EXPECT_EQ(random.Next(), 0x99ec5f36cb75f2b4u);
  EXPECT_EQ(random.Next(), 0xbf6e1f784956452au);
  EXPECT_EQ(random.Next(), 0x1a5f849d4933e6e0u);
}

TEST(SeededRandomTest, StreamsDiffer) {
  std::set<uint64_t> firsts;
  for (uint64_t seed = 0; seed < 100; ++seed) {
    firsts.insert(SeededRandom(seed, "a").Next());
    firsts.insert(SeededRandom(seed, "b").Next());
  }
  EXPECT_EQ(firsts.size(), 200u);
}

TEST(SeededRandomTest, StaysInItsBounds) {
  SeededRandom random(7);
  std::set<uint64_t> seen;
  for (int i = 0; i < 1000; ++i) seen.insert(random.Between(3, 6));
  EXPECT_EQ(seen, (std::set<uint64_t>{3, 4, 5, 6}));
  for (int i = 0; i < 1000; ++i) {
    EXPECT_FALSE(random.Chance(0));
    EXPECT_TRUE(random.Chance(1));
  }
}

TEST(WorldTest, TimeStartsAboveZeroAndStandsStillWithoutEvents) {
  World world(1);
  EXPECT_GE(world.Now().time_since_epoch(), hours(1));
  const io::Time begin = world.Now();
  EXPECT_TRUE(world.RunUntil([] { return true; }, hours(1)));
  EXPECT_EQ(world.Now(), begin);
}

TEST(WorldTest, EventsHappenInOrderOfTime) {
  World world(1);
  const io::Time begin = world.Now();
  std::string order;
  world.After(seconds(2), [&] { order += "b"; });
  world.After(seconds(1), [&] {
    order += "a";
    world.After(seconds(2), [&] { order += "c"; });
  });
  EXPECT_TRUE(world.RunUntil([&] { return order.size() == 3; }, hours(1)));
  EXPECT_EQ(order, "abc");
  EXPECT_EQ(world.Now() - begin, seconds(3));
}

std::string OrderOfSimultaneousEvents(uint64_t seed) {
  World world(seed);
  std::string order;
  for (const char c : {'a', 'b', 'c', 'd', 'e'}) {
    world.After(seconds(1), [&order, c] { order.push_back(c); });
  }
  EXPECT_TRUE(world.RunUntil([&] { return order.size() == 5; }, hours(1)));
  return order;
}

TEST(WorldTest, TheSeedOrdersWhatHappensAtTheSameTime) {
  std::set<std::string> orders;
  for (uint64_t seed = 0; seed < 50; ++seed) {
    orders.insert(OrderOfSimultaneousEvents(seed));
    EXPECT_EQ(OrderOfSimultaneousEvents(seed), OrderOfSimultaneousEvents(seed));
  }
  EXPECT_GT(orders.size(), 20u);
}

TEST(WorldTest, NamesADeadLock) {
  World world(1);
  world.After(seconds(1), [] {});
  EXPECT_FALSE(world.RunUntil([] { return false; }, hours(1)));
  EXPECT_NE(world.why_not().find("dead-lock"), std::string::npos);
}

TEST(WorldTest, StopsAtTheVirtualDeadline) {
  World world(1);
  const io::Time begin = world.Now();
  int happened = 0;
  world.After(seconds(5), [&] { ++happened; });
  EXPECT_FALSE(world.RunUntil([] { return false; }, seconds(3)));
  EXPECT_NE(world.why_not().find("deadline"), std::string::npos);
  EXPECT_EQ(world.Now() - begin, seconds(3));
  EXPECT_EQ(happened, 0);
  EXPECT_TRUE(world.RunUntil([&] { return happened == 1; }, seconds(3)));
}

void AskAgain(void* world, uint64_t) {
  static_cast<World*>(world)->At(static_cast<World*>(world)->Now(), &AskAgain, world);
}

TEST(WorldTest, NamesALiveLock) {
  World world(1);
  world.At(world.Now(), &AskAgain, &world);
  EXPECT_FALSE(world.RunUntil([] { return false; }, seconds(3)));
  EXPECT_NE(world.why_not().find("live-lock"), std::string::npos);
  world.Forget(&world);
}

TEST(WorldTest, ForgetsTheEventsOfOneContextOnly) {
  World world(1);
  int mine = 0;
  int theirs = 0;
  const World::Callback count = [](void* context, uint64_t) { ++*static_cast<int*>(context); };
  for (int i = 0; i < 10; ++i) {
    world.At(world.Now() + milliseconds(i), count, &mine);
    world.At(world.Now() + milliseconds(i), count, &theirs);
  }
  world.Forget(&mine);
  EXPECT_FALSE(world.RunUntil([] { return false; }, hours(1)));
  EXPECT_EQ(mine, 0);
  EXPECT_EQ(theirs, 10);
}

TEST(VirtualClockTest, TheWallClockJumpsAndTheMonotonicOneDoesNot) {
  World world(1);
  const io::Time begin = world.Now();
  const int64_t wall = world.clock().UnixMicros();
  world.clock().JumpWallClock(-hours(1));
  EXPECT_EQ(world.Now(), begin);
  EXPECT_EQ(world.clock().UnixMicros() - wall, -3600 * int64_t{1'000'000});
}

TEST(WorldDeathTest, AFailureNamesItself) {
  World world(1);
  EXPECT_DEATH(world.Require(false, "the moon is cheese"), "simulation failed: the moon is cheese");
  EXPECT_DEATH(world.MustReach(
                   "the moon", [] { return false; }, hours(1)),
               "not reached: the moon .dead-lock");
}

}  // namespace
}  // namespace poplar::simulation
