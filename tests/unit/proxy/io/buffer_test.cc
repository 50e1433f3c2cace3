#include "proxy/io/buffer.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "proxy/io/task.h"
#include "proxy/io/task_scope.h"
#include "tests/simulation/seeded_random.h"
#include "tests/unit/proxy/io/run_ready.h"

namespace poplar::io {
namespace {

TEST(BufferTest, ADefaultOneIsEmptyAndHasNoRoom) {
  Buffer buffer;
  EXPECT_TRUE(buffer.empty());
  EXPECT_TRUE(buffer.room().empty());
  EXPECT_EQ(buffer.Append("x"), 0u);
  buffer.Release();
}

TEST(BufferTest, KeepsWhatWasAppendedAndNotConsumed) {
  RunList ready;
  BufferPool pool(8 * kBufferBytes, ready);
  Buffer buffer = pool.TryTake(BufferUse::kSend);
  EXPECT_EQ(buffer.room().size(), kBufferBytes);
  EXPECT_EQ(buffer.Append("hello"), 5u);
  buffer.Consume(2);
  EXPECT_EQ(buffer.bytes(), "llo");
  EXPECT_EQ(buffer.room().size(), kBufferBytes - 5);
  buffer.room()[0] = '!';
  buffer.Commit(1);
  EXPECT_EQ(buffer.bytes(), "llo!");
  buffer.Clear();
  EXPECT_TRUE(buffer.empty());
  EXPECT_EQ(buffer.room().size(), kBufferBytes);
}

TEST(BufferTest, AppendTakesNoMoreThanFits) {
  RunList ready;
  BufferPool pool(8 * kBufferBytes, ready);
  Buffer buffer = pool.TryTake(BufferUse::kSend);
  const std::string much(kBufferBytes + 7, 'x');
  EXPECT_EQ(buffer.Append(much), kBufferBytes);
  EXPECT_TRUE(buffer.room().empty());
  EXPECT_EQ(buffer.Append("y"), 0u);
}

TEST(BufferTest, MovingPassesTheBufferOnAndGivesTheOldOneBack) {
  RunList ready;
  BufferPool pool(8 * kBufferBytes, ready);
  Buffer first = pool.TryTake(BufferUse::kSend);
  Buffer second = pool.TryTake(BufferUse::kSend);
  first.Append("first");
  second.Append("second");
  EXPECT_EQ(pool.in_use(), 2u);
  second = std::move(first);
  EXPECT_EQ(pool.in_use(), 1u);
  EXPECT_EQ(second.bytes(), "first");
  EXPECT_TRUE(first.empty());  // NOLINT(bugprone-use-after-move): it is a default one now
  second.Release();
  second.Release();
  EXPECT_EQ(pool.in_use(), 0u);
}

TEST(BufferTest, OneFromThePoolIsEmptyWhateverItHeldBefore) {
  RunList ready;
  BufferPool pool(8 * kBufferBytes, ready);
  {
    pool.TryTake(BufferUse::kSend).Append("old");
  }
  Buffer buffer = pool.TryTake(BufferUse::kSend);
  EXPECT_TRUE(buffer.empty());
  EXPECT_EQ(buffer.room().size(), kBufferBytes);
}

size_t TakeAll(BufferPool& pool, BufferUse use, std::vector<Buffer>& into) {
  size_t taken = 0;
  while (true) {
    Buffer buffer = pool.TryTake(use);
    if (buffer.room().empty()) return taken;
    into.push_back(std::move(buffer));
    ++taken;
  }
}

TEST(BufferTest, WipesWhatItHeldConsumedOrNot) {
  RunList ready;
  BufferPool pool(8 * kBufferBytes, ready);
  Buffer buffer = pool.TryTake(BufferUse::kSend);
  buffer.Append("a secret");
  buffer.Consume(4);
  buffer.WipeAndRelease();
  EXPECT_EQ(pool.in_use(), 0u);
  buffer.WipeAndRelease();  // a second time changes nothing
  const Buffer next = pool.TryTake(BufferUse::kSend);
  EXPECT_EQ(std::string(next.bytes().data(), 8), std::string(8, '\0'));
}

TEST(BufferPoolTest, SharesByUse) {
  RunList ready;
  BufferPool pool(100 * kBufferBytes, ready);
  std::vector<Buffer> taken;
  EXPECT_EQ(TakeAll(pool, BufferUse::kReceive, taken), 50u);
  EXPECT_EQ(TakeAll(pool, BufferUse::kPlaintext, taken), 25u);
  EXPECT_EQ(TakeAll(pool, BufferUse::kReceive, taken), 0u);
  EXPECT_EQ(TakeAll(pool, BufferUse::kSend, taken), 25u);
  EXPECT_EQ(pool.in_use(), pool.count_max());
}

TEST(BufferPoolTest, LargeOnesAreOfTheFirstQuarter) {
  RunList ready;
  BufferPool pool(8 * kLargeParts * kBufferBytes, ready);
  Buffer large = pool.TryTakeLarge();
  EXPECT_EQ(large.room().size(), kLargeBufferBytes);
  EXPECT_EQ(large.Append(std::string(kLargeBufferBytes + 1, 'x')), kLargeBufferBytes);
  EXPECT_EQ(pool.in_use(), kLargeParts);
  const Buffer small = pool.TryTake(BufferUse::kReceive);
  EXPECT_TRUE(pool.TryTakeLarge().room().empty());
  large.Release();
  EXPECT_TRUE(large.room().empty());
  EXPECT_EQ(pool.in_use(), 1u);
  large = pool.TryTakeLarge();
  EXPECT_EQ(large.room().size(), kLargeBufferBytes);
  std::vector<Buffer> taken;
  EXPECT_EQ(TakeAll(pool, BufferUse::kSend, taken), 7 * kLargeParts - 1);
  EXPECT_EQ(pool.in_use(), pool.count_max());
}

// Memory that was used for the one size is given back before the other takes the bound's rest.
TEST(BufferPoolTest, BothSizesTogetherStayWithinTheBound) {
  constexpr size_t kBound = 8 * kLargeParts;
  RunList ready;
  BufferPool pool(kBound * kBufferBytes, ready);
  std::vector<Buffer> small;
  EXPECT_EQ(TakeAll(pool, BufferUse::kSend, small), kBound);
  for (Buffer& buffer : small) buffer.Append("touched");
  small.clear();
  std::vector<Buffer> large;
  for (int i = 0; i < 2; ++i) {
    large.push_back(pool.TryTakeLarge());
    large.back().Append("touched");
  }
  EXPECT_EQ(TakeAll(pool, BufferUse::kSend, small), kBound - 2 * kLargeParts);
  for (Buffer& buffer : small) EXPECT_EQ(buffer.room()[0], 't') << "too much was given back";
  large.clear();
  EXPECT_EQ(TakeAll(pool, BufferUse::kSend, small), 2 * kLargeParts);
  small.clear();
  for (int i = 0; i < 2; ++i) {
    large.push_back(pool.TryTakeLarge());
    EXPECT_EQ(large.back().room()[0], '\0') << "it was to be given back";
  }
}

TEST(BufferPoolTest, NeverHoldsMoreThanItsBoundAndAtLeastEight) {
  RunList ready;
  for (const size_t bytes :
       {size_t{0}, 3 * kBufferBytes, 9 * kBufferBytes + 5, 200 * kBufferBytes}) {
    BufferPool pool(bytes, ready);
    std::vector<Buffer> taken;
    const size_t most = std::max<size_t>(bytes / kBufferBytes, 8);
    EXPECT_EQ(TakeAll(pool, BufferUse::kSend, taken), most);
    taken.clear();
    EXPECT_EQ(TakeAll(pool, BufferUse::kSend, taken), most) << "after all came back";
  }
}

TEST(BufferPoolTest, BuffersDoNotOverlap) {
  RunList ready;
  BufferPool pool(130 * kBufferBytes, ready);  // three slabs
  std::vector<Buffer> taken;
  const size_t count = TakeAll(pool, BufferUse::kSend, taken);
  for (size_t i = 0; i < count; ++i) {
    taken[i].Append(std::string(kBufferBytes, static_cast<char>('A' + i % 50)));
  }
  for (size_t i = 0; i < count; ++i) {
    EXPECT_EQ(taken[i].bytes(), std::string(kBufferBytes, static_cast<char>('A' + i % 50)));
  }
}

Task<void> TakeOne(BufferPool& pool, BufferUse use, char name, std::string& order,
                   std::vector<Buffer>& into) {
  Buffer buffer = co_await pool.Take(use);
  EXPECT_FALSE(buffer.room().empty());
  order.push_back(name);
  into.push_back(std::move(buffer));
}

TEST(BufferPoolTest, TakeWithoutWaiting) {
  RunList ready;
  BufferPool pool(8 * kBufferBytes, ready);
  TaskScope scope(ready);
  std::string order;
  std::vector<Buffer> got;
  scope.Spawn(TakeOne(pool, BufferUse::kReceive, 'a', order, got));
  RunReady(ready);
  EXPECT_EQ(order, "a");
  EXPECT_EQ(pool.waits(), 0u);
}

TEST(BufferPoolTest, WaitersOfOneUseAreServedInOrder) {
  RunList ready;
  BufferPool pool(8 * kBufferBytes, ready);
  std::string order;
  std::vector<Buffer> got;
  std::vector<Buffer> taken;
  TakeAll(pool, BufferUse::kReceive, taken);
  TaskScope scope(ready);
  for (const char name : {'a', 'b', 'c'}) {
    scope.Spawn(TakeOne(pool, BufferUse::kReceive, name, order, got));
  }
  RunReady(ready);
  EXPECT_EQ(order, "");
  EXPECT_EQ(pool.waits(), 3u);
  taken.pop_back();
  // Nobody slips in between the return and the waiter's going on.
  EXPECT_TRUE(pool.TryTake(BufferUse::kReceive).room().empty());
  RunReady(ready);
  EXPECT_EQ(order, "a");
  taken.pop_back();
  taken.pop_back();
  RunReady(ready);
  EXPECT_EQ(order, "abc");
}

TEST(BufferPoolTest, ASenderIsServedBeforeAReaderWhoCameEarlier) {
  RunList ready;
  BufferPool pool(8 * kBufferBytes, ready);
  std::string order;
  std::vector<Buffer> got;
  std::vector<Buffer> taken;
  TakeAll(pool, BufferUse::kSend, taken);
  TaskScope scope(ready);
  scope.Spawn(TakeOne(pool, BufferUse::kReceive, 'r', order, got));
  scope.Spawn(TakeOne(pool, BufferUse::kPlaintext, 'p', order, got));
  scope.Spawn(TakeOne(pool, BufferUse::kSend, 's', order, got));
  RunReady(ready);
  taken.pop_back();
  RunReady(ready);
  EXPECT_EQ(order, "s");
  taken.resize(5);  // with what s holds: 6 in use
  RunReady(ready);
  EXPECT_EQ(order, "s");
  taken.pop_back();
  RunReady(ready);
  EXPECT_EQ(order, "sp");
  taken.clear();
  RunReady(ready);
  EXPECT_EQ(order, "spr");
}

TEST(BufferPoolTest, TellsOfEveryReturn) {
  RunList ready;
  BufferPool pool(8 * kBufferBytes, ready);
  int returns = 0;
  pool.set_on_release([](void* context) { ++*static_cast<int*>(context); }, &returns);
  Buffer buffer = pool.TryTake(BufferUse::kReceive);
  EXPECT_EQ(returns, 0);
  buffer.Release();
  EXPECT_EQ(returns, 1);
}

std::set<char*> Places(const std::vector<Buffer>& buffers) {
  std::set<char*> places;
  for (const Buffer& buffer : buffers) places.insert(BufferPool::DataOf(buffer));
  return places;
}

TEST(BufferPoolTest, TrimGivesMemoryBackAndTheBuffersStayUsable) {
  RunList ready;
  BufferPool pool(1000 * kBufferBytes, ready);
  std::vector<Buffer> taken;
  TakeAll(pool, BufferUse::kSend, taken);
  ASSERT_EQ(taken.size(), 1000u);
  const std::set<char*> places = Places(taken);
  for (Buffer& buffer : taken) buffer.Append("touched");
  taken.clear();
  for (int i = 0; i < 20; ++i) pool.Trim();
  EXPECT_EQ(TakeAll(pool, BufferUse::kSend, taken), 1000u);
  EXPECT_EQ(Places(taken), places) << "the same memory, not more of it";
  size_t given_back = 0;
  for (Buffer& buffer : taken) {
    given_back += buffer.room()[0] == '\0' ? 1 : 0;  // the kernel gives zeros
    EXPECT_EQ(buffer.Append("again"), 5u);
  }
  EXPECT_EQ(given_back, 1000u - 16) << "the others stay warm";
}

TEST(BufferPoolTest, TrimKeepsWhatWasWantedSinceTheLastOne) {
  RunList ready;
  BufferPool pool(1000 * kBufferBytes, ready);
  for (int second = 0; second < 5; ++second) {
    std::vector<Buffer> taken;
    TakeAll(pool, BufferUse::kSend, taken);
    for (Buffer& buffer : taken) {
      if (second > 0) {
        ASSERT_EQ(buffer.room()[0], 't');
      }
      buffer.Append("touched");
    }
    taken.clear();
    pool.Trim();
  }
}

TEST(BufferPoolTest, LargeOnesAreKeptForHalfAMinute) {
  RunList ready;
  BufferPool pool(1000 * kBufferBytes, ready);
  const auto touch = [&pool] {
    std::vector<Buffer> taken;
    for (int i = 0; i < 40; ++i) {
      taken.push_back(pool.TryTakeLarge());
      taken.back().room()[0] = 't';
    }
  };
  const auto given_back = [&pool] {
    std::vector<Buffer> taken;
    for (int i = 0; i < 40; ++i) taken.push_back(pool.TryTakeLarge());
    return std::count_if(taken.begin(), taken.end(),
                         [](Buffer& buffer) { return buffer.room()[0] == '\0'; });
  };
  touch();
  for (int second = 0; second < 29; ++second) pool.Trim();
  EXPECT_EQ(given_back(), 0);
  for (int second = 0; second < 10 * 60; ++second) pool.Trim();
  EXPECT_EQ(given_back(), 32) << "eight stay warm";
}

// Takes, returns and trims at random: never two owners of one buffer, never more than the bound.
TEST(BufferPoolTest, RandomUseKeepsEveryBuffersContent) {
  RunList ready;
  BufferPool pool(150 * kBufferBytes, ready);
  simulation::SeededRandom random(1, "buffers");
  std::vector<std::pair<Buffer, std::string>> held;
  size_t parts = 0;
  for (int i = 0; i < 20'000; ++i) {
    if (random.Chance(0.01)) pool.Trim();
    if (random.Chance(random.Chance(0.5) ? 0.3 : 0.6) && !held.empty()) {
      const size_t which = random.Below(held.size());
      ASSERT_EQ(held[which].first.bytes(), held[which].second);
      std::swap(held[which], held.back());
      parts -= held.back().first.capacity() / kBufferBytes;
      held.pop_back();
      continue;
    }
    const auto use = static_cast<BufferUse>(random.Below(3));
    Buffer buffer = random.Chance(0.3) ? pool.TryTakeLarge() : pool.TryTake(use);
    if (buffer.room().empty()) continue;
    parts += buffer.capacity() / kBufferBytes;
    std::string content = std::to_string(random.Next());
    buffer.Append(content);
    held.emplace_back(std::move(buffer), std::move(content));
    ASSERT_EQ(pool.in_use(), parts);
    ASSERT_LE(parts, pool.count_max());
  }
}

TEST(BufferPoolDeathTest, DyingWithABufferOutsideIsABrokenInvariant) {
  EXPECT_DEATH(
      {
        RunList ready;
        Buffer buffer;
        BufferPool pool(8 * kBufferBytes, ready);
        buffer = pool.TryTake(BufferUse::kSend);
      },
      "in_use_ == 0");
}

}  // namespace
}  // namespace poplar::io
