#include "proxy/server/noise_limit.h"

#include <gtest/gtest.h>

namespace poplar::server {
namespace {

constexpr int64_t kSecond = 1'000'000;

TEST(NoiseLimit, AdmitsSoManyASecond) {
  NoiseLimit noise(2);
  EXPECT_TRUE(noise.Admit(10 * kSecond));
  EXPECT_TRUE(noise.Admit(10 * kSecond + 999'999));
  EXPECT_FALSE(noise.Admit(10 * kSecond + 999'999));
  EXPECT_TRUE(noise.Admit(11 * kSecond));
}

TEST(NoiseLimit, TellsOnceWhatWasLeftOutInSecondsThatAreOver) {
  NoiseLimit noise(1);
  for (int i = 0; i < 4; ++i) (void)noise.Admit(10 * kSecond);
  EXPECT_EQ(noise.TakeLeftOut(10 * kSecond + 500'000), 0u);
  for (int i = 0; i < 3; ++i) (void)noise.Admit(12 * kSecond);
  EXPECT_EQ(noise.TakeLeftOut(12 * kSecond), 3u);
  EXPECT_EQ(noise.TakeLeftOut(12 * kSecond), 0u);
  EXPECT_EQ(noise.TakeLeftOut(13 * kSecond), 2u);
  EXPECT_EQ(noise.TakeLeftOut(14 * kSecond), 0u);
}

TEST(NoiseLimit, TellsAllAtTheEnd) {
  NoiseLimit noise(1);
  for (int i = 0; i < 4; ++i) (void)noise.Admit(10 * kSecond);
  for (int i = 0; i < 3; ++i) (void)noise.Admit(11 * kSecond);
  EXPECT_EQ(noise.TakeAll(), 5u);
  EXPECT_EQ(noise.TakeAll(), 0u);
}

TEST(NoiseLimit, ZeroIsNoLimit) {
  NoiseLimit noise(0);
  for (int i = 0; i < 1000; ++i) EXPECT_TRUE(noise.Admit(0));
  EXPECT_EQ(noise.TakeAll(), 0u);
}

}  // namespace
}  // namespace poplar::server
