#include "proxy/pop3/listing_filter.h"

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

#include "proxy/pop3/limits.h"

namespace poplar::pop3 {
namespace {

// The client saw messages with these ids, and the node has those now.
MaildropView Between(const std::vector<uint64_t>& client, const std::vector<uint64_t>& node) {
  MaildropView view;
  view.Learn(client, true);
  EXPECT_NE(view.Refit(node), MaildropView::Fit::kDifferent);
  return view;
}

struct Filtered {
  bool listing = true;
  std::string text;
  uint32_t count = 0;
  uint64_t octets = 0;
  bool operator==(const Filtered&) const = default;
};

void PrintTo(const Filtered& filtered, std::ostream* out) {
  *out << filtered.listing << " " << testing::PrintToString(filtered.text) << " " << filtered.count
       << " " << filtered.octets;
}

Filtered Filter(const MaildropView& view, std::string_view answer, size_t piece_bytes) {
  ListingFilter filter(view);
  Filtered filtered;
  for (size_t at = 0; at < answer.size(); at += piece_bytes) {
    const std::string piece(answer.substr(at, piece_bytes));
    const bool listing = filter.Feed(piece, &filtered.text);
    EXPECT_TRUE(filtered.listing || !listing) << "it was broken before";
    filtered.listing = listing;
  }
  filtered.count = filter.count();
  filtered.octets = filter.octets();
  return filtered;
}

// Client's 1, 2, 3 are the node's 3, none, 1; the node's 2 and 4 are new.
MaildropView Mixed() { return Between({11, 12, 13}, {13, 20, 11, 21}); }

TEST(ListingFilterTest, RenumbersAndHides) {
  const struct {
    std::string_view answer;
    Filtered expected;
  } cases[] = {
      {"+OK\r\n.\r\n", {true, "+OK\r\n.\r\n", 0, 0}},
      {"+OK 4 messages (1000 octets)\r\n1 100\r\n2 200\r\n3 300\r\n4 400\r\n.\r\n",
       {true, "+OK\r\n3 100\r\n1 300\r\n.\r\n", 2, 400}},
      {"+OK\r\n1 idA\r\n2 idB\r\n3 idC \r\n4 idD\r\n.\r\n",
       {true, "+OK\r\n3 idA\r\n1 idC \r\n.\r\n", 2, 0}},
      {"+OK\r\n3 300 more fields\r\n.\r\n", {true, "+OK\r\n1 300 more fields\r\n.\r\n", 1, 300}},
      {"+OK\r\n3 300\r\n4", {true, "+OK\r\n1 300\r\n", 1, 300}},
      {"+OK\r\n5 1\r\n4294967295 1\r\n.\r\n", {true, "+OK\r\n.\r\n", 0, 0}},
      {"+OK\r\n2 200\r\n.", {true, "+OK\r\n", 0, 0}},
      {"+O", {true, "", 0, 0}},
      {"-ERR no\r\n", {false, "", 0, 0}},
      {"OK\r\n.\r\n", {false, "", 0, 0}},
      {"+OK\r\n1 100\r\n0 7\r\n.\r\n", {false, "+OK\r\n3 100\r\n", 1, 100}},
      {"+OK\r\n1 100\r\nSubject: x\r\n.\r\n", {false, "+OK\r\n3 100\r\n", 1, 100}},
      {"+OK\r\n1\r\n.\r\n", {false, "+OK\r\n", 0, 0}},
      {"+OK\r\n\r\n.\r\n", {false, "+OK\r\n", 0, 0}},
      {"+OK\r\n..\r\n.\r\n", {false, "+OK\r\n", 0, 0}},
      // Nothing that the framer takes for no terminator may come out as one.
      {"+OK\r\n1 100\r\n.\n", {false, "+OK\r\n3 100\r\n", 1, 100}},
      {"+OK\r\n1 100\n.\r\n", {false, "+OK\r\n", 0, 0}},
      {"+OK\n.\r\n", {false, "", 0, 0}},
      {"+OK\r\n.\r\n.\r\n", {false, "+OK\r\n.\r\n", 0, 0}},
  };
  const MaildropView view = Mixed();
  for (const auto& c : cases) {
    for (size_t piece = 1; piece <= c.answer.size(); ++piece) {
      EXPECT_EQ(Filter(view, c.answer, piece), c.expected)
          << testing::PrintToString(c.answer) << piece;
    }
  }
}

TEST(ListingFilterTest, EachLinePassesAsSoonAsItIsWhole) {
  const MaildropView view = Mixed();
  ListingFilter filter(view);
  std::string out;
  const std::pair<std::string_view, std::string_view> steps[] = {
      {"+OK hel", ""},
      {"lo\r", ""},
      {"\n", "+OK\r\n"},
      {"1 1", "+OK\r\n"},
      {"00\r\n3 3", "+OK\r\n3 100\r\n"},
      {"00\r\n.\r", "+OK\r\n3 100\r\n1 300\r\n"},
      {"\n", "+OK\r\n3 100\r\n1 300\r\n.\r\n"},
  };
  for (const auto& [piece, expected] : steps) {
    EXPECT_TRUE(filter.Feed(piece, &out));
    EXPECT_EQ(out, expected);
  }
}

TEST(ListingFilterTest, LinesAndOutputAreBounded) {
  const MaildropView view = Between({7}, {9, 7});
  const std::string longest(kListingLineBytesMax - 4, 'x');
  EXPECT_TRUE(Filter(view, "+OK\r\n2 " + longest + "\r\n", 9).listing);
  EXPECT_FALSE(Filter(view, "+OK\r\n2 x" + longest + "\r\n", 9).listing);
  EXPECT_FALSE(Filter(view, "+OK" + std::string(kReplyLineBytesMax, 'x') + "\r\n", 9).listing);

  // The one that grows most: all of the client's messages but the last have vanished.
  std::vector<uint64_t> ids(kViewMessagesMax);
  for (size_t i = 0; i < ids.size(); ++i) ids[i] = i;
  const std::vector<uint64_t> last(ids.end() - 9, ids.end());
  const MaildropView shifted = Between(ids, last);
  std::string answer = "+OK\r\n";
  for (int n = 1; n <= 9; ++n) answer += std::to_string(n) + " 1\r\n";
  const Filtered filtered = Filter(shifted, answer, answer.size());
  EXPECT_EQ(filtered.count, 9u);
  EXPECT_LE(filtered.text.size(), 2 * answer.size());
}

TEST(ListingFilterTest, AgreesWithTheNaiveOneOnRandomListings) {
  std::mt19937 random(7);
  for (int round = 0; round < 2000; ++round) {
    std::vector<uint64_t> client(random() % 30);
    std::vector<uint64_t> node;
    for (size_t i = 0; i < client.size(); ++i) {
      client[i] = 1000 + i;
      if (random() % 4 != 0) node.push_back(client[i]);
    }
    for (uint64_t i = random() % 5; i > 0; --i) node.push_back(i);
    if (random() % 2 == 0) std::shuffle(node.begin(), node.end(), random);
    const MaildropView view = Between(client, node);

    std::string answer = "+OK list\r\n";
    Filtered expected = {.text = "+OK\r\n"};
    for (size_t i = 0; i < node.size(); ++i) {
      if (random() % 8 == 0) continue;  // marked for deletion
      const uint64_t size = random() % 100'000;
      const std::string rest = " " + std::to_string(size) + "\r\n";
      answer += std::to_string(i + 1) + rest;
      if (node[i] < 1000) continue;
      expected.text += std::to_string(node[i] - 1000 + 1) + rest;
      ++expected.count;
      expected.octets += size;
    }
    answer += ".\r\n";
    expected.text += ".\r\n";
    ASSERT_EQ(Filter(view, answer, 1 + random() % 40), expected);
  }
}

TEST(ListingFilterTest, RenumbersTheAnswerForOneMessage) {
  const MaildropView view = Mixed();
  const std::pair<std::string_view, std::string_view> cases[] = {
      {"+OK 3 120", "+OK 1 120\r\n"},
      {"+OK 1 some-id", "+OK 3 some-id\r\n"},
      {"+OK 3 120 more ", "+OK 1 120 more \r\n"},
      {"+OK 2 120", "+OK 2 120\r\n"},
      {"+OK 9 120", "+OK 9 120\r\n"},
      {"+OK 0 120", "+OK 0 120\r\n"},
      {"+OK 3", "+OK 3\r\n"},
      {"+OK", "+OK\r\n"},
      {"+OK message 3 has 120", "+OK message 3 has 120\r\n"},
      {"+OK3 120", "+OK3 120\r\n"},
      {"-ERR 3 120", "-ERR 3 120\r\n"},
      {"", "\r\n"},
  };
  for (const auto& [line, expected] : cases) EXPECT_EQ(FilterListingLine(line, view), expected);
}

}  // namespace
}  // namespace poplar::pop3
