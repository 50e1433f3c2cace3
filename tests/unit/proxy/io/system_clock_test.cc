#include "proxy/io/system_clock.h"

#include <gtest/gtest.h>

#include <ctime>
#include <set>
#include <string_view>

namespace poplar::io {
namespace {

TEST(SystemClock, NeverGoesBack) {
  const SystemClock clock;
  Time last = clock.Now();
  for (int i = 0; i < 10'000; ++i) {
    const Time now = clock.Now();
    ASSERT_GE(now, last);
    last = now;
  }
  EXPECT_GT(last, Time{});
}

TEST(SystemClock, CountsTheWallClockInMicroseconds) {
  const int64_t before = std::time(nullptr);
  const int64_t micros = SystemClock().UnixMicros();
  EXPECT_GE(micros / 1'000'000, before);
  EXPECT_LE(micros / 1'000'000, std::time(nullptr) + 1);
}

TEST(SystemRandom, RepeatsNothingOverManyBlocks) {
  SystemRandom random;
  std::set<uint64_t> seen;
  constexpr size_t kDraws = 1000;  // by chance two are alike once in 10^13 tries
  for (size_t i = 0; i < kDraws; ++i) seen.insert(random.Next());
  EXPECT_EQ(seen.size(), kDraws);
}

TEST(SystemRandom, KeepsNothingOfWhatWasDrawn) {
  SystemRandom random;
  for (size_t i = 0; i < 100; ++i) {
    const uint64_t drawn = random.Next();
    const std::string_view kept(reinterpret_cast<const char*>(&random), sizeof(random));
    const std::string_view word(reinterpret_cast<const char*>(&drawn), sizeof(drawn));
    EXPECT_EQ(kept.find(word), std::string_view::npos) << i;
  }
}

}  // namespace
}  // namespace poplar::io
