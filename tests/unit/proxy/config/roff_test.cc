#include "proxy/config/roff.h"

#include <gtest/gtest.h>

namespace poplar::config {
namespace {

TEST(RoffText, TakesNothingForARequest) {
  EXPECT_EQ(RoffText(".TH"), "\\&.TH");
  EXPECT_EQ(RoffText("'so x"), "\\&\\(aqso x");
  EXPECT_EQ(RoffText("a.\n.b"), "a.\n\\&.b");
  EXPECT_EQ(RoffText("a.b 'c'"), "a.b \\(aqc\\(aq");
}

TEST(RoffText, TakesNothingForAnEscape) {
  EXPECT_EQ(RoffText("\\fB"), "\\efB");
  EXPECT_EQ(RoffText("--user ~ ^ `"), "\\-\\-user \\(ti \\(ha \\(ga");
}

TEST(RoffLine, EndsIt) { EXPECT_EQ(RoffLine("a"), "a\n"); }

}  // namespace
}  // namespace poplar::config
