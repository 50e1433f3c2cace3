#include "proxy/io/sync.h"

#include <gtest/gtest.h>

#include <string>

#include "proxy/io/task_scope.h"
#include "tests/unit/proxy/io/run_ready.h"

namespace poplar::io {
namespace {

Task<void> WaitTimes(Event& event, int times, int& waits) {
  for (int i = 0; i < times; ++i) {
    co_await event.Wait();
    ++waits;
  }
}

TEST(EventTest, WakesItsWaiterFromTheRunListAndNotInPlace) {
  RunList ready;
  Event event(ready);
  TaskScope scope(ready);
  int waits = 0;
  scope.Spawn(WaitTimes(event, 1, waits));
  RunReady(ready);
  EXPECT_EQ(waits, 0);
  event.Signal();
  EXPECT_EQ(waits, 0);
  RunReady(ready);
  EXPECT_EQ(waits, 1);
}

TEST(EventTest, RemembersOneSignalWithoutAWaiter) {
  RunList ready;
  Event event(ready);
  TaskScope scope(ready);
  int waits = 0;
  event.Signal();
  event.Signal();
  scope.Spawn(WaitTimes(event, 2, waits));
  RunReady(ready);
  EXPECT_EQ(waits, 1);
  event.Signal();
  RunReady(ready);
  EXPECT_EQ(waits, 2);
}

TEST(EventTest, ASignalWhileTheWaiterIsAlreadyReadyIsKept) {
  RunList ready;
  Event event(ready);
  TaskScope scope(ready);
  int waits = 0;
  scope.Spawn(WaitTimes(event, 2, waits));
  RunReady(ready);
  event.Signal();
  event.Signal();
  RunReady(ready);
  EXPECT_EQ(waits, 2);
}

Task<void> TakeTurn(Turn& turn, Event& leave, char name, std::string& order) {
  const Turn::Hold hold = co_await turn.Take();
  order.push_back(name);
  co_await leave.Wait();
}

TEST(TurnTest, OneAtATimeInOrderOfArrival) {
  RunList ready;
  Turn turn(ready);
  Event leave_a(ready), leave_b(ready), leave_c(ready);
  TaskScope scope(ready);
  std::string order;
  scope.Spawn(TakeTurn(turn, leave_a, 'a', order));
  scope.Spawn(TakeTurn(turn, leave_b, 'b', order));
  scope.Spawn(TakeTurn(turn, leave_c, 'c', order));
  RunReady(ready);
  EXPECT_EQ(order, "a");
  leave_b.Signal();  // b isn't even in
  RunReady(ready);
  EXPECT_EQ(order, "a");
  leave_a.Signal();
  RunReady(ready);
  EXPECT_EQ(order, "abc");  // b left at once
  leave_c.Signal();
  RunReady(ready);
  EXPECT_EQ(scope.count(), 0u);
}

TEST(TurnTest, NobodySlipsInWhileItIsHandedOver) {
  RunList ready;
  Turn turn(ready);
  Event leave_a(ready), leave_b(ready), leave_c(ready);
  TaskScope scope(ready);
  std::string order;
  scope.Spawn(TakeTurn(turn, leave_a, 'a', order));
  scope.Spawn(TakeTurn(turn, leave_b, 'b', order));
  RunReady(ready);
  leave_a.Signal();
  // c arrives between a's leaving and b's going on.
  scope.Spawn(TakeTurn(turn, leave_c, 'c', order));
  RunReady(ready);
  EXPECT_EQ(order, "ab");
  leave_b.Signal();
  leave_c.Signal();
  RunReady(ready);
  EXPECT_EQ(order, "abc");
}

TEST(TurnTest, MovesToAnotherRunListWhileNobodyHasIt) {
  RunList here, there;
  Turn turn(here);
  Event leave_a(there), leave_b(there);
  TaskScope scope(there);
  std::string order;
  turn.MoveTo(there);
  EXPECT_FALSE(turn.taken());
  scope.Spawn(TakeTurn(turn, leave_a, 'a', order));
  scope.Spawn(TakeTurn(turn, leave_b, 'b', order));
  RunReady(there);
  EXPECT_TRUE(turn.taken());
  EXPECT_DEATH(turn.MoveTo(here), "!taken_");
  leave_a.Signal();
  RunReady(there);
  EXPECT_EQ(order, "ab");
  EXPECT_TRUE(here.empty());
  leave_b.Signal();
  RunReady(there);
  EXPECT_FALSE(turn.taken());
}

Task<void> Both(RunList& ready, Event& first, Event& second, int& waits, bool& done) {
  co_await WhenBoth(ready, WaitTimes(first, 1, waits), WaitTimes(second, 1, waits));
  done = true;
}

TEST(WhenBothTest, ReturnsAfterBothWhicheverIsFirst) {
  for (const bool first_ends_first : {true, false}) {
    RunList ready;
    Event first(ready), second(ready);
    TaskScope scope(ready);
    int waits = 0;
    bool done = false;
    scope.Spawn(Both(ready, first, second, waits, done));
    RunReady(ready);
    (first_ends_first ? first : second).Signal();
    RunReady(ready);
    EXPECT_EQ(waits, 1);
    EXPECT_FALSE(done);
    (first_ends_first ? second : first).Signal();
    RunReady(ready);
    EXPECT_EQ(waits, 2);
    EXPECT_TRUE(done);
  }
}

TEST(WhenBothTest, TasksThatEndAtOnce) {
  RunList ready;
  Event first(ready), second(ready);
  TaskScope scope(ready);
  int waits = 0;
  bool done = false;
  first.Signal();
  second.Signal();
  scope.Spawn(Both(ready, first, second, waits, done));
  RunReady(ready);
  EXPECT_EQ(waits, 2);
  EXPECT_TRUE(done);
}

}  // namespace
}  // namespace poplar::io
