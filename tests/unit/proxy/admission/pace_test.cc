#include "proxy/admission/pace.h"

#include <gtest/gtest.h>

namespace poplar::admission {
namespace {

constexpr io::Time kStart = io::Time(std::chrono::hours(1));

TEST(Pace, HasNoLimitWhereNoneIsSet) {
  EXPECT_FALSE(PaceRules());
  Pace pace({}, kStart);
  for (int i = 0; i < 1000; ++i) {
    EXPECT_EQ(pace.OnCommand(kStart), io::Duration::zero());
    EXPECT_EQ(pace.OnBytes(1 << 20, kStart), io::Duration::zero());
  }
}

TEST(Pace, CommandsAndBytesWaitEachForTheirOwn) {
  const PaceRules rules{.commands = {.count = 2}, .bytes = {.count = 100}};
  EXPECT_TRUE(rules);
  Pace pace(rules, kStart);
  EXPECT_EQ(pace.OnCommand(kStart), io::Duration::zero());
  EXPECT_EQ(pace.OnCommand(kStart), io::Duration::zero());
  EXPECT_EQ(pace.OnCommand(kStart), std::chrono::milliseconds(500));
  EXPECT_EQ(pace.OnBytes(100, kStart), io::Duration::zero());
  EXPECT_EQ(pace.OnBytes(200, kStart), std::chrono::seconds(2));
  EXPECT_EQ(pace.OnCommand(kStart + std::chrono::seconds(1)), io::Duration::zero());
}

}  // namespace
}  // namespace poplar::admission
