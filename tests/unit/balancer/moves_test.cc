#include "balancer/moves.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace poplar::balancer {
namespace {

constexpr ClusterId kOld{0};
constexpr ClusterId kNew{1};
constexpr ClusterId kThird{2};
constexpr NodeId kNode{0};

CanonicalUser User(const std::string& name) { return CanonicalUser::FromCanonical(name); }

MoveRule Rule(uint32_t permille = kAllPermille, std::vector<std::string> users = {},
              std::vector<std::string> domains = {}) {
  return {"away", kOld, kNew, std::move(users), std::move(domains), permille};
}

ClusterId PlaceOf(const Moves& moves, const std::string& name, ClusterId said = kOld) {
  const auto turn = moves.TurnOf(said, User(name));
  return turn ? moves.ClusterOf(*turn) : said;
}

// Whoever copies mail by the recipe comes to the same numbers (rendezvous_reference.py has it too):
// they may never change.
TEST(PlaceInMove, IsFrozen) {
  EXPECT_EQ(PlaceInMove("anna@example.org", "away"), 985U);
  EXPECT_EQ(PlaceInMove("bob@example.org", "away"), 815U);
  EXPECT_EQ(PlaceInMove("anna@example.org", "to-new-storage"), 345U);
  EXPECT_EQ(PlaceInMove("", ""), 634U);
}

TEST(PlaceInMove, SpreadsEvenlyAndOtherwiseForEachMove) {
  size_t below = 0;
  size_t in_both = 0;
  constexpr size_t kUsers = 20'000;
  for (size_t i = 0; i < kUsers; ++i) {
    const std::string user = "user" + std::to_string(i) + "@example.org";
    const bool first = PlaceInMove(user, "first") < 300;
    below += first ? 1 : 0;
    in_both += first && PlaceInMove(user, "second") < 300 ? 1 : 0;
  }
  EXPECT_NEAR(static_cast<double>(below), kUsers * 0.3, 260);     // 4 sigma
  EXPECT_NEAR(static_cast<double>(in_both), kUsers * 0.09, 162);  // likewise
}

TEST(Moves, MeansUsersAndDomainsOrEverybody) {
  const Moves all({Rule()});
  EXPECT_EQ(PlaceOf(all, "anna"), kNew);
  EXPECT_EQ(PlaceOf(all, "anna", kThird), kThird);
  EXPECT_EQ(PlaceOf(all, "anna", kNew), kNew);
  EXPECT_FALSE(all.TurnOf(kNew, User("anna")));
  const Moves some({Rule(kAllPermille, {"anna@a.example"}, {"B.example", ".c.example"})});
  EXPECT_EQ(PlaceOf(some, "anna@a.example"), kNew);
  EXPECT_EQ(PlaceOf(some, "bob@a.example"), kOld);
  EXPECT_EQ(PlaceOf(some, "bob@b.example"), kNew);
  EXPECT_EQ(PlaceOf(some, "bob@x.b.example"), kOld);
  EXPECT_EQ(PlaceOf(some, "bob@x.c.example"), kNew);
  EXPECT_EQ(PlaceOf(some, "bob@c.example"), kOld);
  EXPECT_EQ(PlaceOf(some, "b.example"), kOld);
}

TEST(Moves, TheFirstThatMeansTheUserDecidesWhateverItsShare) {
  const Moves moves({{"first", kOld, kNew, {"anna"}, {}, 0},
                     {"second", kOld, kThird, {}, {}, kAllPermille},
                     {"third", kNew, kThird, {}, {}, kAllPermille}});
  EXPECT_EQ(PlaceOf(moves, "anna"), kOld);
  EXPECT_EQ(PlaceOf(moves, "bob"), kThird);
  EXPECT_EQ(moves.TurnOf(kOld, User("anna"))->move, 0U);
  EXPECT_EQ(moves.Find("second"), 1U);
  EXPECT_EQ(moves.Find("fourth"), std::nullopt);
}

TEST(Moves, AMoveMovesNobodyOn) {
  const Moves moves({Rule(), {"on", kNew, kThird, {}, {}, kAllPermille}});
  EXPECT_EQ(PlaceOf(moves, "anna"), kNew);
  EXPECT_EQ(PlaceOf(moves, "anna", kNew), kThird);
}

TEST(Moves, MoreOnlyAddAndFewerOnlyTakeBack) {
  Moves moves({Rule(0)});
  std::vector<std::string> users;
  for (int i = 0; i < 500; ++i) users.push_back("user" + std::to_string(i));
  std::vector<bool> before(users.size(), false);
  size_t moved_before = 0;
  for (uint32_t permille = 0; permille <= kAllPermille; ++permille) {
    moves.SetPermille(0, permille);
    size_t moved = 0;
    for (size_t i = 0; i < users.size(); ++i) {
      const bool now = PlaceOf(moves, users[i]) == kNew;
      EXPECT_TRUE(now || !before[i]) << users[i] << " came back at " << permille;
      before[i] = now;
      moved += now ? 1 : 0;
    }
    EXPECT_GE(moved, moved_before);
    moved_before = moved;
  }
  EXPECT_EQ(moved_before, users.size());
  moves.SetPermille(0, 0);
  for (const std::string& user : users) EXPECT_EQ(PlaceOf(moves, user), kOld);
}

class MayEnter : public testing::Test {
 protected:
  bool Enter(ClusterId cluster) { return moves_.MayEnter(affinity_, user_, turn_, cluster); }

