// DESIGN section 4, the warm connections of a node.
#include <gtest/gtest.h>

#include <atomic>
#include <latch>
#include <thread>

#include "tests/unit/balancer/pool_fixture.h"

namespace poplar::balancer {
namespace {

using std::chrono::seconds;
using Numbers = std::vector<int>;

class WarmTest : public PoolFixture {
 protected:
  WarmTest() { SetWarm(3); }
  ~WarmTest() override { static_cast<void>(pool_.TakeAllIdle()); }

  void SetWarm(uint32_t warm) {
    PoolLimits limits = Limits(0);
    limits.warm = warm;
    pool_.SetLimits(limits);
  }

  int Take() {
    RecordingWaiter waiter(pool_, "at once", told_);
    NodePool::Idle evicted;
    EXPECT_TRUE(pool_.TakeOrWait(waiter, &evicted));
    return NumberOf(waiter.grant.connection);
  }
};

TEST_F(WarmTest, AnyLoginTakesTheOldestForItself) {
  for (const int number : {1, 2, 3}) EXPECT_EQ(AddWarm(number), nullptr);
  EXPECT_EQ(pool_.counts().warm, 3u);
  EXPECT_EQ(pool_.counts().in_use, 3u);
  EXPECT_EQ(Take(), 1);
  EXPECT_EQ(Take(), 2);
  EXPECT_EQ(Take(), 3);
  EXPECT_EQ(Take(), -1);  // a slot
  EXPECT_EQ(pool_.counts().in_use, 0u);
}

TEST_F(WarmTest, RenewedBeforeTheNodeGivesUpOnThem) {
  EXPECT_EQ(AddWarm(1, kNow + seconds(50)), nullptr);
  EXPECT_EQ(AddWarm(2, kNow + seconds(45)), nullptr);  // jitter: not in the order of age
  EXPECT_EQ(AddWarm(3, kNow + seconds(55)), nullptr);
  EXPECT_TRUE(pool_.TakeExpired(kNow + seconds(45) - Duration(1)).empty());
  EXPECT_EQ(NumbersOf(pool_.TakeExpired(kNow + seconds(45))), (Numbers{2}));
  EXPECT_EQ(NumbersOf(pool_.TakeExpired(kNow + seconds(55))), (Numbers{1, 3}));
  EXPECT_EQ(pool_.counts().in_use, 0u);
}

TEST_F(WarmTest, RefillIsBounded) {
  for (const int number : {1, 2, 3}) EXPECT_EQ(AddWarm(number), nullptr);
  const auto fourth = AddWarm(4);
  EXPECT_EQ(NumberOf(fourth), 4);
  EXPECT_EQ(pool_.counts().warm, 3u);
}

TEST_F(WarmTest, RefillTakesNoMoreThanTheNodesSlots) {
  pool_.SetLimits(Limits(2));
  Slot session = TakeSlot();
  std::optional<Slot> warm = pool_.SlotForWarm();
  EXPECT_TRUE(warm.has_value());
  EXPECT_FALSE(pool_.SlotForWarm().has_value());
  warm.reset();
  EXPECT_TRUE(pool_.SlotForWarm().has_value());
}

TEST_F(WarmTest, ALowerLimitEndsTheOldestWithTheNextSweep) {
  for (const int number : {1, 2, 3}) EXPECT_EQ(AddWarm(number), nullptr);
  SetWarm(1);
  EXPECT_EQ(NumbersOf(pool_.TakeExpired(kNow)), (Numbers{1, 2}));
}

TEST_F(WarmTest, TheSurplusGoesOldestFirst) {
  for (const int number : {1, 2, 3}) EXPECT_EQ(AddWarm(number), nullptr);
  EXPECT_TRUE(pool_.TakeSurplusWarm(3).empty());
  EXPECT_EQ(NumbersOf(pool_.TakeSurplusWarm(1)), (Numbers{1, 2}));
  EXPECT_EQ(NumbersOf(pool_.TakeSurplusWarm(0)), (Numbers{3}));
}

TEST_F(WarmTest, AClosedPoolKeepsNone) {
  EXPECT_EQ(AddWarm(1), nullptr);
  std::optional<Slot> slot = pool_.SlotForWarm();
  ASSERT_TRUE(slot.has_value());
  pool_.SetOpen(false);
  EXPECT_FALSE(pool_.SlotForWarm().has_value());
  const auto returned = pool_.AddWarm(
      std::make_unique<NumberedConnection>(pool_, 2, std::move(*slot), &ended_), kNow);
  EXPECT_EQ(NumberOf(returned), 2);
  EXPECT_EQ(Take(), 1);  // what was there before still serves
  pool_.SetOpen(true);
  EXPECT_EQ(AddWarm(3), nullptr);
}

TEST_F(WarmTest, AClosedPoolStillServesTheQueue) {
  pool_.SetLimits(Limits(1));
  std::optional<Slot> slot = pool_.SlotForWarm();
  const auto waiter = Wait("a");
  pool_.SetOpen(false);
  EXPECT_EQ(pool_.AddWarm(std::make_unique<NumberedConnection>(pool_, 2, std::move(*slot)), kNow),
            nullptr);
  EXPECT_EQ(NumberOf(waiter->grant.connection), 2);
}

TEST_F(WarmTest, DemandIsCountedAndToldOnce) {
  int calls = 0;
  EXPECT_EQ(Take(), -1);  // nobody to tell
  pool_.set_on_demand([&] {
    static_cast<void>(pool_.counts());  // never comes back under the pool's lock
    ++calls;
  });
  EXPECT_EQ(AddWarm(1), nullptr);
  EXPECT_EQ(calls, 0);
  EXPECT_EQ(Take(), 1);
  EXPECT_EQ(Take(), -1);
  EXPECT_EQ(calls, 1);
  EXPECT_EQ(pool_.TakeDemand(), 3u);
  EXPECT_EQ(pool_.TakeDemand(), 0u);
  EXPECT_EQ(calls, 1);
  EXPECT_EQ(Take(), -1);
  EXPECT_EQ(calls, 2);
  EXPECT_EQ(pool_.TakeDemand(), 1u);
  pool_.set_on_demand({});
  EXPECT_EQ(Take(), -1);
  EXPECT_EQ(calls, 2);
}

TEST_F(WarmTest, WhereAnotherIsLeftDemandIsToldOnceTheLoginIsDone) {
  int calls = 0;
  pool_.set_on_demand([&] { ++calls; });
  EXPECT_EQ(AddWarm(1), nullptr);
  EXPECT_EQ(AddWarm(2), nullptr);
  pool_.OnLoginDone();
  EXPECT_EQ(calls, 0) << "of nothing";
  EXPECT_EQ(Take(), 1);
  EXPECT_EQ(calls, 0);
  pool_.OnLoginDone();
  EXPECT_EQ(calls, 1);
  pool_.OnLoginDone();
  EXPECT_EQ(Take(), 2);
  EXPECT_EQ(calls, 1);
  EXPECT_EQ(pool_.TakeDemand(), 2u);
  pool_.OnLoginDone();
  EXPECT_EQ(calls, 1) << "of nothing new";
  pool_.set_on_demand({});
}

TEST_F(WarmTest, WhereNoneIsKeptNobodyIsTold) {
  PoolLimits limits = pool_.limits();
  limits.warm = 0;
  pool_.SetLimits(limits);
  pool_.set_on_demand([] { ADD_FAILURE() << "for nothing"; });
  EXPECT_EQ(Take(), -1);
  EXPECT_EQ(pool_.TakeDemand(), 1u);
  pool_.set_on_demand({});
}

TEST_F(WarmTest, AWaitingLoginIsDemandToo) {
  pool_.SetLimits(Limits(1));
  Slot slot = TakeSlot();
  const auto waiter = Wait("a");
  EXPECT_EQ(pool_.TakeDemand(), 2u);
  EXPECT_TRUE(pool_.Withdraw(*waiter));
}

// Whoever takes the callback back may then destroy what it uses.
TEST_F(WarmTest, NoDemandIsToldAfterTheCallbackWasTakenBack) {
  for (int round = 0; round < 20; ++round) {
    std::latch called(1);
    std::latch taking_back(1);
    std::atomic<bool> through = false;
    static_cast<void>(pool_.TakeDemand());
    pool_.set_on_demand([&] {
      called.count_down();
      taking_back.wait();
      // Time enough to return too early, for a pool that would; a right one waits however long.
      for (int i = 0; i < 1000; ++i) std::this_thread::yield();
      through = true;
    });
    std::thread login([&] { static_cast<void>(Take()); });
    called.wait();
    taking_back.count_down();
    pool_.set_on_demand({});
    EXPECT_TRUE(through);
    login.join();
  }
}

}  // namespace
}  // namespace poplar::balancer
