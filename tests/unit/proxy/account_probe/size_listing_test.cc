#include "proxy/account_probe/size_listing.h"

#include <gtest/gtest.h>

#include <string>

namespace poplar::account_probe {
namespace {

SizeListing Read(const std::string& text, size_t piece = std::string::npos) {
  SizeListing listing;
  for (size_t at = 0; at < text.size(); at += std::min(piece, text.size() - at))
    listing.Feed(std::string_view(text).substr(at, piece));
  return listing;
}

TEST(SizeListingTest, KeepsTheSmallestAndTheNewest) {
  for (const size_t piece : {size_t{1}, size_t{3}, std::string::npos}) {
    const SizeListing listing =
        Read("+OK 4 messages\r\n1 30\r\n2 7\r\n3 7\r\n4 99 and more\r\n.\r\n", piece);
    ASSERT_TRUE(listing.valid());
    EXPECT_EQ(listing.count(), 4u);
    EXPECT_EQ(listing.smallest()->number, 2u);
    EXPECT_EQ(listing.smallest()->bytes, 7u);
    EXPECT_EQ(listing.newest()->number, 4u);
    EXPECT_EQ(listing.newest()->bytes, 99u);
  }
}

TEST(SizeListingTest, NothingIsFine) {
  const SizeListing listing = Read("+OK\r\n.\r\n");
  EXPECT_TRUE(listing.valid());
  EXPECT_EQ(listing.count(), 0u);
  EXPECT_FALSE(listing.smallest().has_value());
  EXPECT_TRUE(Read("-ERR no\r\n").valid());
}

TEST(SizeListingTest, AnythingElseIsNoListing) {
  for (const char* text :
       {"hello\r\n", "+OK\r\n2 5\r\n", "+OK\r\n1 5\r\n1 5\r\n", "+OK\r\n1 x\r\n",
        "+OK\r\n1 99999999999999999999999\r\n", "+OK\r\n1 -5\r\n", "+OK\r\n0 5\r\n", "+OK\r\n1\r\n",
        "+OK\r\n1 5\n", "+OK\r\n.\r\n1 5\r\n", "+OK\r\n\r\n", "+OK\r\n4294967297 5\r\n"}) {
    EXPECT_FALSE(Read(text).valid()) << text;
  }
  EXPECT_FALSE(Read("+OK\r\n1 " + std::string(2000, '5') + "\r\n").valid());
}

}  // namespace
}  // namespace poplar::account_probe
