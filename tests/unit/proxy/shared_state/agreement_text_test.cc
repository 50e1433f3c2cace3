#include "proxy/shared_state/agreement_text.h"

#include <gtest/gtest.h>

#include "proxy/shared_state/limits.h"

namespace poplar::shared_state {
namespace {

using std::chrono::milliseconds;

TEST(AgreementTextTest, ReadsWhatItWrote) {
  const Agreements agreements = {
      {"main/a", {.out = true, .since = milliseconds(5), .changed = milliseconds(7)}},
      {"main/b",
       {.out = true,
        .since = milliseconds(5),
        .changed = milliseconds(7),
        .doubted = milliseconds(9)}},
      {"other/[::1]:110", {.since = milliseconds(1'700'000'000'000), .changed = milliseconds(8)}}};
  const std::string text = RenderAgreements(agreements);
  EXPECT_EQ(text, "main/a out 5 7 -\nmain/b out 5 7 9\nother/[::1]:110 in 1700000000000 8 -\n");
  EXPECT_EQ(ParseAgreements(text), agreements);
  EXPECT_EQ(ParseAgreements(""), Agreements());
}

TEST(AgreementTextTest, LeavesOutWhatMakesNoSense) {
  EXPECT_EQ(
      ParseAgreements("main/a gone 1 2 -\nmain/b out x 2 -\nmain out 1 2 -\n\n \nmain/c out 1"),
      Agreements());
  EXPECT_EQ(ParseAgreements("main/a out -1 2 -"), Agreements());
  EXPECT_EQ(ParseAgreements("main/a out 4000000000001 2 -"), Agreements());
  std::string long_name = "main/";
  long_name.append(kNodeNameBytesMax, 'x');
  EXPECT_EQ(ParseAgreements(long_name + " out 1 2 -"), Agreements());
  std::string many;
  for (size_t i = 0; i < 2 * kNodesMax; ++i) many += "main/" + std::to_string(i) + " in 1 2 -\n";
  EXPECT_EQ(ParseAgreements(many).size(), kNodesMax);
}

TEST(AgreementTextTest, AgesBecomeMoments) {
  const Ages ages = {{"main/a", milliseconds(2000)}, {"main/b", milliseconds(31)}};
  EXPECT_EQ(RenderAges(ages), "main/a 2000 main/b 31");
  const auto votes = ParseVotes("16000 1000 " + RenderAges(ages));
  ASSERT_TRUE(votes);
  EXPECT_EQ(*votes, (Votes{{"main/a", milliseconds(0)}, {"main/b", milliseconds(969)}}));
  EXPECT_EQ(ParseVotes("16000 1000 "), Votes());
  EXPECT_EQ(ParseVotes("16000 1000 main/a"), Votes());
  EXPECT_FALSE(ParseVotes("16000 1000 " + std::string(kNoVotes)));
  EXPECT_FALSE(ParseVotes(""));
  EXPECT_FALSE(ParseVotes("16000"));
}

}  // namespace
}  // namespace poplar::shared_state
