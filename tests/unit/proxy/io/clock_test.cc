#include "proxy/io/clock.h"

#include <gtest/gtest.h>

namespace poplar::io {
namespace {

using std::chrono::hours;
using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::nanoseconds;

TEST(BriefDuration, IsWhatWasMeasuredOrTheMostThereIsRoomFor) {
  EXPECT_EQ(Brief(nanoseconds(1'999)), microseconds(1));
  EXPECT_EQ(Brief(hours(1)), hours(1));
  EXPECT_EQ(Brief(hours(2)), BriefDuration::max());
  EXPECT_EQ(Brief(nanoseconds(-1)), BriefDuration::zero());
  EXPECT_EQ(Brief(Duration::max()), BriefDuration::max());
}

// A timeout of less than a millisecond must not become none.
TEST(ConfiguredDuration, IsNeverLessThanWhatWasConfigured) {
  EXPECT_EQ(Configured(nanoseconds(1)), milliseconds(1));
  EXPECT_EQ(Configured(milliseconds(15'000)), milliseconds(15'000));
  EXPECT_EQ(Configured(hours(24 * 49)), hours(24 * 49));
  EXPECT_EQ(Configured(Duration::max()), ConfiguredDuration::max());
  EXPECT_EQ(Configured(Duration::zero()), ConfiguredDuration::zero());
}

}  // namespace
}  // namespace poplar::io
