#include "proxy/io/task_scope.h"

#include <gtest/gtest.h>

#include <utility>

#include "proxy/io/sync.h"
#include "tests/unit/proxy/io/noisy.h"
#include "tests/unit/proxy/io/run_ready.h"

namespace poplar::io {
namespace {

Task<void> Count(int& runs, Noisy) {
  ++runs;
  co_return;
}

Task<void> WaitFor(Event& event, int& runs) {
  co_await event.Wait();
  ++runs;
}

Task<void> AwaitEmpty(TaskScope& scope, bool& empty) {
  co_await scope.Empty();
  empty = true;
}

TEST(TaskScopeTest, SpawnStartsAtTheNextStep) {
  RunList ready;
  TaskScope scope(ready);
  int runs = 0;
  int alive = 0;
  scope.Spawn(Count(runs, Noisy(alive)));
  EXPECT_EQ(runs, 0);
  EXPECT_EQ(scope.count(), 1u);
  RunReady(ready);
  EXPECT_EQ(runs, 1);
  EXPECT_EQ(alive, 0);
  EXPECT_EQ(scope.count(), 0u);
}

TEST(TaskScopeTest, EmptyReturnsAtOnceWhenNothingRuns) {
  RunList ready;
  TaskScope scope(ready);
  TaskScope outer(ready);
  bool empty = false;
  outer.Spawn(AwaitEmpty(scope, empty));
  RunReady(ready);
  EXPECT_TRUE(empty);
}

TEST(TaskScopeTest, EmptyWaitsForTheLast) {
  RunList ready;
  Event first(ready);
  Event second(ready);
  TaskScope scope(ready);
  TaskScope outer(ready);
  int runs = 0;
  bool empty = false;
  scope.Spawn(WaitFor(first, runs));
  scope.Spawn(WaitFor(second, runs));
  outer.Spawn(AwaitEmpty(scope, empty));
  RunReady(ready);
  EXPECT_FALSE(empty);
  second.Signal();
  RunReady(ready);
  EXPECT_EQ(runs, 1);
  EXPECT_FALSE(empty);
  first.Signal();
  RunReady(ready);
  EXPECT_EQ(runs, 2);
  EXPECT_TRUE(empty);
}

Task<void> SpawnAnother(TaskScope& scope, int left, int& runs) {
  ++runs;
  if (left > 0) scope.Spawn(SpawnAnother(scope, left - 1, runs));
  co_return;
}

TEST(TaskScopeTest, ATaskMaySpawnIntoItsOwnScope) {
  RunList ready;
  TaskScope scope(ready);
  TaskScope outer(ready);
  int runs = 0;
  bool empty = false;
  scope.Spawn(SpawnAnother(scope, 99, runs));
  outer.Spawn(AwaitEmpty(scope, empty));
  RunReady(ready);
  EXPECT_EQ(runs, 100);
  EXPECT_TRUE(empty);
}

TEST(TaskScopeDeathTest, DyingWhileATaskRunsIsABrokenInvariant) {
  EXPECT_DEATH(
      {
        RunList ready;
        TaskScope scope(ready);
        int runs = 0;
        int alive = 0;
        scope.Spawn(Count(runs, Noisy(alive)));
      },
      "count_ == 0");
}

}  // namespace
}  // namespace poplar::io
