#include "metrics/move_page.h"

#include <gtest/gtest.h>

#include <vector>

namespace poplar::metrics {
namespace {

const std::vector<MoveView> kMoves = {{.label = Move{0},
                                       .name = "away",
                                       .from = "old",
                                       .to = "new",
                                       .permille = 25,
                                       .waiting = 1,
                                       .ending = 2,
                                       .landed = 3,
                                       .waited_too_long = 4,
                                       .ended = 5},
                                      {.label = Move{1}, .name = "b", .from = "x", .to = "y"}};

TEST(MovePage, AsJson) {
  EXPECT_EQ(MovesAsJson(kMoves),
            R"({"moves":[{"move":"away","from":"old","to":"new","percent":2.5,"logins_waiting":1,)"
            R"("sessions_ending":2,"logins_landed":3,"logins_waited_too_long":4,)"
            R"("sessions_ended":5},{"move":"b","from":"x","to":"y","percent":0,)"
            R"("logins_waiting":0,"sessions_ending":0,"logins_landed":0,)"
            R"("logins_waited_too_long":0,"sessions_ended":0}]})"
            "\n");
  EXPECT_EQ(MovesAsJson({}), "{\"moves\":[]}\n");
}

TEST(MovePage, AsTable) {
  EXPECT_EQ(MovesAsTable(kMoves),
            "MOVE  FROM  TO   PERCENT  WAITING  ENDING  LANDED  TOO LONG  ENDED\n"
            "away  old   new  2.5      1        2       3       4         5\n"
            "b     x     y    0        0        0       0       0         0\n");
}

TEST(MovePage, PercentagesReadBack) {
  for (const char* text : {"0", "0.1", "2.5", "30", "99.9", "100"}) {
    ASSERT_TRUE(ParsePercent(text)) << text;
    EXPECT_EQ(PercentText(*ParsePercent(text)), text);
  }
  EXPECT_EQ(ParsePercent("100.0"), 1000U);
  for (const char* text :
       {"", "-1", "+1", "101", "100.1", "1.25", "1.", ".5", "1e1", "1 ", "1%", "9999999"})
    EXPECT_FALSE(ParsePercent(text)) << text;
}

}  // namespace
}  // namespace poplar::metrics
