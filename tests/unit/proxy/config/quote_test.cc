#include "proxy/config/quote.h"

#include <gtest/gtest.h>

namespace poplar::config {
namespace {

TEST(Quote, EscapesWhatCouldDriveATerminal) {
  EXPECT_EQ(Quote("plain"), "\"plain\"");
  EXPECT_EQ(Quote("a\"b\\c"), "\"a\\\"b\\\\c\"");
  EXPECT_EQ(Quote("\x1b[2J\n\x7f"), "\"\\x1b[2J\\x0a\\x7f\"");
  EXPECT_EQ(Quote(std::string_view("\0", 1)), "\"\\x00\"");
  EXPECT_EQ(Quote("\xc3\xa4"), "\"\xc3\xa4\"");
}

TEST(Quote, CutsLongTextBetweenCharacters) {
  EXPECT_EQ(Quote(std::string(64, 'a')), "\"" + std::string(64, 'a') + "\"");
  EXPECT_EQ(Quote(std::string(65, 'a')), "\"" + std::string(64, 'a') + "...\"");
  EXPECT_EQ(Quote(std::string(63, 'a') + "\xc3\xa4" + "bbb"),
            "\"" + std::string(63, 'a') + "...\"");
  EXPECT_EQ(Quote(std::string(500, '\x80')), "\"...\"");
}

TEST(QuoteYaml, KeepsTheWholeText) {
  EXPECT_EQ(QuoteYaml(std::string(500, 'a')), "\"" + std::string(500, 'a') + "\"");
  EXPECT_EQ(QuoteYaml("a\nb"), "\"a\\x0ab\"");
}

}  // namespace
}  // namespace poplar::config
