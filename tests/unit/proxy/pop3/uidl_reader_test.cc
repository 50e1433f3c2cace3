#include "proxy/pop3/uidl_reader.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <string>

#include "proxy/pop3/limits.h"

namespace poplar::pop3 {
namespace {

constexpr uint64_t kKey = 42;

UidlReader Read(std::string_view answer, size_t piece_bytes, uint64_t key = kKey) {
  UidlReader reader(key);
  for (size_t at = 0; at < answer.size(); at += piece_bytes) {
    reader.Feed(std::string(answer.substr(at, piece_bytes)));
  }
  return reader;
}

UidlReader Read(std::string_view answer) { return Read(answer, answer.size() + 1); }

std::string Answer(size_t messages) {
  std::string answer = "+OK\r\n";
  for (size_t n = 1; n <= messages; ++n) {
    answer += std::to_string(n) + " uid" + std::to_string(n) + "\r\n";
  }
  return answer + ".\r\n";
}

TEST(UidlReaderTest, TellsWhatIsAListing) {
  const struct {
    std::string_view answer;
    bool valid;
    size_t messages;
    bool whole;
  } cases[] = {
      {"", true, 0, false},
      {"+OK", true, 0, false},
      {"+OK\r\n", true, 0, false},
      {"+OK\r\n.\r\n", true, 0, true},
      {"+OK 2 messages\r\n1 a\r\n2 b\r\n.\r\n", true, 2, true},
      {"+OKAY\r\n1 a\r\n.\r\n", true, 1, true},
      {"+OK\r\n1 a\r\n2 b", true, 1, false},
      {"+OK\r\n1 a\r\n2 b\r", true, 1, false},
      {"+OK\r\n1 a\r\n2 b\r\n.", true, 2, false},
      {"+OK\r\n1 a \t\r\n2 b  \r\n.\r\n", true, 2, true},
      {"+OK\r\n1 !~\xff\r\n.\r\n", true, 1, true},
      {"+OK\r\n1 a\r\n2 a\r\n.\r\n", true, 2, true},
      {"-ERR no\r\n", false, 0, false},
      {"+ok\r\n", false, 0, false},
      {"* OK\r\n", false, 0, false},
      {"\r\n", false, 0, false},
      {"+OK\n1 a\r\n.\r\n", false, 0, false},
      {"+OK\r\n1 a\n.\r\n", false, 0, false},
      {"+OK\r\n1 a\r\n.\n", false, 0, false},
      {"+OK\r\n2 b\r\n.\r\n", false, 0, false},
      {"+OK\r\n1 a\r\n3 c\r\n.\r\n", false, 0, false},
      {"+OK\r\n1 a\r\n1 a\r\n.\r\n", false, 0, false},
      {"+OK\r\n0 a\r\n.\r\n", false, 0, false},
      {"+OK\r\n1\r\n.\r\n", false, 0, false},
      {"+OK\r\n1 \r\n.\r\n", false, 0, false},
      {"+OK\r\n1  a\r\n.\r\n", false, 0, false},
      {"+OK\r\n1 a b\r\n.\r\n", false, 0, false},
      {"+OK\r\n1 a\tb\r\n.\r\n", false, 0, false},
      {"+OK\r\n1 a\x01\r\n.\r\n", false, 0, false},
      {"+OK\r\n1 a\r\r\n.\r\n", false, 0, false},
      {"+OK\r\n01 a\r\n.\r\n", false, 0, false},
      {"+OK\r\n\r\n.\r\n", false, 0, false},
      {"+OK\r\n..\r\n.\r\n", false, 0, false},
      {"+OK\r\n1 a\r\n.\r\n+OK\r\n", false, 0, false},
      {"+OK\r\n1 a\r\n.\r\n2 b\r\n", false, 0, false},
  };
  for (const auto& c : cases) {
    for (size_t piece = 1; piece <= c.answer.size() + 1; ++piece) {
      SCOPED_TRACE(testing::PrintToString(c.answer) + " " + std::to_string(piece));
      const UidlReader reader = Read(c.answer, piece);
      EXPECT_EQ(reader.valid(), c.valid);
      EXPECT_EQ(reader.whole(), c.whole);
      EXPECT_EQ(reader.hashes().size(), c.messages);
    }
  }
}

TEST(UidlReaderTest, HashesTheIdAndNothingElse) {
  const auto hashes = Read("+OK\r\n1 a\r\n2 b\r\n3 a\r\n.\r\n").Take();
  ASSERT_EQ(hashes.size(), 3u);
  EXPECT_EQ(hashes[0], hashes[2]);
  EXPECT_NE(hashes[0], hashes[1]);
  // Wherever it is, whatever blanks follow it, however it came.
  EXPECT_EQ(Read("+OK ids\r\n1 b\r\n2 a \t\r\n", 1).hashes(),
            (std::vector<uint64_t>{hashes[1], hashes[0]}));
  EXPECT_NE(Read("+OK\r\n1 a\r\n", 9, kKey + 1).hashes()[0], hashes[0]);
}

TEST(UidlReaderTest, HashesAreTheSameHoweverTheAnswerIsSplit) {
  const std::string answer = Answer(500);
  const auto hashes = Read(answer).Take();
  ASSERT_EQ(hashes.size(), 500u);
  EXPECT_EQ(std::set<uint64_t>(hashes.begin(), hashes.end()).size(), 500u);
  for (size_t piece : {1, 2, 3, 5, 64, 1399}) EXPECT_EQ(Read(answer, piece).hashes(), hashes);
}

TEST(UidlReaderTest, IdsOfEveryLengthAreToldApart) {
  const size_t longest = kListingLineBytesMax - std::string_view("1 \r\n").size();
  std::set<uint64_t> hashes;
  for (size_t length = 1; length <= longest; ++length) {
    const UidlReader reader = Read("+OK\r\n1 " + std::string(length, 'i') + "\r\n", 100);
    ASSERT_EQ(reader.hashes().size(), 1u) << length;
    hashes.insert(reader.hashes()[0]);
  }
  EXPECT_EQ(hashes.size(), longest);
  for (size_t piece : {1, 100, 10'000}) {
    EXPECT_FALSE(Read("+OK\r\n1 " + std::string(longest + 1, 'i') + "\r\n", piece).valid());
  }
}

TEST(UidlReaderTest, MessagesAreBounded) {
  UidlReader fits = Read(Answer(kViewMessagesMax), 16'384);
  EXPECT_TRUE(fits.valid());
  EXPECT_TRUE(fits.whole());
  const std::vector<uint64_t> hashes = fits.Take();
  EXPECT_EQ(hashes.size(), kViewMessagesMax);
  EXPECT_EQ(hashes.capacity(), kViewMessagesMax);
  EXPECT_TRUE(fits.hashes().empty());

  const UidlReader too_many = Read(Answer(kViewMessagesMax + 1), 16'384);
  EXPECT_FALSE(too_many.valid());
  EXPECT_EQ(too_many.hashes().capacity(), 0u);
}

}  // namespace
}  // namespace poplar::pop3
