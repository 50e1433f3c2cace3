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

}  // namespace
}  // namespace poplar::metrics
