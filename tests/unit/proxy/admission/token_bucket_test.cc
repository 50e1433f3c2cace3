#include "proxy/admission/token_bucket.h"

#include <gtest/gtest.h>

namespace poplar::admission {
namespace {

using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

constexpr io::Time kStart = io::Time(std::chrono::hours(1));

TEST(Rate, KnowsHowLongSomethingTakes) {
  const Rate rate{.count = 10, .period = seconds(1)};
  EXPECT_EQ(rate.TimeOf(1), milliseconds(100));
  EXPECT_EQ(rate.TimeOf(25), milliseconds(2500));
  EXPECT_EQ(rate.TimeOf(0), seconds(0));
  EXPECT_FALSE(Rate());
  // 9 TB at 16 KiB a second: no overflow.
  const Rate slow{.count = 16 * 1024, .period = seconds(1)};
  EXPECT_EQ(slow.TimeOf(uint64_t{1} << 43), seconds(int64_t{1} << 29));
}

TEST(TokenBucket, GivesAPeriodsWorthAtOnceAndThenByTheRate) {
  const Rate rate{.count = 10, .period = seconds(1)};
  TokenBucket bucket(rate, kStart);
  for (int i = 0; i < 10; ++i) EXPECT_TRUE(bucket.TryTake(rate, kStart)) << i;
  EXPECT_FALSE(bucket.TryTake(rate, kStart));
  EXPECT_FALSE(bucket.TryTake(rate, kStart + milliseconds(99)));
  EXPECT_TRUE(bucket.TryTake(rate, kStart + milliseconds(100)));
  EXPECT_FALSE(bucket.TryTake(rate, kStart + milliseconds(100)));
}

TEST(TokenBucket, WhatIsRefusedCostsNothing) {
  const Rate rate{.count = 1, .period = minutes(1)};
  TokenBucket bucket(rate, kStart);
  EXPECT_TRUE(bucket.TryTake(rate, kStart));
  for (int i = 0; i < 59; ++i) EXPECT_FALSE(bucket.TryTake(rate, kStart + seconds(i)));
  EXPECT_TRUE(bucket.TryTake(rate, kStart + minutes(1)));
}

TEST(TokenBucket, SavesUpNoMoreThanAPeriod) {
  const Rate rate{.count = 2, .period = seconds(1)};
  TokenBucket bucket(rate, kStart);
  const io::Time later = kStart + std::chrono::hours(24);
  EXPECT_TRUE(bucket.TryTake(rate, later));
  EXPECT_TRUE(bucket.TryTake(rate, later));
  EXPECT_FALSE(bucket.TryTake(rate, later));
}

TEST(TokenBucket, SaysHowLongToWaitForWhatWasTaken) {
  const Rate rate{.count = 1000, .period = seconds(1)};
  TokenBucket bucket(rate, kStart);
  EXPECT_EQ(bucket.Take(rate, 1000, kStart), seconds(0));
  EXPECT_EQ(bucket.Take(rate, 500, kStart), milliseconds(500));
  EXPECT_EQ(bucket.Take(rate, 500, kStart + milliseconds(500)), milliseconds(500));
  EXPECT_EQ(bucket.Take(rate, 1, kStart + seconds(10)), seconds(0));
}

// Long runs keep to the rate, whatever the pieces.
TEST(TokenBucket, KeepsToTheRateInTheLongRun) {
  const Rate rate{.count = 16 * 1024, .period = seconds(1)};
  for (const uint64_t piece : {1u, 999u, 4096u, 16384u}) {
    TokenBucket bucket(rate, kStart);
    io::Time now = kStart;
    uint64_t taken = 0;
    while (taken < 1'000'000) {
      now += bucket.Take(rate, piece, now);
      taken += piece;
    }
    const double expected = static_cast<double>(taken) / static_cast<double>(rate.count) - 1;
    EXPECT_NEAR(io::Seconds(now - kStart), expected, 0.01) << piece;
  }
}

}  // namespace
}  // namespace poplar::admission
