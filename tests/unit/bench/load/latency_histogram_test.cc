#include "bench/load/latency_histogram.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <vector>

namespace poplar::bench {
namespace {

using std::chrono::microseconds;

TEST(LatencyHistogram, IsEmptyAtFirst) {
  const LatencyHistogram histogram;
  EXPECT_EQ(histogram.count(), 0u);
  EXPECT_EQ(histogram.mean(), io::Duration::zero());
  EXPECT_EQ(histogram.Percentile(0.99), io::Duration::zero());
}

TEST(LatencyHistogram, IsExactForSmallValues) {
  LatencyHistogram histogram;
  for (int i = 1; i <= 60; ++i) histogram.Add(microseconds(i));
  EXPECT_EQ(histogram.Percentile(0.5), microseconds(30));
  EXPECT_EQ(histogram.Percentile(0.1), microseconds(6));
  EXPECT_EQ(histogram.Percentile(1), microseconds(60));
  EXPECT_EQ(histogram.Percentile(0), microseconds(1));
  EXPECT_EQ(histogram.max(), microseconds(60));
  EXPECT_EQ(histogram.mean(), std::chrono::nanoseconds(30'500));
}

TEST(LatencyHistogram, IsAtMostAThirtiethTooHighAndNeverTooLow) {
  std::mt19937_64 random(1);
  for (const int64_t magnitude : {100, 10'000, 1'000'000, 1'000'000'000}) {
    LatencyHistogram histogram;
    std::vector<int64_t> values;
    for (int i = 0; i < 10'000; ++i) {
      values.push_back(static_cast<int64_t>(random() % static_cast<uint64_t>(magnitude)));
      histogram.Add(microseconds(values.back()));
    }
    std::sort(values.begin(), values.end());
    for (const double fraction : {0.01, 0.5, 0.9, 0.99, 0.999, 1.0}) {
      const int64_t exact =
          values[static_cast<size_t>(std::ceil(fraction * static_cast<double>(values.size()))) - 1];
      const double told = io::Seconds(histogram.Percentile(fraction)) * 1e6;
      EXPECT_GE(told, static_cast<double>(exact)) << magnitude << " " << fraction;
      EXPECT_LE(told, static_cast<double>(exact) * 1.033 + 1) << magnitude << " " << fraction;
    }
  }
}

TEST(LatencyHistogram, TakesTheImpossible) {
  LatencyHistogram histogram;
  histogram.Add(microseconds(-5));
  histogram.Add(std::chrono::hours(24 * 365));
  EXPECT_EQ(histogram.Percentile(0.5), io::Duration::zero());
  EXPECT_EQ(histogram.Percentile(1), std::chrono::hours(24 * 365));
}

}  // namespace
}  // namespace poplar::bench
