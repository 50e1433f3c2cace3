// DESIGN section 4, the parked connections of a node.
#include <gtest/gtest.h>

#include "tests/unit/balancer/pool_fixture.h"

namespace poplar::balancer {
namespace {

using std::chrono::seconds;
using Numbers = std::vector<int>;

class ParkedTest : public PoolFixture {
 protected:
  ParkedTest() { pool_.SetLimits(Limits(0)); }
  ~ParkedTest() override { static_cast<void>(pool_.TakeAllIdle()); }

  std::unique_ptr<ParkedSession> Take(const std::string& user, uint32_t sessions_max = 0) {
    return pool_.TakeParked(kMain, UserNamed(user), sessions_max);
  }
};

TEST_F(ParkedTest, ServesOnlyTheSameUser) {
  EXPECT_TRUE(Park("alice", 1).empty());
  EXPECT_EQ(Take("bob"), nullptr);
  EXPECT_EQ(pool_.TakeParked(ClusterId{1}, UserNamed("alice")), nullptr);
  const auto session = Take("alice");
  ASSERT_NE(session, nullptr);
  EXPECT_EQ(NumberOf(session->connection), 1);
  EXPECT_EQ(Take("alice"), nullptr);  // it is one login's
  EXPECT_EQ(pool_.counts().in_use, 1u);
  EXPECT_EQ(pool_.counts().parked, 0u);
}

TEST_F(ParkedTest, ADifferentCredentialIsNoAnswer) {
  auto session = Session("alice", 1);
  session->digest.bytes[0] = 1;
  EXPECT_TRUE(pool_.Park(kMain, UserNamed("alice"), std::move(session), kNow).empty());
  CredentialDigest other;
  other.bytes[0] = 2;
  // It is taken out all the same: it must end before the node is asked.
  session = Take("alice");
  ASSERT_NE(session, nullptr);
  EXPECT_EQ(Judge(*session, other, false, seconds(5), kNow), ParkedVerdict::kOtherCredential);
  EXPECT_EQ(Take("alice"), nullptr);
}

TEST_F(ParkedTest, ADifferentModeIsNoAnswer) {
  auto session = Session("alice", 1);
  session->utf8 = true;
  EXPECT_TRUE(pool_.Park(kMain, UserNamed("alice"), std::move(session), kNow).empty());
  session = Take("alice");
  ASSERT_NE(session, nullptr);
  EXPECT_EQ(Judge(*session, session->digest, false, seconds(5), kNow), ParkedVerdict::kOtherMode);
  EXPECT_EQ(Judge(*session, session->digest, true, seconds(5), kNow), ParkedVerdict::kServes);
}

TEST_F(ParkedTest, NothingRefreshesTheAge) {
  EXPECT_TRUE(Park("alice", 1).empty());
  for (int second = 1; second < 5; ++second) {
    auto session = Take("alice");
    ASSERT_NE(session, nullptr) << second;
    const Moment now = kNow + seconds(second);
    EXPECT_EQ(session->logged_in, kNow);
    EXPECT_EQ(Judge(*session, session->digest, false, seconds(5), now), ParkedVerdict::kServes);
    EXPECT_TRUE(pool_.Park(kMain, UserNamed("alice"), std::move(session), now).empty());
  }
  auto session = Take("alice");
  EXPECT_EQ(Judge(*session, session->digest, false, seconds(5), kNow + seconds(5)),
            ParkedVerdict::kTooOld);
  EXPECT_EQ(NumbersOf(pool_.Park(kMain, UserNamed("alice"), std::move(session), kNow + seconds(5))),
            (Numbers{1}));
}

TEST_F(ParkedTest, RefusesWhatMayNotBeParked) {
  PoolLimits off = Limits(0);
  off.max_snapshot_age = Duration::zero();
  PoolLimits none = Limits(0);
  none.parked = 0;
  const struct {
    const char* what;
    bool open;
    PoolLimits limits;
    Duration age;
    bool parked;
  } kCases[] = {
      {"as it should be", true, Limits(0), {}, true},
      {"young enough", true, Limits(0), seconds(5) - Duration(1), true},
      {"its age has passed", true, Limits(0), seconds(5), false},
      {"closed", false, Limits(0), {}, false},
      {"parking is off", true, off, {}, false},
      {"none may be parked", true, none, {}, false},
  };
  for (const auto& each : kCases) {
    pool_.SetLimits(each.limits);
    pool_.SetOpen(each.open);
    ended_.clear();
    auto returned = Park("alice", 7, kNow, kNow + each.age);
    EXPECT_EQ(NumbersOf(returned), each.parked ? Numbers{} : Numbers{7}) << each.what;
    EXPECT_EQ(pool_.counts().parked, each.parked ? 1u : 0u) << each.what;
    EXPECT_EQ(affinity_.LeasesOf(kMain, UserNamed("alice")), 1u) << each.what;
    EXPECT_TRUE(ended_.empty()) << each.what;
    returned.clear();
    static_cast<void>(pool_.TakeAllIdle());
    EXPECT_EQ(affinity_.LeasesOf(kMain, UserNamed("alice")), 0u) << each.what;
    EXPECT_EQ(pool_.counts().in_use, 0u) << each.what;
  }
}

TEST_F(ParkedTest, OnePerUser) {
  EXPECT_TRUE(Park("alice", 1, kNow).empty());
  EXPECT_EQ(NumbersOf(Park("alice", 2, kNow + seconds(1), kNow + seconds(2))), (Numbers{1}));
  // The one with the older view goes, whichever was parked first.
  EXPECT_EQ(NumbersOf(Park("alice", 3, kNow, kNow + seconds(2))), (Numbers{3}));
  EXPECT_EQ(pool_.counts().parked, 1u);
  EXPECT_EQ(NumberOf(Take("alice")->connection), 2);
}

TEST_F(ParkedTest, BeyondTheLimitTheOldestGoes) {
  PoolLimits limits = Limits(0);
  limits.parked = 2;
  pool_.SetLimits(limits);
  EXPECT_TRUE(Park("alice", 1, kNow + seconds(1), kNow + seconds(3)).empty());
  EXPECT_TRUE(Park("bob", 2, kNow, kNow + seconds(3)).empty());
  EXPECT_EQ(NumbersOf(Park("carol", 3, kNow + seconds(2), kNow + seconds(3))), (Numbers{2}));
  EXPECT_EQ(NumbersOf(Park("dave", 4, kNow, kNow + seconds(3))), (Numbers{4}));
  EXPECT_EQ(pool_.counts().parked, 2u);
}

TEST_F(ParkedTest, EndsWhenItExpires) {
  EXPECT_TRUE(Park("alice", 1, kNow + seconds(2), kNow + seconds(2)).empty());
  EXPECT_TRUE(Park("bob", 2, kNow, kNow + seconds(2)).empty());
  EXPECT_TRUE(pool_.TakeExpired(kNow + seconds(5) - Duration(1)).empty());
  EXPECT_EQ(NumbersOf(pool_.TakeExpired(kNow + seconds(5))), (Numbers{2}));
  EXPECT_EQ(NumbersOf(pool_.TakeExpired(kNow + seconds(60))), (Numbers{1}));
  EXPECT_EQ(pool_.counts().parked, 0u);
}

TEST_F(ParkedTest, EndsWithTheNextSweepWhenTheLimitsNoLongerAllowIt) {
  EXPECT_TRUE(Park("alice", 1, kNow).empty());
  EXPECT_TRUE(Park("bob", 2, kNow + seconds(1), kNow + seconds(1)).empty());
  PoolLimits limits = Limits(0);
  limits.parked = 1;
  pool_.SetLimits(limits);
  EXPECT_EQ(NumbersOf(pool_.TakeExpired(kNow + seconds(1))), (Numbers{1}));
  limits.max_snapshot_age = Duration::zero();
  pool_.SetLimits(limits);
  EXPECT_EQ(NumbersOf(pool_.TakeExpired(kNow + seconds(1))), (Numbers{2}));
}

TEST_F(ParkedTest, EndsWhenTheNodeDrains) {
  EXPECT_TRUE(Park("alice", 1).empty());
  EXPECT_TRUE(Park("bob", 2).empty());
  EXPECT_EQ(AddWarm(3), nullptr);
  pool_.SetOpen(false);
  auto idle = pool_.TakeAllIdle();
  EXPECT_EQ(NumbersOf(idle), (Numbers{1, 2, 3}));
  EXPECT_EQ(pool_.counts().in_use, 3u);  // until each QUIT is through
  EXPECT_EQ(affinity_.Users(), 2u);
  idle.clear();
  EXPECT_EQ(pool_.counts().in_use, 0u);
  EXPECT_EQ(affinity_.Users(), 0u);
  Slot slot = TakeSlot();  // logins are served all the same
  EXPECT_TRUE(slot);
}

TEST_F(ParkedTest, HoldsItsUserButIsNoSession) {
  EXPECT_TRUE(Park("alice", 1).empty());
  auto login = affinity_.Acquire(kMain, UserNamed("alice"), NodeId{9});
  EXPECT_EQ(login.node(), kA);
  EXPECT_EQ(login.Bind(), Affinity::BindResult::kBound);
  EXPECT_TRUE(login.Accept({}, 1));
  login.Release();
  const auto session = Take("alice", 1);
  EXPECT_FALSE(session->lease.parked());
  login = affinity_.Acquire(kMain, UserNamed("alice"), kA);
  EXPECT_EQ(login.Bind(), Affinity::BindResult::kBound);
  EXPECT_FALSE(login.Accept({}, 1));
}

TEST_F(ParkedTest, ComesOutParkedWhereTheUserHasTooManySessions) {
  EXPECT_TRUE(Park("alice", 1).empty());
  auto login = affinity_.Acquire(kMain, UserNamed("alice"), kA);
  ASSERT_EQ(login.Bind(), Affinity::BindResult::kBound);
  ASSERT_TRUE(login.Accept({}, 1));
  const auto session = Take("alice", 1);
  ASSERT_NE(session, nullptr);
  EXPECT_TRUE(session->lease.parked());
}

// What has to be ended still holds the user, but must not keep the user's next session out.
TEST_F(ParkedTest, AnEndingSessionIsNoSession) {
  pool_.SetOpen(false);
  const auto ended = Park("alice", 1);
  ASSERT_EQ(ended.size(), 1u);
  EXPECT_TRUE(ended[0].lease.parked());
  auto login = affinity_.Acquire(kMain, UserNamed("alice"), NodeId{9});
  EXPECT_EQ(login.node(), kA);
  EXPECT_EQ(login.Bind(), Affinity::BindResult::kBound);
  EXPECT_TRUE(login.Accept({}, 1));
}

TEST_F(ParkedTest, NeedsNoLeaseWithoutAffinity) {
  auto session = Session("alice", 1);
  session->lease.Release();
  EXPECT_TRUE(pool_.Park(kMain, UserNamed("alice"), std::move(session), kNow).empty());
  EXPECT_NE(Take("alice"), nullptr);
}

TEST_F(ParkedTest, TakingOneOutDoesNotTouchTheQueue) {
  pool_.SetLimits(Limits(3));
  for (const char* user : {"alice", "bob", "carol"}) EXPECT_TRUE(Park(user, 1).empty());
  NodePool::Idle evicted;
  const auto waiter = Wait("a", &evicted);
  auto session = Take("carol");
  ASSERT_NE(session, nullptr);
  EXPECT_EQ(pool_.counts().waiting, 1u);
  EXPECT_EQ(pool_.counts().in_use, 3u);
  EXPECT_TRUE(told_.empty());
  session.reset();  // its slot is as good as any
  EXPECT_EQ(told_.size(), 1u);
}

TEST_F(PoolFixture, KnowsWhoIsParked) {
  EXPECT_TRUE(pool_.ParkedUsers(kMain).empty());
  EXPECT_TRUE(Park("anna", 1).empty());
  EXPECT_EQ(pool_.ParkedUsers(kMain), std::vector{UserNamed("anna")});
  EXPECT_TRUE(pool_.ParkedUsers(ClusterId{1}).empty());
  for (const auto& idle : pool_.TakeAllIdle()) EXPECT_NE(idle.connection, nullptr);
  EXPECT_TRUE(pool_.ParkedUsers(kMain).empty());
}

}  // namespace
}  // namespace poplar::balancer
