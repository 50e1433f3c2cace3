#include "balancer/failure_window.h"

#include <gtest/gtest.h>

#include <deque>

namespace poplar::balancer {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::seconds;

TEST(FailureWindowTest, CountsBothKinds) {
  FailureWindow window(seconds(30));
  window.AddServed(seconds(1));
  window.AddFailure(/*after_greeting=*/false, seconds(2));
  window.AddFailure(/*after_greeting=*/true, seconds(20));
  const auto sum = window.Sum(seconds(20));
  EXPECT_EQ(sum.events, 3u);
  EXPECT_EQ(sum.failures, 2u);
  EXPECT_EQ(sum.after_greeting, 1u);
  window.Clear();
  EXPECT_EQ(window.Sum(seconds(20)).events, 0u);
}

TEST(FailureWindowTest, ForgetsByABucketAtATime) {
  FailureWindow window(seconds(30));
  for (int second = 0; second < 30; ++second) window.AddServed(seconds(second));
  EXPECT_EQ(window.Sum(seconds(29)).events, 30u);
  EXPECT_EQ(window.Sum(milliseconds(29'999)).events, 30u);
  EXPECT_EQ(window.Sum(seconds(30)).events, 25u);
  EXPECT_EQ(window.Sum(seconds(54)).events, 5u);
  EXPECT_EQ(window.Sum(seconds(55)).events, 0u);
  EXPECT_EQ(window.Sum(hours(1000)).events, 0u);
  window.AddServed(hours(1000));
  EXPECT_EQ(window.Sum(hours(1000)).events, 1u);
}

TEST(FailureWindowTest, ReachesBackBetweenFiveSixthsAndAllOfItsLength) {
  FailureWindow window(milliseconds(600));
  std::deque<Moment> events;
  uint32_t random = 1;
  for (Moment now = milliseconds(0); now < seconds(100);) {
    window.AddServed(now);
    events.push_back(now);
    uint64_t surely = 0;
    uint64_t at_most = 0;
    while (now - events.front() >= seconds(2)) events.pop_front();
    for (const Moment event : events) {
      surely += now - event < milliseconds(500) ? 1 : 0;
      at_most += now - event < milliseconds(600) ? 1 : 0;
    }
    const uint64_t counted = window.Sum(now).events;
    ASSERT_GE(counted, surely) << now.count();
    ASSERT_LE(counted, at_most) << now.count();
    random = random * 1664525u + 1013904223u;
    now += milliseconds(random >> 26);  // 0..63; now and then a pause
    if (random % 1000 < 5) now += milliseconds(random >> 22);
  }
}

TEST(FailureWindowTest, TakesMomentsSlightlyOutOfOrder) {
  FailureWindow window(seconds(30));
  window.AddServed(seconds(30));
  window.AddServed(milliseconds(29'999));  // in a bucket that is still there
  window.AddServed(seconds(0));            // its bucket is gone: counts in the newer one
  EXPECT_EQ(window.Sum(seconds(30)).events, 3u);
}

TEST(FailureWindowTest, WithoutLengthNothingCounts) {
  FailureWindow window(seconds(0));
  window.AddFailure(true, seconds(1));
  EXPECT_EQ(window.Sum(seconds(1)).events, 0u);
}

}  // namespace
}  // namespace poplar::balancer
