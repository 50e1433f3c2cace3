#include "proxy/io/rare.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <utility>

#include "proxy/io/rare_text.h"
#include "proxy/io/static_text.h"

namespace poplar::io {
namespace {

static_assert(sizeof(Rare<std::string>) == sizeof(void*));
static_assert(sizeof(RareText) == sizeof(void*));
static_assert(sizeof(StaticText) == sizeof(void*));

TEST(Rare, IsThereOnceItIsSet) {
  Rare<std::string> rare;
  EXPECT_FALSE(rare);
  EXPECT_FALSE(rare.has_value());
  rare = std::string("here");
  ASSERT_TRUE(rare);
  EXPECT_EQ(*rare, "here");
  EXPECT_EQ(rare->size(), 4u);
}

TEST(Rare, CopiesTheValueAndMovesThePlace) {
  Rare<std::string> one;
  one = std::string("one");
  Rare<std::string> copy = one;
  copy = std::string("changed");
  EXPECT_EQ(*one, "one");
  const std::string* place = one.operator->();
  const Rare<std::string> moved = std::move(one);
  EXPECT_EQ(moved.operator->(), place);
  const Rare<std::string>& same = copy;
  copy = same;
  EXPECT_EQ(*copy, "changed");
  copy = Rare<std::string>();
  EXPECT_FALSE(copy);
}

TEST(RareText, IsEmptyUntilItIsSet) {
  RareText text;
  EXPECT_TRUE(text.empty());
  EXPECT_EQ(text, "");
  text = "a failure";
  EXPECT_FALSE(text.empty());
  EXPECT_EQ(text, "a failure");
  text = "";
  EXPECT_TRUE(text.empty());
  text = "again";
  text.clear();
  EXPECT_TRUE(text.empty());
}

TEST(RareText, OwnsWhatItSays) {
  RareText text;
  std::string lost = "words of a peer that is gone";
  text = lost;
  lost.assign(lost.size(), '?');
  EXPECT_EQ(text, "words of a peer that is gone");
  RareText copy = text;
  copy = "other";
  EXPECT_EQ(text, "words of a peer that is gone");
  copy = text;
  const RareText& same = copy;
  copy = same;
  EXPECT_EQ(copy, "words of a peer that is gone");
  copy = std::string_view(copy).substr(9, 4);  // of its own
  EXPECT_EQ(copy, "a pe");
}

TEST(StaticText, IsTheTextAsAWhole) {
  EXPECT_TRUE(StaticText().empty());
  EXPECT_EQ(StaticText(), "");
  constexpr std::string_view kSuite = "TLS_AES_128_GCM_SHA256";
  EXPECT_EQ(StaticText(kSuite), kSuite);
  EXPECT_EQ(std::string_view(StaticText(kSuite)).data(), kSuite.data()) << "not a copy";
  EXPECT_TRUE(StaticText(std::string_view()).empty()) << "which has no NUL to end it";
}

}  // namespace
}  // namespace poplar::io
