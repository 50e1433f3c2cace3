#include "bench/generator/arrivals.h"

#include <gtest/gtest.h>

#include <array>

namespace poplar::bench {
namespace {

using std::chrono::nanoseconds;
using std::chrono::seconds;

// How many come in each third of the length.
std::array<int, 3> Thirds(const Arrivals& arrivals, uint64_t seed) {
  std::mt19937_64 random(seed);
  std::array<int, 3> counts{};
  for (nanoseconds at{};;) {
    at += arrivals.Gap(at, random);
    if (at >= arrivals.length) return counts;
    ++counts[static_cast<size_t>(at * 3 / arrivals.length)];
  }
}

TEST(ArrivalsTest, ComeAtTheRateAndTheSameForASeed) {
  const Arrivals arrivals{10, 0, seconds(3000)};
  const auto counts = Thirds(arrivals, 7);
  for (const int count : counts) EXPECT_NEAR(count, 10'000, 400);
  EXPECT_EQ(counts, Thirds(arrivals, 7));
  EXPECT_NE(counts, Thirds(arrivals, 8));
}

TEST(ArrivalsTest, SwellInTheMiddleAndAreNoMoreForIt) {
  const Arrivals arrivals{10, 0.8, seconds(3000)};
  EXPECT_NEAR(arrivals.RateAt(seconds(0)), 2, 1e-6);
  EXPECT_NEAR(arrivals.RateAt(seconds(1500)), 18, 1e-6);
  const auto [first, second, third] = Thirds(arrivals, 7);
  EXPECT_NEAR(first + second + third, 30'000, 700);
  EXPECT_GT(second, 2 * first);
  EXPECT_NEAR(first, third, 500);
}

}  // namespace
}  // namespace poplar::bench
