#include "proxy/cli/json_string.h"

#include <gtest/gtest.h>

namespace poplar::cli {
namespace {

TEST(JsonString, EscapesWhatJsonWantsEscaped) {
  EXPECT_EQ(JsonString(""), "\"\"");
  EXPECT_EQ(JsonString("anna@example.org"), "\"anna@example.org\"");
  EXPECT_EQ(JsonString("a\"b\\c/"), "\"a\\\"b\\\\c/\"");
  EXPECT_EQ(JsonString(std::string_view("\0\n\x1f\x7f ", 5)), "\"\\u0000\\u000a\\u001f\\u007f \"");
}

TEST(JsonString, KeepsUtf8) {
  for (const char* text :
       {"\xc3\xa4", "\xe2\x82\xac", "\xf0\x9f\x98\x80", "\xed\x9f\xbf", "\xee\x80\x80",
        "\xf4\x8f\xbf\xbf", "\xc2\x80", "\xe0\xa0\x80", "\xf0\x90\x80\x80", "a\xc3\xa4z"}) {
    EXPECT_EQ(JsonString(text), std::string("\"") + text + "\"");
  }
}

TEST(JsonString, WritesOtherBytesByTheirNumber) {
  const std::pair<const char*, const char*> kCases[] = {
      {"\xff", "\\u00ff"},
      {"\x80", "\\u0080"},
      {"\xc3", "\\u00c3"},                        // cut
      {"\xc3z", "\\u00c3z"},                      // no continuation
      {"\xe2\x82", "\\u00e2\\u0082"},             // cut
      {"\xc0\xaf", "\\u00c0\\u00af"},             // overlong
      {"\xc1\xbf", "\\u00c1\\u00bf"},             // overlong
      {"\xe0\x9f\xbf", "\\u00e0\\u009f\\u00bf"},  // overlong
      {"\xf0\x8f\xbf\xbf", "\\u00f0\\u008f\\u00bf\\u00bf"},
      {"\xed\xa0\x80", "\\u00ed\\u00a0\\u0080"},             // a surrogate
      {"\xf4\x90\x80\x80", "\\u00f4\\u0090\\u0080\\u0080"},  // beyond Unicode
      {"\xf5\x80\x80\x80", "\\u00f5\\u0080\\u0080\\u0080"},
      {"\xc3\xa4\xff", "\\u00c3\\u00a4\\u00ff"},  // one bad byte spoils all
  };
  for (const auto& [text, expected] : kCases) {
    EXPECT_EQ(JsonString(text), std::string("\"") + expected + "\"");
  }
}

}  // namespace
}  // namespace poplar::cli
