#include "metrics/text_table.h"

#include <gtest/gtest.h>

namespace poplar::metrics {
namespace {

TEST(TextTable, ColumnsAreAsWideAsTheyHaveToBe) {
  EXPECT_EQ(TextTable({{"A", "LONG", "C"}, {"wide", "b", "c"}}), "A     LONG  C\nwide  b     c\n");
  EXPECT_EQ(TextTable({{"A", "B"}}), "A  B\n");
  EXPECT_EQ(TextTable({}), "");
}

TEST(TextTable, ATerminalObeysNothing) {
  EXPECT_EQ(TextTable({{"A", "\x1b[2J"}}), "A  ?[2J\n");
  EXPECT_EQ(Printable("a\nb\x7f\xc3\xa4"), "a?b?\xc3\xa4");
  // U+009B is what ESC [ is, to some terminals; U+00A0 is only a blank.
  EXPECT_EQ(Printable("\xc2\x9b"
                      "2J\xc2\xa0\xc2"),
            "?2J\xc2\xa0\xc2");
}

}  // namespace
}  // namespace poplar::metrics
