#include "proxy/pop3/listing_lines.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "proxy/pop3/limits.h"

namespace poplar::pop3 {
namespace {

using Event = ListingLines::Event;

// The lines of `text`, fed in pieces from buffers of their own; with "BROKEN" at the end if so.
std::vector<std::string> Cut(std::string_view text, size_t piece_bytes) {
  ListingLines lines;
  std::vector<std::string> cut;
  for (size_t at = 0; at < text.size(); at += piece_bytes) {
    const std::string fed(text.substr(at, piece_bytes));
    std::string_view rest = fed;
    while (!rest.empty()) {
      std::string_view line;
      const Event event = lines.Next(&rest, &line);
      if (event == Event::kBroken) {
        EXPECT_EQ(lines.Next(&rest, &line), Event::kBroken);
        cut.emplace_back("BROKEN");
        return cut;
      }
      if (event == Event::kLine) cut.emplace_back(line);
    }
  }
  return cut;
}

TEST(ListingLinesTest, CutsHoweverTheAnswerIsSplit) {
  using Lines = std::vector<std::string>;
  const struct {
    std::string_view text;
    Lines lines;
  } cases[] = {
      {"", {}},
      {"+OK", {}},
      {"+OK\r\n", {"+OK"}},
      {"+OK\r\n1 a\r\n\r\n.\r\n", {"+OK", "1 a", "", "."}},
      {"+OK\r\n1 a\r\n.", {"+OK", "1 a"}},
      {"+OK\r\n1 a\r\r\n.\r\n", {"+OK", "1 a\r", "."}},
      {"+OK\r\n1\ra\r\n", {"+OK", "1\ra"}},
      {"+OK\n", {"BROKEN"}},
      {"\n", {"BROKEN"}},
      {"+OK\r\n1 a\n.\r\n", {"+OK", "BROKEN"}},
      {"+OK\r\n.\n", {"+OK", "BROKEN"}},
      {"+OK\r\n\n", {"+OK", "BROKEN"}},
  };
  for (const auto& c : cases) {
    for (size_t piece = 1; piece <= c.text.size() + 1; ++piece) {
      EXPECT_EQ(Cut(c.text, piece), c.lines) << testing::PrintToString(c.text) << piece;
    }
  }
}

TEST(ListingLinesTest, LinesAreBounded) {
  const std::string status(kReplyLineBytesMax - 2, 's');
  const std::string message(kListingLineBytesMax - 2, 'm');
  const std::string both = std::string(status).append("\r\n").append(message).append("\r\n");
  for (size_t piece : {size_t{1}, size_t{7}, kListingLineBytesMax, size_t{5000}}) {
    EXPECT_EQ(Cut(both, piece), (std::vector<std::string>{status, message}));
    EXPECT_EQ(Cut("s" + status + "\r\n", piece), std::vector<std::string>{"BROKEN"});
    EXPECT_EQ(Cut("+OK\r\nm" + message + "\r\n", piece),
              (std::vector<std::string>{"+OK", "BROKEN"}));
    EXPECT_EQ(Cut("+OK\r\n" + message + "mm", piece), (std::vector<std::string>{"+OK", "BROKEN"}));
  }
}

TEST(ListingLinesTest, TakesAMessagesLineApart) {
  const struct {
    std::string_view line;
    uint32_t number;  // 0: none
    std::string_view rest;
  } cases[] = {
      {"1 120", 1, "120"},
      {"1 120 ", 1, "120 "},
      {"12 a b\tc", 12, "a b\tc"},
      {"3  7", 3, " 7"},
      {"4294967295 x", 4294967295u, "x"},
      {"5 \xc3\xa9", 5, "\xc3\xa9"},
      {"4294967296 x", 0, ""},
      {"99999999999999999999 x", 0, ""},
      {"", 0, ""},
      {" 1 x", 0, ""},
      {"1", 0, ""},
      {"1 ", 0, ""},
      {"1 \t ", 0, ""},
      {"1\tx", 0, ""},
      {"1x y", 0, ""},
      {"0 x", 0, ""},
      {"01 x", 0, ""},
      {"-1 x", 0, ""},
      {"+1 x", 0, ""},
      {"x 1", 0, ""},
      {".", 0, ""},
      {"..", 0, ""},
      {"1 x\ry", 0, ""},
      {"1 x\r", 0, ""},
      {"1 x\x7f", 0, ""},
      {std::string_view("1 x\0y", 5), 0, ""},
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(testing::PrintToString(c.line));
    const auto parsed = ParseListingLine(c.line);
    ASSERT_EQ(parsed.has_value(), c.number != 0);
    if (!parsed) continue;
    EXPECT_EQ(parsed->number, c.number);
    EXPECT_EQ(parsed->rest, c.rest);
  }
}

}  // namespace
}  // namespace poplar::pop3
