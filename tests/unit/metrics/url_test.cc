#include "metrics/url.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace poplar::metrics {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

TEST(PercentDecodedTest, ResolvesEscapes) {
  EXPECT_EQ(PercentDecoded(""), "");
  EXPECT_EQ(PercentDecoded("mail-1.example_x"), "mail-1.example_x");
  EXPECT_EQ(PercentDecoded("a%2Fb%2fc%20d+e%25"), "a/b/c d+e%");
  EXPECT_EQ(PercentDecoded("%00%ff"), std::string("\0\xff", 2));
  EXPECT_EQ(PercentDecoded("%252e"), "%2e");  // once only
}

TEST(PercentDecodedTest, RefusesBrokenEscapes) {
  for (const char* text : {"%", "a%", "a%2", "%zz", "%2g", "%g2", "% 2", "%+2", "%-1", "%0x"}) {
    EXPECT_EQ(PercentDecoded(text), std::nullopt) << text;
  }
}

TEST(QueryValuesTest, FindsAllValuesOfAKey) {
  EXPECT_THAT(QueryValues("state=up", "state"), ElementsAre("up"));
  EXPECT_THAT(QueryValues("a=1&state=up&b=2&state=down", "state"), ElementsAre("up", "down"));
  EXPECT_THAT(QueryValues("st%61te=dr%61in+x", "state"), ElementsAre("drain x"));
  EXPECT_THAT(QueryValues("state=a=b", "state"), ElementsAre("a=b"));
  EXPECT_THAT(QueryValues("state", "state"), ElementsAre(""));
  EXPECT_THAT(QueryValues("state=", "state"), ElementsAre(""));
  EXPECT_THAT(QueryValues("state=%zz", "state"), ElementsAre(""));
}

TEST(QueryValuesTest, FindsNothingElse) {
  for (const char* query :
       {"", "&", "&&&", "=", "=up", "states=up", "stat=up", "State=up", "x=state=up", "%zz=up"}) {
    EXPECT_THAT(QueryValues(query, "state"), IsEmpty()) << query;
  }
  EXPECT_THAT(QueryValues("%zz=up&=up", ""), IsEmpty());
}

TEST(QueryPairsTest, TellsWhatCannotBeDecoded) {
  using Pairs = std::vector<std::pair<std::string, std::optional<std::string>>>;
  EXPECT_EQ(QueryPairs("a=1&b=%zz&c&%64=x+y&a=2&%zz=3&=4"),
            (Pairs{{"a", "1"}, {"b", std::nullopt}, {"c", ""}, {"d", "x y"}, {"a", "2"}}));
  EXPECT_EQ(QueryPairs(""), Pairs());
}

TEST(PercentEncodedTest, IsReadAgainAsItWas) {
  EXPECT_EQ(PercentEncoded("aZ09-._~"), "aZ09-._~");
  EXPECT_EQ(PercentEncoded("a b+c/d&e=f%\xC3\xA4"), "a%20b%2Bc%2Fd%26e%3Df%25%C3%A4");
  std::string all;
  for (int byte = 0; byte < 256; ++byte) all.push_back(static_cast<char>(byte));
  EXPECT_EQ(PercentDecoded(PercentEncoded(all)), all);
  EXPECT_THAT(QueryValues("x=" + PercentEncoded(all), "x"), ElementsAre(all));
}

}  // namespace
}  // namespace poplar::metrics
