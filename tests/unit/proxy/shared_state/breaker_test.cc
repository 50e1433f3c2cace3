#include "proxy/shared_state/breaker.h"

#include <gtest/gtest.h>

namespace poplar::shared_state {
namespace {

using std::chrono::milliseconds;

TEST(BreakerTest, OpenUntilTheStoreWasReached) {
  Breaker breaker(milliseconds(50));
  EXPECT_FALSE(breaker.closed());
  breaker.OnConnected();
  EXPECT_TRUE(breaker.closed());
  breaker.OnLost();
  EXPECT_FALSE(breaker.closed());
}

TEST(BreakerTest, SomeTimeoutsInARowOpenIt) {
  Breaker breaker(milliseconds(50));
  breaker.OnConnected();
  for (int i = 0; i < 10; ++i) {
    breaker.OnTimeout();
    breaker.OnTimeout();
    breaker.OnAnswer(milliseconds(50));
  }
  EXPECT_TRUE(breaker.closed());
  breaker.OnTimeout();
  breaker.OnAnswer(milliseconds(51));
  EXPECT_TRUE(breaker.closed());
  breaker.OnTimeout();
  EXPECT_FALSE(breaker.closed());
}

TEST(BreakerTest, SomeAnswersInTimeCloseItAgain) {
  Breaker breaker(milliseconds(50));
  breaker.OnConnected();
  for (int i = 0; i < Breaker::kTimeoutsMax; ++i) breaker.OnTimeout();
  breaker.OnAnswer(milliseconds(1));
  breaker.OnTimeout();
  breaker.OnAnswer(milliseconds(1));
  EXPECT_FALSE(breaker.closed());
  breaker.OnAnswer(milliseconds(1));
  EXPECT_TRUE(breaker.closed());
}

}  // namespace
}  // namespace poplar::shared_state
