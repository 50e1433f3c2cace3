#include "proxy/demo/message_text.h"

#include <gtest/gtest.h>

#include <random>
#include <string>

namespace poplar::demo {
namespace {

TEST(WithCrlf, EndsEveryLineWithCrlf) {
  const std::pair<std::string_view, std::string_view> cases[] = {
      {"", ""},
      {"a", "a\r\n"},
      {"a\n", "a\r\n"},
      {"a\r\n", "a\r\n"},
      {"\n", "\r\n"},
      {"\n\n", "\r\n\r\n"},
      {"a\nb\r\nc", "a\r\nb\r\nc\r\n"},
      {"a\rb\n", "a\rb\r\n"},  // a CR alone stays
      {"a\r", "a\r\r\n"},      // also at the end
      {"a\r\r\n", "a\r\r\n"},
  };
  for (const auto& [text, wanted] : cases) EXPECT_EQ(WithCrlf(text), wanted) << text;
}

TEST(TopOf, GivesHeaderBlankLineAndSoManyLines) {
  const std::string_view text = "A: 1\r\nB: 2\r\n\r\none\r\n\r\nthree\r\n";
  const std::pair<uint64_t, std::string_view> cases[] = {
      {0, "A: 1\r\nB: 2\r\n\r\n"},
      {1, "A: 1\r\nB: 2\r\n\r\none\r\n"},
      {2, "A: 1\r\nB: 2\r\n\r\none\r\n\r\n"},
      {3, text},
      {4, text},
      {99999999, text},
      {UINT64_MAX, text},
  };
  for (const auto& [lines, wanted] : cases) EXPECT_EQ(TopOf(text, lines), wanted) << lines;
}

TEST(TopOf, TakesMessagesWithoutHeaderOrBody) {
  EXPECT_EQ(TopOf("", 5), "");
  EXPECT_EQ(TopOf("A: 1\r\n", 0), "A: 1\r\n");
  EXPECT_EQ(TopOf("\r\nbody\r\nmore\r\n", 1), "\r\nbody\r\n");
  EXPECT_EQ(TopOf("A: 1\r\n\r\n", 3), "A: 1\r\n\r\n");
}

std::string Stuff(std::string_view text) {
  std::string out;
  std::string_view piece;
  for (DotStuffer stuffer(text); stuffer.Next(&piece);) {
    EXPECT_FALSE(piece.empty());
    out.append(piece);
  }
  return out;
}

std::string StuffNaively(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '.' && (i == 0 || text[i - 1] == '\n')) out += '.';
    out += text[i];
  }
  return out;
}

TEST(DotStuffer, DoublesDotsThatOpenLines) {
  const std::pair<std::string_view, std::string_view> cases[] = {
      {"", ""},
      {"a\r\n", "a\r\n"},
      {".", ".."},
      {".\r\n", "..\r\n"},
      {"..\r\n", "...\r\n"},
      {"a.\r\n.b\r\n", "a.\r\n..b\r\n"},
      {".\r\n.\r\n.\r\n", "..\r\n..\r\n..\r\n"},
      {"\r\n\r\n.\r\n", "\r\n\r\n..\r\n"},
      {"a\r\n.", "a\r\n.."},
  };
  for (const auto& [text, wanted] : cases) EXPECT_EQ(Stuff(text), wanted) << text;
}

TEST(DotStuffer, AgreesWithTheNaiveWayOnRandomTexts) {
  std::mt19937 random(20260601);
  for (int round = 0; round < 20000; ++round) {
    std::string text;
    for (size_t left = random() % 24; left > 0; --left) text += "..\n\r\na"[random() % 6];
    ASSERT_EQ(Stuff(text), StuffNaively(text)) << testing::PrintToString(text);
  }
}

}  // namespace
}  // namespace poplar::demo
