#include "proxy/io/task.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "tests/unit/proxy/io/noisy.h"
#include "tests/unit/proxy/io/run_ready.h"

namespace poplar::io {
namespace {

// The stack's depth at the deepest and at the flattest call that was measured.
struct Depth {
  uintptr_t lowest = UINTPTR_MAX;
  uintptr_t highest = 0;
  void Measure() {
    const auto here = reinterpret_cast<uintptr_t>(__builtin_frame_address(0));
    lowest = std::min(lowest, here);
    highest = std::max(highest, here);
  }
  uintptr_t bytes() const { return highest - lowest; }
};

Task<int> EndAtOnce(int value, Depth& depth) {
  depth.Measure();
  co_return value;
}

Task<void> AwaitMany(int count, Depth& depth, int64_t& sum) {
  for (int i = 0; i < count; ++i) sum += co_await EndAtOnce(1, depth);
}

TEST(TaskTest, AMillionAwaitsDoNotGrowTheStack) {
  constexpr int kCount = 1'000'000;
  Depth depth;
  int64_t sum = 0;
  RunToEnd(AwaitMany(kCount, depth, sum));
  EXPECT_EQ(sum, kCount);
  EXPECT_LT(depth.bytes(), 4096u);
}

Task<void> Descend(int levels, int& reached) {
  if (levels > 0) co_await Descend(levels - 1, reached);
  ++reached;
}

TEST(TaskTest, ADeepChainReturnsThroughEveryLevel) {
  int reached = 0;
  RunToEnd(Descend(10'000, reached));
  EXPECT_EQ(reached, 10'001);
}

Task<void> Note(std::string& order, char c) {
  order.push_back(c);
  co_return;
}

Task<void> MakeThenAwait(std::string& order) {
  Task<void> task = Note(order, 'b');
  order.push_back('a');
  co_await std::move(task);
  order.push_back('c');
}

TEST(TaskTest, StartsWhenAwaitedAndNotBefore) {
  std::string order;
  RunToEnd(MakeThenAwait(order));
  EXPECT_EQ(order, "abc");
}

Task<void> Hold(Noisy noisy) {
  const Noisy local = noisy;
  co_return;
}

Task<void> AwaitHold(int& alive) { co_await Hold(Noisy(alive)); }

TEST(TaskTest, DestroysTheFrameOnceAfterItsEnd) {
  int alive = 0;
  RunToEnd(AwaitHold(alive));
  EXPECT_EQ(alive, 0);
}

TEST(TaskTest, DestroysTheFrameOnceWhenNeverStarted) {
  int alive = 0;
  {
    Task<void> task = Hold(Noisy(alive));
    EXPECT_EQ(alive, 1);
  }
  EXPECT_EQ(alive, 0);
}

TEST(TaskTest, MovingATaskMovesItsFrame) {
  int alive = 0;
  {
    Task<void> first = Hold(Noisy(alive));
    Task<void> second = std::move(first);
    EXPECT_EQ(alive, 1);
    RunToEnd(std::move(second));
    EXPECT_EQ(alive, 0);
  }
  EXPECT_EQ(alive, 0);
}

Task<std::unique_ptr<int>> MakeUnique(int value) { co_return std::make_unique<int>(value); }

Task<void> TakeUnique(int& got) {
  const std::unique_ptr<int> value = co_await MakeUnique(7);
  got = *value;
}

TEST(TaskTest, BringsMoveOnlyResults) {
  int got = 0;
  RunToEnd(TakeUnique(got));
  EXPECT_EQ(got, 7);
}

// A type that can't be made from nothing.
struct NoDefault {
  explicit NoDefault(int n) : value(n) {}
  int value;
};

Task<NoDefault> MakeNoDefault() { co_return NoDefault(5); }

Task<void> TakeNoDefault(int& got) {
  const NoDefault value = co_await MakeNoDefault();
  got = value.value;
}

TEST(TaskTest, BringsResultsWithoutDefaultConstructor) {
  int got = 0;
  RunToEnd(TakeNoDefault(got));
  EXPECT_EQ(got, 5);
}

}  // namespace
}  // namespace poplar::io
