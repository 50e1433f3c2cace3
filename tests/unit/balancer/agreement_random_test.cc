// Replicas whose views flap at random: what they agree on doesn't.
#include <gtest/gtest.h>

#include <random>
#include <vector>

#include "balancer/agreement.h"

namespace poplar::balancer {
namespace {

using std::chrono::seconds;

constexpr Duration kPatience = seconds(10);
constexpr int kRounds = 2000;

struct Story {
  explicit Story(uint32_t seed) : dice(seed), voters(1 + dice() % 9), out_since(voters) {}

  // A second passes; `flappers` of the voters change their minds as they like, the others think
  // that the node is `out`.
  void Step(size_t flappers, bool out) {
    now += seconds(1);
    for (size_t i = 0; i < voters; ++i) {
      const bool says_out = i < flappers ? dice() % 2 == 0 : out;
      if (!says_out) {
        out_since[i].reset();
      } else if (!out_since[i]) {
        out_since[i] = now;
      }
    }
    std::vector<Moment> against;
    for (const auto& since : out_since) {
      if (since) against.push_back(*since);
    }
    const Agreement next = Agree(agreed, against, voters, kPatience, now);
    if (next.out != agreed.out) ++changes;
    EXPECT_LE(next.since, now);
    EXPECT_LE(next.changed, now);
    agreed = next;
  }

  std::mt19937 dice;
  size_t voters;
  std::vector<std::optional<Moment>> out_since;
  Agreement agreed;
  Moment now{};
  int changes = 0;
};

class AgreementRandomTest : public testing::TestWithParam<uint32_t> {};

TEST_P(AgreementRandomTest, AQuarterThatFlapsMovesNothing) {
  Story story(GetParam());
  const size_t flappers = story.voters / 4;
  for (int i = 0; i < kRounds; ++i) story.Step(flappers, false);
  EXPECT_EQ(story.changes, 0) << "seed " << GetParam();
  story.Step(flappers, true);
  EXPECT_TRUE(story.agreed.out) << "seed " << GetParam();
  for (int i = 0; i < kRounds; ++i) story.Step(flappers, true);
  EXPECT_EQ(story.changes, 1) << "seed " << GetParam();
  for (int i = 0; i < 20; ++i) story.Step(flappers, false);
  EXPECT_FALSE(story.agreed.out) << "seed " << GetParam();
  EXPECT_EQ(story.changes, 2) << "seed " << GetParam();
}

TEST_P(AgreementRandomTest, WithHalfOfThemAgainstItANodeComesBackAllTheSame) {
  Story story(GetParam());
  story.Step(0, true);
  EXPECT_TRUE(story.agreed.out);
  // Half of them never change their mind.
  std::vector<Moment> half(story.voters / 2, seconds(1));
  for (int second = 2; second < 20; ++second)
    story.agreed = Agree(story.agreed, half, story.voters, kPatience, seconds(second));
  EXPECT_FALSE(story.agreed.out) << "seed " << GetParam();
}

INSTANTIATE_TEST_SUITE_P(Seeds, AgreementRandomTest, testing::Range(0U, 200U));

}  // namespace
}  // namespace poplar::balancer
