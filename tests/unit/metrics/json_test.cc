#include "metrics/json.h"

#include <gtest/gtest.h>

namespace poplar::metrics {
namespace {

TEST(JsonStringTest, EscapesWhatJsonReserves) {
  EXPECT_EQ(JsonString(""), R"("")");
  EXPECT_EQ(JsonString("mail-1"), R"("mail-1")");
  EXPECT_EQ(JsonString(R"(say "no" \ /)"), R"("say \"no\" \\ /")");
  EXPECT_EQ(JsonString(std::string_view("\0\n\x1f\x7f", 4)), "\"\\u0000\\u000a\\u001f\x7f\"");
}

TEST(JsonStringTest, KeepsUtf8) {
  for (const std::string text : {"\u00e4", "\u20ac", "\U0001F4EC", "\uD7FF", "\uE000", "\U0010FFFF",
                                 "\u0800", "\U00010000"}) {
    EXPECT_EQ(JsonString(text), "\"" + text + "\"");
  }
}

TEST(JsonStringTest, ReplacesEachByteThatIsNotUtf8) {
  const std::string bad = "\xEF\xBF\xBD";
  struct Case {
    std::string text;
    size_t replaced;
  };
  const Case cases[] = {
      {"\x80", 1},              // a continuation alone
      {"\xC3", 1},              // cut off
      {"\xE2\x82", 2},          // cut off
      {"\xF0\x9F\x93", 3},      // cut off
      {"\xC0\xAF", 2},          // overlong
      {"\xE0\x9F\xBF", 3},      // overlong
      {"\xF0\x8F\xBF\xBF", 4},  // overlong
      {"\xED\xA0\x80", 3},      // a surrogate
      {"\xF4\x90\x80\x80", 4},  // beyond U+10FFFF
      {"\xFF\xFE", 2},
  };
  for (const Case& c : cases) {
    std::string expected = "\"a";
    for (size_t i = 0; i < c.replaced; ++i) expected += bad;
    EXPECT_EQ(JsonString("a" + c.text + "b"), expected + "b\"");
    EXPECT_EQ(JsonString("a" + c.text), expected + "\"");
  }
  EXPECT_EQ(JsonString("\xC3\""), "\"" + bad + "\\\"\"");  // the quote is not swallowed
}

TEST(JsonRealTest, HasNoExponentAndSixDigitsAtMost) {
  EXPECT_EQ(JsonReal(0), "0");
  EXPECT_EQ(JsonReal(2.5), "2.5");
  EXPECT_EQ(JsonReal(0.0005), "0.0005");
  EXPECT_EQ(JsonReal(1e-9), "0");
  EXPECT_EQ(JsonReal(0.1 + 0.2), "0.3");
  EXPECT_EQ(JsonReal(-1.25), "-1.25");
  EXPECT_EQ(JsonReal(1764400000.123456), "1764400000.123456");
  EXPECT_EQ(JsonReal(1e15), "1000000000000000");
}

}  // namespace
}  // namespace poplar::metrics
