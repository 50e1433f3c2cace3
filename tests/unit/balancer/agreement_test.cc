#include "balancer/agreement.h"

#include <gtest/gtest.h>

#include <vector>

namespace poplar::balancer {
namespace {

using std::chrono::seconds;

constexpr Duration kPatience = seconds(10);

Agreement Next(const Agreement& before, const std::vector<Moment>& failing_since, size_t voters,
               Moment now) {
  return Agree(before, failing_since, voters, kPatience, now);
}

std::vector<Moment> Votes(size_t count) { return std::vector<Moment>(count, seconds(90)); }

TEST(AgreementTest, MoreThanHalfTakeANodeOut) {
  for (size_t voters = 1; voters <= 9; ++voters) {
    for (size_t against = 0; against <= voters; ++against) {
      const Agreement next = Next({}, Votes(against), voters, seconds(100));
      EXPECT_EQ(next.out, against * 2 > voters) << against << " of " << voters;
    }
  }
}

TEST(AgreementTest, ItHasBeenFailingSinceTheFirstSawIt) {
  const Agreement next = Next({}, {seconds(97), seconds(95), seconds(99)}, 4, seconds(100));
  EXPECT_EQ(next, (Agreement{.out = true, .since = seconds(95), .changed = seconds(100)}));
  // Whose clock is ahead.
  EXPECT_EQ(Next({}, {seconds(101)}, 1, seconds(100)).since, seconds(100));
}

TEST(AgreementTest, BackAtOnceWhenHardlyAnybodySaysSoAnyMore) {
  const Agreement out{.out = true, .since = seconds(90), .changed = seconds(100)};
  EXPECT_EQ(Next(out, Votes(1), 4, seconds(110)),
            (Agreement{.out = false, .since = seconds(90), .changed = seconds(110)}));
  EXPECT_TRUE(Next(out, Votes(1), 3, seconds(110)).out);
  EXPECT_FALSE(Next(out, {}, 1, seconds(110)).out);
}

TEST(AgreementTest, WithSomeAgainstItBackAfterAWhile) {
  const Agreement out{.out = true, .since = seconds(90), .changed = seconds(100)};
  const Agreement doubted = Next(out, Votes(2), 4, seconds(110));
  EXPECT_TRUE(doubted.out);
  EXPECT_EQ(doubted.doubted, seconds(110));
  EXPECT_EQ(Next(doubted, Votes(2), 4, seconds(119)), doubted);
  EXPECT_FALSE(Next(doubted, Votes(2), 4, seconds(120)).out);
  // Most say so again: the while begins anew.
  const Agreement sure = Next(doubted, Votes(3), 4, seconds(119));
  EXPECT_EQ(sure, out);
  EXPECT_TRUE(Next(Next(sure, Votes(2), 4, seconds(121)), Votes(2), 4, seconds(130)).out);
}

TEST(AgreementTest, OneWhoCannotReachANodeTakesItFromNobody) {
  Agreement agreed;
  for (int second = 0; second < 1000; ++second) agreed = Next(agreed, Votes(1), 3, seconds(second));
  EXPECT_EQ(agreed, Agreement());
}

}  // namespace
}  // namespace poplar::balancer
