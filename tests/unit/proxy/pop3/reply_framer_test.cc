#include "proxy/pop3/reply_framer.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <string>
#include <vector>

#include "tests/unit/proxy/pop3/naive_framing.h"

namespace poplar::pop3 {
namespace {

using Fault = ReplyFramer::Fault;

// Feeds `stream` in pieces whose sizes `next_piece` gives (0 becomes 1), each from a buffer of its
// own, until the reply is complete, faulty or out of bytes; gives the bytes consumed.
template <typename NextPiece>
size_t FeedInPieces(ReplyFramer* framer, std::string_view stream, NextPiece next_piece) {
  size_t at = 0;
  while (at < stream.size()) {
    const std::string_view piece = stream.substr(at, std::max<size_t>(1, next_piece()));
    const std::vector<char> fed(piece.begin(), piece.end());
    const ReplyFramer::Step step = framer->Feed({fed.data(), fed.size()});
    at += step.consumed;
    if (step.complete || framer->fault() != Fault::kNone) break;
    EXPECT_EQ(step.consumed, fed.size());
  }
  return at;
}

template <typename NextPiece>
void ExpectAsNaive(std::string_view stream, bool multi_line, NextPiece next_piece) {
  SCOPED_TRACE(testing::PrintToString(stream.substr(0, 300)) + (multi_line ? " multi" : " single"));
  const naive::FramedReply expected = naive::FrameReply(stream, multi_line);
  ReplyFramer framer;
  framer.Expect(multi_line);
  const size_t consumed = FeedInPieces(&framer, stream, next_piece);
  ASSERT_EQ(framer.fault(), expected.fault);
  if (expected.fault != Fault::kNone) return;
  EXPECT_EQ(framer.started(), !stream.empty());
  EXPECT_EQ(framer.status_known(), expected.status_known);
  EXPECT_EQ(framer.ok(), expected.status_known && expected.ok);
  EXPECT_EQ(framer.status_line(), expected.status_line);
  EXPECT_EQ(framer.in_body(), expected.status_known && !expected.complete);
  EXPECT_EQ(consumed, expected.complete ? expected.size : stream.size());
  if (expected.complete) {
    EXPECT_EQ(framer.body_bytes(), expected.body_bytes);
  }
}

struct FrameCase {
  std::string_view stream;
  bool multi_line;
  size_t size;  // 0: not complete
  uint64_t body_bytes;
};

constexpr FrameCase kFrameCases[] = {
    {"+OK\r\n", false, 5, 0},
    {"+OK\n", false, 4, 0},
    {"+OK 2 320\r\n+OK\r\n", false, 11, 0},
    {"+OKAY\r\n", false, 7, 0},
    {"-ERR\r\n", false, 6, 0},
    {"-ERR\n", false, 5, 0},
    {"-ERR no such message\r\nx", false, 22, 0},
    {"-ERR no such message\r\n+OK\r\n", true, 22, 0},
    {"+OK\r\n.\r\n", true, 8, 0},
    {"+OK\r\n.\r\n", false, 5, 0},
    {"+OK\r\na\r\n.\r\n+OK", true, 11, 3},
    {"+OK\r\n\r\n.\r\n", true, 10, 2},
    {"+OK\r\n..\r\n.\r\n", true, 12, 4},
    {"+OK\r\n...\r\n..\r\n.\r\n", true, 17, 9},
    {"+OK\r\n.a\r\n.\r\n", true, 12, 4},
    {"+OK\r\n. \r\n.\r\n", true, 12, 4},
    {"+OK\r\na\n.\n.\r\n\r\n.\r\n", true, 17, 9},
    {"+OK\r\na\n.\r\n", true, 0, 0},
    {"+OK\r\na\r\n.\n", true, 0, 0},
    {"+OK\r\na\r\n.\r", true, 0, 0},
    {"+OK\r\na\r.\r\n", true, 0, 0},
    {"+OK\r\na.\r\n", true, 0, 0},
    {"+OK\r\na\n\r.\r\n", true, 0, 0},
    {"+OK\r\na\r\r\n.\r\n", true, 12, 4},
    {"+OK\r\na\r\n.\r\r\n.\r\n", true, 15, 7},
    {"+OK\r\na\r\n\r\n.\r\n", true, 13, 5},
    {"+OK\r\n.\r.\r\n.\r\n", true, 13, 5},
    {"+OK\r\n.\r\r\n.\r\n", true, 12, 4},
    // A bare LF ends a status line, but is no first half of a terminator.
    {"+OK\n.\r\n", true, 0, 0},
    {"+OK\n.\r\n.\r\n", true, 10, 3},
    {"+OK\n\r\n.\r\n", true, 9, 2},
};

TEST(ReplyFramerTest, FindsTheEndHoweverTheReplyIsSplit) {
  for (const FrameCase& c : kFrameCases) {
    const naive::FramedReply expected = naive::FrameReply(c.stream, c.multi_line);
    EXPECT_EQ(expected.complete, c.size > 0) << testing::PrintToString(c.stream);
    EXPECT_EQ(expected.size, c.size) << testing::PrintToString(c.stream);
    EXPECT_EQ(expected.body_bytes, c.body_bytes) << testing::PrintToString(c.stream);
    for (size_t piece = 1; piece <= c.stream.size(); ++piece) {
      ExpectAsNaive(c.stream, c.multi_line, [piece] { return piece; });
    }
    for (size_t first = 1; first < c.stream.size(); ++first) {
      size_t next = first;
      ExpectAsNaive(c.stream, c.multi_line, [&next] { return std::exchange(next, 1000); });
    }
  }
}

TEST(ReplyFramerTest, WhatIsNoStatusLineIsAFaultAsSoonAsItIsCertain) {
  struct FaultCase {
    std::string_view stream;
    size_t certain_at;  // the fault comes with this many-th byte
  };
  const FaultCase cases[] = {
      {"HTTP/1.1 200 OK", 1},
      {"* OK IMAP", 1},
      {"220 smtp", 1},
      {"\r\n", 2},
      {"\n", 1},
      {"+ok", 2},
      {"+ dGVz", 2},
      {"+O\r\n", 4},
      {"+\r\n", 3},
      {"-err", 2},
      {"-ERRno", 5},
      {"-ERR\tno", 5},
      {"-ER\r\n", 5},
      {"-ERR\r\r\n", 7},
      {"-ERR\rx\n", 7},
      {".\r\n", 1},
      {" +OK", 1},
      {"-OK", 2},
      {"+ERR", 2},
  };
  for (const FaultCase& c : cases) {
    SCOPED_TRACE(testing::PrintToString(c.stream));
    ReplyFramer framer;
    framer.Expect(true);
    for (size_t i = 0; i < c.certain_at; ++i) {
      ASSERT_EQ(framer.fault(), Fault::kNone) << i;
      framer.Feed(c.stream.substr(i, 1));
    }
    EXPECT_EQ(framer.fault(), Fault::kNotAStatusLine);
    EXPECT_FALSE(framer.status_known());
    EXPECT_FALSE(framer.ok());
    const ReplyFramer::Step again = framer.Feed("+OK\r\n");
    EXPECT_EQ(again.consumed, 0u);
    EXPECT_FALSE(again.complete);

    ReplyFramer whole;
    whole.Expect(false);
    EXPECT_EQ(whole.Feed(c.stream).consumed, 0u);
    EXPECT_EQ(whole.fault(), Fault::kNotAStatusLine);
  }
}

TEST(ReplyFramerTest, TheStatusLineIsBounded) {
  const std::string fits = "+OK " + std::string(kReplyLineBytesMax - 6, 'x') + "\r\n";
  const std::string too_long = "-ERR " + std::string(kReplyLineBytesMax - 6, 'x') + "\r\n";
  for (size_t piece : {size_t{1}, size_t{7}, kReplyLineBytesMax, size_t{4096}}) {
    ExpectAsNaive(fits, false, [piece] { return piece; });
    ExpectAsNaive(too_long, false, [piece] { return piece; });
    ReplyFramer framer;
    framer.Expect(false);
    FeedInPieces(&framer, too_long, [piece] { return piece; });
    EXPECT_EQ(framer.fault(), Fault::kStatusLineTooLong);
  }
}

TEST(ReplyFramerTest, TheStatusPrefixIsCutAtEveryLengthWithoutItsLineEnd) {
  for (size_t length = 0; length < 2 * kStatusPrefixBytes; ++length) {
    const std::string text = "+OK" + std::string(length, 'y');
    for (std::string_view end : {"\n", "\r\n", "\r\r\n"}) {
      ExpectAsNaive(text + std::string(end), false, [] { return size_t{1}; });
      ExpectAsNaive(text + std::string(end), true, [] { return size_t{1000}; });
    }
  }
}

TEST(ReplyFramerTest, PipelinedRepliesComeOneByOne) {
  const std::string_view stream =
      "+OK 1 9\r\n+OK\r\nSubject: x\r\n.\r\n-ERR [SYS/TEMP] x\r\n+OK bye\r\n";
  const bool multi[] = {false, true, true, false};
  const std::string_view replies[] = {"+OK 1 9\r\n", "+OK\r\nSubject: x\r\n.\r\n",
                                      "-ERR [SYS/TEMP] x\r\n", "+OK bye\r\n"};
  for (size_t piece = 1; piece <= stream.size(); ++piece) {
    ReplyFramer framer;
    std::string_view rest = stream;
    for (size_t i = 0; i < 4; ++i) {
      framer.Expect(multi[i]);
      EXPECT_FALSE(framer.started());
      EXPECT_EQ(framer.body_bytes(), 0u);
      const size_t consumed = FeedInPieces(&framer, rest, [piece] { return piece; });
      EXPECT_EQ(rest.substr(0, consumed), replies[i]);
      EXPECT_EQ(framer.ok(), i != 2);
      rest.remove_prefix(consumed);
    }
    EXPECT_EQ(rest, "");
  }
}

TEST(ReplyFramerTest, AgreesWithTheNaiveFramerOnRandomStreams) {
  std::mt19937 random(20240602);
  // Small alphabets, so that near-terminators are the rule; long runs, so that blocks are skipped.
  const std::string_view alphabets[] = {"\r\n.", "\r\n.a", "\n.",
                                        "abcdefghijklmnopqrstuvwxyz\r\n."};
  for (int round = 0; round < 40'000; ++round) {
    const std::string_view alphabet = alphabets[random() % std::size(alphabets)];
    std::string stream = random() % 8 == 0 ? "" : "+OK ";
    const size_t size = random() % 40 == 0 ? random() % 3000 : random() % 60;
    for (size_t i = 0; i < size; ++i) stream += alphabet[random() % alphabet.size()];
    if (random() % 4 == 0) stream += "\r\n.\r\n";
    const bool multi_line = random() % 4 != 0;
    const size_t longest = random() % 2 == 0 ? 4 : 400;
    ExpectAsNaive(stream, multi_line, [&random, longest] { return random() % longest; });
    if (testing::Test::HasFailure()) return;
  }
}

TEST(ReplyFramerTest, FindsATerminatorAtEveryOffsetOfALongBody) {
  for (size_t length = 0; length < 300; ++length) {
    const std::string stream = "+OK\r\n" + std::string(length, 'z') + "\r\n.\r\n" + "+OK next\r\n";
    ExpectAsNaive(stream, true, [] { return size_t{10'000}; });
    ExpectAsNaive(stream, true, [] { return size_t{64}; });
  }
}

TEST(ReplyFramerTest, ABodyMayBeLargerThanMemory) {
  ReplyFramer framer;
  framer.Expect(true);
  framer.Feed("+OK\r\n");
  const std::string chunk(size_t{1024} * 1024, 'x');
  uint64_t body = 0;
  for (int i = 0; i < 64; ++i) {
    const ReplyFramer::Step step = framer.Feed(chunk);
    ASSERT_EQ(step.consumed, chunk.size());
    body += step.consumed;
    ASSERT_EQ(framer.body_bytes(), body);
  }
  EXPECT_TRUE(framer.in_body());
  EXPECT_TRUE(framer.Feed("\r\n.\r\n").complete);
  EXPECT_EQ(framer.body_bytes(), body + 2);
}

TEST(ReplyFramerTest, AnEmptyFeedChangesNothing) {
  ReplyFramer framer;
  framer.Expect(true);
  for (std::string_view piece : {"", "+OK\r", "", "\n", "", "a\r\n.\r", ""}) {
    EXPECT_FALSE(framer.Feed(piece).complete);
  }
  EXPECT_TRUE(framer.Feed("\n").complete);
}

}  // namespace
}  // namespace poplar::pop3
