#include "proxy/pop3/line_reader.h"

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

#include "proxy/pop3/limits.h"
#include "tests/unit/proxy/pop3/freed_memory_watch.h"
#include "tests/unit/proxy/pop3/naive_framing.h"

namespace poplar::pop3 {
namespace {

using Event = LineReader::Event;

void Drain(LineReader* reader, std::vector<std::string>* lines) {
  std::string_view line;
  for (;;) {
    switch (reader->Next(&line)) {
      case Event::kNeedMore:
        return;
      case Event::kLine:
        lines->emplace_back(line);
        break;
      case Event::kTooLong:
        lines->emplace_back("<too long>");
        break;
    }
  }
}

// Feeds `stream` in pieces of `piece_bytes`, each from a buffer of its own so that a sanitizer sees
// a read of an earlier one.
std::vector<std::string> ReadAll(std::string_view stream, size_t max_bytes, size_t piece_bytes) {
  LineReader reader(max_bytes);
  std::vector<std::string> lines;
  for (size_t at = 0; at < stream.size(); at += piece_bytes) {
    const std::string_view piece = stream.substr(at, piece_bytes);
    const std::vector<char> fed(piece.begin(), piece.end());
    reader.Feed({fed.data(), fed.size()});
    Drain(&reader, &lines);
  }
  return lines;
}

struct LinesCase {
  std::string_view stream;
  std::vector<std::string> lines;
};

TEST(LineReaderTest, EndsLinesAtCrLfAndLfHoweverTheyAreSplit) {
  const LinesCase cases[] = {
      {"", {}},
      {"abc", {}},
      {"abc\r", {}},
      {"abc\r\n", {"abc"}},
      {"abc\n", {"abc"}},
      {"\n", {""}},
      {"\r\n", {""}},
      {"\n\n\r\n", {"", "", ""}},
      {"a\r\nb\nc\r\nd", {"a", "b", "c"}},
      {"a\rb\r\n", {"a\rb"}},
      {"a\r\r\n", {"a\r"}},
      {"a\n\rb\n", {"a", "\rb"}},
      {std::string_view("a\0b\r\n", 5), {std::string("a\0b", 3)}},
      {"12345678\r\nab\n", {"12345678", "ab"}},
      {"123456789\n", {"123456789"}},
      {"123456789\r\nab\n", {"<too long>", "ab"}},
      {"1234567890\nab\n", {"<too long>", "ab"}},
      {"1234567890", {"<too long>"}},
      {"123456789", {}},
      {"1234567890123456789012345\nab\n1234567890123\r\n\n",
       {"<too long>", "ab", "<too long>", ""}},
  };
  for (const LinesCase& c : cases) {
    EXPECT_EQ(naive::Lines(c.stream, 10), c.lines) << testing::PrintToString(c.stream);
    for (size_t piece = 1; piece <= c.stream.size() + 1; ++piece) {
      EXPECT_EQ(ReadAll(c.stream, 10, piece), c.lines)
          << testing::PrintToString(c.stream) << " by " << piece;
    }
  }
}

TEST(LineReaderTest, AgreesWithTheNaiveReaderOnRandomStreams) {
  std::mt19937 random(20240601);
  constexpr std::string_view kAlphabet = "ab\r\n\n";
  for (int round = 0; round < 20'000; ++round) {
    std::string stream(random() % 60, 'x');
    for (char& c : stream) c = kAlphabet[random() % kAlphabet.size()];
    const size_t max_bytes = 2 + random() % 12;
    LineReader reader(max_bytes);
    std::vector<std::string> lines;
    for (size_t at = 0; at < stream.size();) {
      const size_t bytes = std::min<size_t>(stream.size() - at, random() % 9);
      const std::string_view piece = std::string_view(stream).substr(at, bytes);
      const std::vector<char> fed(piece.begin(), piece.end());
      reader.Feed({fed.data(), fed.size()});
      Drain(&reader, &lines);
      at += bytes;
    }
    ASSERT_EQ(lines, naive::Lines(stream, max_bytes)) << testing::PrintToString(stream);
    ASSERT_EQ(reader.mid_line(), !stream.empty() && stream.back() != '\n');
  }
}

TEST(LineReaderTest, AWholeLineIsAViewIntoTheFedBytes) {
  LineReader reader(100);
  const std::string_view fed = "STAT\r\nQUIT\r\n";
  POPLAR_NEEDS_FREED_MEMORY_WATCH();
  FreedMemoryWatch watch("STAT");
  reader.Feed(fed);
  std::string_view line;
  ASSERT_EQ(reader.Next(&line), Event::kLine);
  EXPECT_EQ(line.data(), fed.data());
  ASSERT_EQ(reader.Next(&line), Event::kLine);
  EXPECT_EQ(line.data(), fed.data() + 6);
  EXPECT_EQ(reader.Next(&line), Event::kNeedMore);
  EXPECT_EQ(watch.blocks_freed(), 0u);
}

TEST(LineReaderTest, ACarriedLineIsWipedAndItsBufferFreedOnceConsumed) {
  constexpr std::string_view kPassword = "correct horse battery staple";
  POPLAR_NEEDS_FREED_MEMORY_WATCH();
  FreedMemoryWatch watch(kPassword);
  LineReader reader(100);
  std::string_view line;
  reader.Feed("PASS correct horse battery stap");
  ASSERT_EQ(reader.Next(&line), Event::kNeedMore);
  reader.Feed("le\r\nQUIT\r\n");
  ASSERT_EQ(reader.Next(&line), Event::kLine);
  EXPECT_EQ(line, "PASS correct horse battery staple");
  EXPECT_EQ(watch.blocks_freed(), 0u);
  ASSERT_EQ(reader.Next(&line), Event::kLine);
  EXPECT_EQ(line, "QUIT");
  EXPECT_EQ(watch.blocks_freed(), 1u);
  EXPECT_EQ(watch.unwiped_blocks(), 0u);
}

TEST(LineReaderTest, AnUnfinishedLineIsWipedOnDestruction) {
  constexpr std::string_view kPassword = "correct horse battery staple";
  POPLAR_NEEDS_FREED_MEMORY_WATCH();
  FreedMemoryWatch watch(kPassword);
  {
    LineReader reader(100);
    std::string_view line;
    reader.Feed("PASS correct horse battery staple");
    ASSERT_EQ(reader.Next(&line), Event::kNeedMore);
  }
  EXPECT_EQ(watch.blocks_freed(), 1u);
  EXPECT_EQ(watch.unwiped_blocks(), 0u);
}

TEST(LineReaderTest, ATooLongLineIsWiped) {
  constexpr std::string_view kPassword = "correct horse battery staple";
  POPLAR_NEEDS_FREED_MEMORY_WATCH();
  FreedMemoryWatch watch(kPassword);
  LineReader reader(40);
  std::string_view line;
  reader.Feed("PASS correct horse battery staple");
  ASSERT_EQ(reader.Next(&line), Event::kNeedMore);
  reader.Feed("0123456789");
  ASSERT_EQ(reader.Next(&line), Event::kTooLong);
  EXPECT_EQ(watch.blocks_freed(), 1u);
  EXPECT_EQ(watch.unwiped_blocks(), 0u);
}

TEST(LineReaderTest, TenMegabytesWithoutALineEndAreToldOnceAndNotHeld) {
  LineReader reader(kCommandLineBytesMax);
  const std::string chunk(size_t{64} * 1024, 'A');
  std::string_view line;
  int too_long = 0;
  for (int i = 0; i < 160; ++i) {
    reader.Feed(chunk);
    Event event;
    while ((event = reader.Next(&line)) != Event::kNeedMore) {
      ASSERT_EQ(event, Event::kTooLong);
      ++too_long;
    }
  }
  EXPECT_EQ(too_long, 1);
  EXPECT_TRUE(reader.mid_line());
  reader.Feed("\nQUIT\r\n");
  ASSERT_EQ(reader.Next(&line), Event::kLine);
  EXPECT_EQ(line, "QUIT");
  EXPECT_FALSE(reader.mid_line());
}

TEST(LineReaderTest, TakeRestGivesWhatIsBehindTheLine) {
  LineReader reader(100);
  std::string_view line;
  reader.Feed("PASS ");
  ASSERT_EQ(reader.Next(&line), Event::kNeedMore);
  EXPECT_TRUE(reader.mid_line());
  const std::string_view fed = "x\r\nSTAT\r\nLI";
  reader.Feed(fed);
  ASSERT_EQ(reader.Next(&line), Event::kLine);
  EXPECT_FALSE(reader.mid_line());
  const std::string_view rest = reader.TakeRest();
  EXPECT_EQ(rest, "STAT\r\nLI");
  EXPECT_EQ(rest.data(), fed.data() + 3);
  EXPECT_EQ(reader.TakeRest(), "");
  EXPECT_EQ(reader.Next(&line), Event::kNeedMore);
  EXPECT_FALSE(reader.mid_line());
  reader.Feed("QUIT\n");
  ASSERT_EQ(reader.Next(&line), Event::kLine);
  EXPECT_EQ(line, "QUIT");
}

TEST(LineReaderTest, ReachesTheCommandLineLimitExactly) {
  const std::string fits(kCommandLineBytesMax - 2, 'p');
  EXPECT_EQ(ReadAll(fits + "\r\n", kCommandLineBytesMax, 7), std::vector{fits});
  const std::vector<std::string> too_long = {"<too long>", "QUIT"};
  EXPECT_EQ(ReadAll(fits + "p\r\nQUIT\r\n", kCommandLineBytesMax, 7), too_long);
}

}  // namespace
}  // namespace poplar::pop3