  const CanonicalUser user_ = User("anna");
  Affinity affinity_;
  Moves moves_{{Rule(0)}};
  const Moves::Turn turn_ = *moves_.TurnOf(kOld, user_);
};

TEST_F(MayEnter, OnlyWhereTheMoveHasTheUser) {
  EXPECT_TRUE(Enter(kOld));
  EXPECT_FALSE(Enter(kNew));
  moves_.SetPermille(0, kAllPermille);
  EXPECT_FALSE(Enter(kOld));
  EXPECT_TRUE(Enter(kNew));
}

TEST_F(MayEnter, OnlyOnceNothingOfTheUsersIsElsewhere) {
  auto old = affinity_.Acquire(kOld, user_, kNode);
  moves_.SetPermille(0, kAllPermille);
  EXPECT_FALSE(Enter(kNew));
  const auto stranger = affinity_.Acquire(kOld, User("bob"), kNode);
  old.Release();
  EXPECT_TRUE(Enter(kNew));
  auto landed = affinity_.Acquire(kNew, user_, kNode);
  moves_.SetPermille(0, 0);
  EXPECT_FALSE(Enter(kOld));
  landed.Release();
  EXPECT_TRUE(Enter(kOld));
}

// The namesake has never been moved, and may be somebody else.
TEST_F(MayEnter, WhateverANamesakeDoesInTheNewCluster) {
  const auto namesake = affinity_.Acquire(kNew, user_, kNode);
  EXPECT_TRUE(Enter(kOld));
}

TEST_F(MayEnter, TheOtherClusterIsTheOneToLeave) {
  EXPECT_EQ(moves_.OtherOf(turn_, kOld), kNew);
  EXPECT_EQ(moves_.OtherOf(turn_, kNew), kOld);
}

TEST(Moves, GoOnUnderAnotherList) {
  Moves before({{"other", kOld, kThird, {"x@a.example"}, {}, 0}, Rule(100)});
  before.SetPermille(1, 300);
  ++before.counts(1).landed;
  Moves after({Rule(100), {"more", kThird, kNew, {}, {}, 7}}, &before);
  EXPECT_EQ(after.permille(0), 300u) << "as an operator has said meanwhile";
  EXPECT_EQ(after.counts(0).landed, 1u);
  EXPECT_EQ(after.permille(1), 7u);
  after.SetPermille(0, 500);
  EXPECT_EQ(before.permille(1), 500u) << "whoever still goes by the old list knows it";
  const auto turn = before.TurnOf(kOld, User("anna"));
  ASSERT_TRUE(turn);
  const auto same = after.TurnAs(before, *turn);
  ASSERT_TRUE(same);
  EXPECT_EQ(same->move, 0u);
  EXPECT_EQ(same->place, turn->place);
  EXPECT_FALSE(after.TurnAs(before, {0, 1}));
}

TEST(Moves, OfOtherUsersIsAnotherMove) {
  Moves before({Rule(100)});
  before.SetPermille(0, 300);
  const Moves after({Rule(100, {"anna@a.example"})}, &before);
  EXPECT_EQ(after.permille(0), 100u);
  EXPECT_FALSE(after.HasNewShare(before, 0));
}

TEST(Moves, KnowWhoseShareTheRuleChanges) {
  const Moves before({Rule(100), {"more", kThird, kNew, {}, {}, 7}});
  const Moves after({Rule(200), {"more", kThird, kNew, {}, {}, 7}}, &before);
  EXPECT_TRUE(after.HasNewShare(before, 0));
  EXPECT_FALSE(after.HasNewShare(before, 1));
  EXPECT_EQ(after.permille(0), 100u) << "until somebody sets it";
}

}  // namespace
}  // namespace poplar::balancer
