#include "proxy/upstream/jitter.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>

#include "tests/simulation/seeded_random.h"

namespace poplar::upstream {
namespace {

using std::chrono::milliseconds;
using std::chrono::nanoseconds;
using std::chrono::seconds;

class Fixed final : public io::Random {
 public:
  explicit Fixed(uint64_t value) : value_(value) {}
  uint64_t Next() override { return value_; }

 private:
  uint64_t value_;
};

TEST(JitterTest, BetweenTheBounds) {
  Fixed low(0);
  Fixed high(nanoseconds(seconds(4)).count() - 1);
  EXPECT_EQ(Between(low, seconds(3), seconds(7)), seconds(3));
  EXPECT_EQ(Between(high, seconds(3), seconds(7)), seconds(7) - nanoseconds(1));
  EXPECT_EQ(Between(high, seconds(3), seconds(3)), seconds(3));
  EXPECT_EQ(Between(high, seconds(3), seconds(2)), seconds(3));
}

TEST(JitterTest, AFifthEitherWay) {
  simulation::SeededRandom random(3);
  io::Duration least = seconds(100);
  io::Duration most{};
  io::Duration sum{};
  for (int i = 0; i < 10'000; ++i) {
    const io::Duration drawn = Jittered(random, seconds(10));
    least = std::min(least, drawn);
    most = std::max(most, drawn);
    sum += drawn;
  }
  EXPECT_GE(least, seconds(8));
  EXPECT_LT(least, milliseconds(8010));
  EXPECT_LT(most, seconds(12));
  EXPECT_GT(most, milliseconds(11990));
  EXPECT_NEAR(io::Seconds(sum) / 10'000, 10.0, 0.05);
}

}  // namespace
}  // namespace poplar::upstream
