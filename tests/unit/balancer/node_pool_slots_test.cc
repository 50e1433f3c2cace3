// DESIGN section 4: "A node's slots bound how many upstream connections it has at once (parked and
// warm ones give way to a waiting login); waiters queue in order, across workers".
#include <gtest/gtest.h>

#include "tests/unit/balancer/pool_fixture.h"

namespace poplar::balancer {
namespace {

using Strings = std::vector<std::string>;
using Numbers = std::vector<int>;

class SlotsTest : public PoolFixture {};

TEST_F(SlotsTest, BoundTheConnectionsOfANode) {
  Slot first = TakeSlot();
  Slot second = TakeSlot();
  EXPECT_EQ(pool_.counts().in_use, 2u);
  const auto waiter = Wait("third");
  EXPECT_EQ(pool_.counts().in_use, 2u);
  EXPECT_EQ(pool_.counts().waiting, 1u);
  EXPECT_FALSE(pool_.SlotForWarm().has_value());
  EXPECT_TRUE(pool_.Withdraw(*waiter));
}

TEST_F(SlotsTest, WithoutALimitNobodyWaits) {
  pool_.SetLimits(Limits(0));
  std::vector<Slot> slots;
  for (int i = 0; i < 1000; ++i) slots.push_back(TakeSlot());
  EXPECT_EQ(pool_.counts().in_use, 1000u);
}

TEST_F(SlotsTest, WaitersQueueInOrder) {
  Slot first = TakeSlot();
  Slot second = TakeSlot();
  Waiters waiters;
  for (const char* name : {"a", "b", "c"}) waiters.push_back(Wait(name));
  first.Release();
  EXPECT_EQ(told_, (Strings{"a"}));
  EXPECT_EQ(waiters[0]->grant.kind, Kind::kSlot);
  EXPECT_TRUE(waiters[0]->grant.slot);
  second.Release();
  waiters[0]->grant.slot.Release();
  EXPECT_EQ(told_, (Strings{"a", "b", "c"}));
  EXPECT_EQ(pool_.counts().in_use, 2u);
}

// Whoever comes while others wait goes to the end, even where something has just become free: by
// then it is somebody's.
TEST_F(SlotsTest, NobodyJumpsTheQueue) {
  Slot first = TakeSlot();
  Slot second = TakeSlot();
  const auto a = Wait("a");
  const auto b = Wait("b");
  first.Release();
  const auto c = Wait("c");
  second.Release();
  EXPECT_EQ(told_, (Strings{"a", "b"}));
  EXPECT_TRUE(pool_.Withdraw(*c));
}

TEST_F(SlotsTest, AWaiterThatLeavesIsRemoved) {
  const char* const names[] = {"a", "b", "c"};
  const struct {
    size_t leaves;
    Strings served;
  } kCases[] = {{0, {"b", "c"}}, {1, {"a", "c"}}, {2, {"a", "b"}}};
  for (const auto& each : kCases) {
    told_.clear();
    Slot first = TakeSlot();
    Slot second = TakeSlot();
    Waiters waiters;
    for (const char* name : names) waiters.push_back(Wait(name));
    EXPECT_TRUE(pool_.Withdraw(*waiters[each.leaves]));
    EXPECT_FALSE(pool_.Withdraw(*waiters[each.leaves]));
    EXPECT_EQ(pool_.counts().waiting, 2u);
    first.Release();
    second.Release();
    EXPECT_EQ(told_, each.served);
  }
  EXPECT_EQ(pool_.counts().in_use, 0u);
}

TEST_F(SlotsTest, AGrantThatCrossesAWithdrawalGoesToTheNext) {
  Slot first = TakeSlot();
  Slot second = TakeSlot();
  const auto a = Wait("a");
  const auto b = Wait("b");
  first.Release();
  EXPECT_FALSE(pool_.Withdraw(*a));  // its grant came first
  a->grant = {};
  EXPECT_EQ(told_, (Strings{"a", "b"}));
  EXPECT_TRUE(b->grant.slot);
}

TEST_F(SlotsTest, AWaiterMayQueueAgainOnceItsGrantIsGone) {
  Slot first = TakeSlot();
  Slot second = TakeSlot();
  const auto a = Wait("a");
  first.Release();
  a->grant = {};
  Slot third = TakeSlot();
  NodePool::Idle evicted;
  EXPECT_FALSE(pool_.TakeOrWait(*a, &evicted));
  third.Release();
  EXPECT_EQ(told_, (Strings{"a", "a"}));
}

// A waiter lets its grant go from within OnGranted: its session had ended meanwhile.
TEST_F(SlotsTest, AGrantMayBeReleasedAtOnce) {
  class Fleeting : public NodePool::Waiter {
   public:
    void OnGranted() override { grant = {}; }
  };
  Slot first = TakeSlot();
  Slot second = TakeSlot();
  std::vector<Fleeting> waiters(100);
  NodePool::Idle evicted;
  for (Fleeting& waiter : waiters) EXPECT_FALSE(pool_.TakeOrWait(waiter, &evicted));
  const auto last = Wait("last");
  first.Release();
  EXPECT_EQ(told_, (Strings{"last"}));
}

TEST_F(SlotsTest, AConnectionBringsItsSlotBackWhenItGoes) {
  auto connection = Open(1);
  Slot other = TakeSlot();
  const auto waiter = Wait("a");
  EXPECT_TRUE(told_.empty());
  connection.reset();
  EXPECT_EQ(told_, (Strings{"a"}));
}

// A warm connection was dead on use: the login needn't queue for the next one.
TEST_F(SlotsTest, ASlotOutlivesItsConnection) {
  auto dead = Open(1);
  Slot other = TakeSlot();
  const auto waiter = Wait("a");
  Slot kept = std::move(dead->slot);
  dead.reset();
  EXPECT_TRUE(told_.empty());
  EXPECT_EQ(pool_.counts().in_use, 2u);
  kept.Release();
  kept.Release();
  EXPECT_EQ(told_, (Strings{"a"}));
}

TEST_F(SlotsTest, AnAssignedSlotReleasesTheOneItHeld) {
  Slot first = TakeSlot();
  Slot second = TakeSlot();
  const auto waiter = Wait("a");
  first = std::move(second);
  EXPECT_EQ(told_, (Strings{"a"}));
  EXPECT_TRUE(first);
  EXPECT_FALSE(second);  // NOLINT(bugprone-use-after-move): what is left is an empty slot
}

TEST_F(SlotsTest, WarmOnesGiveWayToALogin) {
  EXPECT_EQ(AddWarm(1), nullptr);
  EXPECT_EQ(AddWarm(2), nullptr);
  RecordingWaiter waiter(pool_, "a", told_);
  NodePool::Idle evicted;
  EXPECT_TRUE(pool_.TakeOrWait(waiter, &evicted));
  EXPECT_EQ(NumberOf(waiter.grant.connection), 1);
  static_cast<void>(pool_.TakeAllIdle());
}

TEST_F(SlotsTest, ParkedOnesGiveWayToAWaitingLogin) {
  EXPECT_TRUE(Park("alice", 1).empty());
  Slot other = TakeSlot();
  NodePool::Idle evicted;
  const auto waiter = Wait("a", &evicted);
  EXPECT_EQ(NumberOf(evicted.connection), 1);
  EXPECT_TRUE(evicted.lease);  // the user stays here until the QUIT is through
  EXPECT_EQ(pool_.counts().parked, 0u);
  EXPECT_EQ(pool_.counts().in_use, 2u);
  EXPECT_TRUE(told_.empty());
  evicted = {};
  EXPECT_EQ(told_, (Strings{"a"}));
}

TEST_F(SlotsTest, TheOneThatExpiresFirstGivesWay) {
  pool_.SetLimits(Limits(3));
  EXPECT_TRUE(Park("alice", 1, kNow - std::chrono::seconds(1)).empty());
  EXPECT_TRUE(Park("bob", 2, kNow - std::chrono::seconds(3)).empty());
  EXPECT_TRUE(Park("carol", 3, kNow - std::chrono::seconds(2)).empty());
  Waiters waiters;
  std::vector<NodePool::Idle> evicted(3);
  for (NodePool::Idle& each : evicted) waiters.push_back(Wait("waiter", &each));
  EXPECT_EQ(NumbersOf(evicted), (Numbers{2, 3, 1}));
  const auto fourth = Wait("nothing is left");
  EXPECT_TRUE(pool_.Withdraw(*fourth));
}

// One for each login: what is on its way back to the pool counts.
TEST_F(SlotsTest, NoMoreGiveWayThanLoginsWait) {
  pool_.SetLimits(Limits(3));
  for (const char* user : {"alice", "bob", "carol"}) EXPECT_TRUE(Park(user, 1).empty());
  NodePool::Idle evicted;
  const auto a = Wait("a", &evicted);
  EXPECT_TRUE(pool_.Withdraw(*a));
  const auto b = Wait("b");  // the slot that a made free is b's
  EXPECT_EQ(pool_.counts().parked, 2u);
  evicted = {};
  EXPECT_EQ(told_, (Strings{"b"}));
  static_cast<void>(pool_.TakeAllIdle());
}

TEST_F(SlotsTest, NothingBecomesIdleWhileALoginWaits) {
  auto session = Session("alice", 1);
  std::optional<Slot> warm = pool_.SlotForWarm();
  ASSERT_TRUE(warm.has_value());
  const auto a = Wait("a");
  const auto b = Wait("b");
  EXPECT_FALSE(pool_.SlotForWarm().has_value());
  auto ended = pool_.Park(kMain, UserNamed("alice"), std::move(session), kNow);
  EXPECT_EQ(NumbersOf(ended), (Numbers{1}));
  EXPECT_EQ(pool_.AddWarm(std::make_unique<NumberedConnection>(pool_, 2, std::move(*warm)), kNow),
            nullptr);
  EXPECT_EQ(told_, (Strings{"a"}));
  EXPECT_EQ(a->grant.kind, Kind::kWarm);
  EXPECT_EQ(NumberOf(a->grant.connection), 2);
  ended.clear();
  EXPECT_EQ(told_, (Strings{"a", "b"}));
}

TEST_F(SlotsTest, ALargerSizeServesWaiters) {
  for (const uint32_t size : {4u, 0u}) {
    told_.clear();
    pool_.SetLimits(Limits(2));
    std::vector<Slot> slots;
    for (int i = 0; i < 2; ++i) slots.push_back(TakeSlot());
    Waiters waiters;
    for (const char* name : {"a", "b", "c"}) waiters.push_back(Wait(name));
    pool_.SetLimits(Limits(size));
    EXPECT_EQ(told_, size == 0 ? (Strings{"a", "b", "c"}) : (Strings{"a", "b"}));
    slots.clear();
    EXPECT_EQ(told_, (Strings{"a", "b", "c"}));
  }
}

TEST_F(SlotsTest, ASmallerSizeGivesNoSlotUntilItFits) {
  pool_.SetLimits(Limits(4));
  std::vector<Slot> slots;
  for (int i = 0; i < 4; ++i) slots.push_back(TakeSlot());
  pool_.SetLimits(Limits(2));
  EXPECT_EQ(pool_.counts().in_use, 4u);
  const auto a = Wait("a");
  slots.pop_back();
  slots.pop_back();
  EXPECT_TRUE(told_.empty());
  EXPECT_EQ(pool_.counts().in_use, 2u);
  slots.pop_back();
  EXPECT_EQ(told_, (Strings{"a"}));
}

TEST_F(SlotsTest, ASmallerSizeEndsIdleOnesWithTheNextSweep) {
  pool_.SetLimits(Limits(6));
  Slot session = TakeSlot();
  for (const char* user : {"alice", "bob", "carol"}) EXPECT_TRUE(Park(user, 1).empty());
  EXPECT_EQ(AddWarm(2), nullptr);
  EXPECT_EQ(AddWarm(3), nullptr);
  EXPECT_TRUE(pool_.TakeExpired(kNow).empty());
  pool_.SetLimits(Limits(2));
  EXPECT_EQ(pool_.counts().in_use, 6u);
  // Parked ones first, then warm ones, and no more than it takes.
  EXPECT_EQ(NumbersOf(pool_.TakeExpired(kNow)), (Numbers{1, 1, 1, 2}));
  EXPECT_TRUE(pool_.TakeExpired(kNow).empty());
  EXPECT_EQ(pool_.counts().in_use, 2u);
  static_cast<void>(pool_.TakeAllIdle());
}

TEST_F(SlotsTest, ASmallerSizeKeepsNothingIdleFromAWaitingLogin) {
  pool_.SetLimits(Limits(4));
  auto session = Session("dave", 9);
  for (const char* user : {"alice", "bob", "carol"}) EXPECT_TRUE(Park(user, 1).empty());
  pool_.SetLimits(Limits(2));
  NodePool::Idle evicted;
  const auto a = Wait("a", &evicted);
  EXPECT_EQ(NumberOf(evicted.connection), 1);
  evicted = {};
  EXPECT_TRUE(told_.empty());  // three are in use still
  EXPECT_EQ(NumbersOf(pool_.Park(kMain, UserNamed("dave"), std::move(session), kNow)),
            (Numbers{9}));
  EXPECT_TRUE(told_.empty());
  EXPECT_EQ(NumbersOf(pool_.TakeExpired(kNow)), (Numbers{1}));
  EXPECT_EQ(told_, (Strings{"a"}));
  static_cast<void>(pool_.TakeAllIdle());
}

// Above a lowered size nothing new is kept idle.
TEST_F(SlotsTest, NothingBecomesIdleAboveASmallerSize) {
  auto session = Session("alice", 1);
  std::optional<Slot> warm = pool_.SlotForWarm();
  ASSERT_TRUE(warm.has_value());
  pool_.SetLimits(Limits(1));
  EXPECT_NE(pool_.AddWarm(std::make_unique<NumberedConnection>(pool_, 2, std::move(*warm)), kNow),
            nullptr);
  Slot other;
  pool_.SetLimits(Limits(2));
  other = TakeSlot();
  pool_.SetLimits(Limits(1));
  EXPECT_EQ(NumbersOf(pool_.Park(kMain, UserNamed("alice"), std::move(session), kNow)),
            (Numbers{1}));
}

// Those of the process that this one takes over from: they end when it likes.
TEST_F(SlotsTest, OthersMayTakeSome) {
  pool_.SetTakenElsewhere(1);
  Slot first = TakeSlot();
  EXPECT_EQ(pool_.counts().in_use, 1u);
  EXPECT_EQ(pool_.counts().taken_elsewhere, 1u);
  EXPECT_FALSE(pool_.SlotForWarm().has_value());
  const auto waiter = Wait("second");
  EXPECT_TRUE(told_.empty());
  pool_.SetTakenElsewhere(0);
  EXPECT_EQ(told_, (Strings{"second"}));
  EXPECT_TRUE(waiter->grant.slot);
  pool_.SetTakenElsewhere(1000);  // more than there are
  EXPECT_EQ(pool_.counts().taken_elsewhere, 2u);
  const auto third = Wait("third");
  first.Release();
  waiter->grant.slot.Release();
  EXPECT_EQ(told_, (Strings{"second"}));
  pool_.SetTakenElsewhere(1);
  EXPECT_EQ(told_, (Strings{"second", "third"}));
}

TEST_F(SlotsTest, WithoutALimitItDoesNotMatterWhatOthersTake) {
  pool_.SetLimits(Limits(0));
  pool_.SetTakenElsewhere(50);
  EXPECT_TRUE(TakeSlot());
}

}  // namespace
}  // namespace poplar::balancer
