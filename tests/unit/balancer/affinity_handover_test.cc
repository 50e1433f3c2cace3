// Affinity while another process takes over.
#include <gtest/gtest.h>

#include <atomic>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "balancer/affinity.h"

namespace poplar::balancer {
namespace {

using BindResult = Affinity::BindResult;

constexpr ClusterId kMain{0};
constexpr ClusterId kOther{7};
constexpr NodeId kA{1};
constexpr NodeId kB{2};

CanonicalUser User(const std::string& name) { return CanonicalUser::FromCanonical(name); }

class AffinityHandOverTest : public testing::Test {
 protected:
  Affinity::Lease Bound(const std::string& user, NodeId node, ClusterId cluster = kMain) {
    auto lease = affinity_.Acquire(cluster, User(user), node);
    EXPECT_EQ(lease.Bind(), BindResult::kBound);
    return lease;
  }

  std::vector<Affinity::Held> HandOver() {
    return affinity_.HandOver([this](ClusterId cluster, const CanonicalUser& user) {
      released_.emplace_back(cluster, user.text());
    });
  }

  Affinity affinity_;
  std::vector<std::pair<ClusterId, std::string>> released_;
};

TEST_F(AffinityHandOverTest, TellsWhoIsHeldWhere) {
  auto alice = Bound("alice", kA);
  auto bob = Bound(
      "b\xff"
      "b@example.org",
      kB, kOther);
  auto pending = affinity_.Acquire(kMain, User("carol"), kA);
  const std::vector<Affinity::Held> held = HandOver();
  ASSERT_EQ(held.size(), 2u) << "who is only about to log in isn't held";
  for (const Affinity::Held& each : held) {
    const bool is_alice = each.user.text() == "alice";
    EXPECT_EQ(each.cluster, is_alice ? kMain : kOther);
    EXPECT_EQ(each.node, is_alice ? kA : kB);
    EXPECT_EQ(each.user.text(), is_alice ? "alice"
                                         : "b\xff"
                                           "b@example.org");
  }
}

TEST_F(AffinityHandOverTest, SaysWhenTheLastSessionOfAUserIsGone) {
  auto first = Bound("alice", kA);
  auto second = Bound("alice", kA);
  auto pending = affinity_.Acquire(kMain, User("carol"), kA);
  (void)HandOver();
  first.Release();
  pending.Release();
  EXPECT_TRUE(released_.empty());
  second.Release();
  ASSERT_EQ(released_.size(), 1u);
  EXPECT_EQ(released_[0], std::pair(kMain, std::string("alice")));
}

TEST_F(AffinityHandOverTest, WhomTheOtherProcessKnowsToBeHereMayComeAgain) {
  auto first = Bound("alice", kA);
  (void)HandOver();
  EXPECT_EQ(Bound("alice", kB).node(), kA);
}

TEST_F(AffinityHandOverTest, AllOthersAreClaimedFirst) {
  auto pending = affinity_.Acquire(kMain, User("carol"), kA);
  (void)HandOver();
  auto dave = affinity_.Acquire(kMain, User("dave"), kA);
  EXPECT_EQ(pending.Bind(), BindResult::kUnclaimed);
  EXPECT_EQ(dave.Bind(), BindResult::kUnclaimed);
  EXPECT_FALSE(dave.bound());
  dave.Claimed(kA);
  EXPECT_EQ(dave.Bind(), BindResult::kBound);
  EXPECT_EQ(pending.Bind(), BindResult::kUnclaimed);
  dave.Release();
  ASSERT_EQ(released_.size(), 1u);
  EXPECT_EQ(released_[0].second, "dave");
}

TEST_F(AffinityHandOverTest, TheOtherProcessMayHaveTheUserElsewhere) {
  (void)HandOver();
  auto dave = affinity_.Acquire(kMain, User("dave"), kA);
  EXPECT_EQ(dave.Bind(), BindResult::kUnclaimed);
  dave.Claimed(kB);
  EXPECT_EQ(dave.Bind(), BindResult::kMoved);
  EXPECT_EQ(dave.node(), kB);
  EXPECT_EQ(dave.Bind(), BindResult::kBound);
}

// A claim is for one node: who goes to another one claims that.
TEST_F(AffinityHandOverTest, WhoMovesOnIsClaimedAnew) {
  (void)HandOver();
  auto dave = affinity_.Acquire(kMain, User("dave"), kA);
  dave.Claimed(kA);
  EXPECT_TRUE(dave.Move(kB));
  EXPECT_EQ(released_.size(), 1u);
  EXPECT_EQ(dave.Bind(), BindResult::kUnclaimed);
  dave.Claimed(kB);
  EXPECT_EQ(dave.Bind(), BindResult::kBound);
}

TEST_F(AffinityHandOverTest, AClaimThatNobodyUsesIsReleased) {
  (void)HandOver();
  auto dave = affinity_.Acquire(kMain, User("dave"), kA);
  dave.Claimed(kA);
  dave.Release();
  EXPECT_EQ(released_.size(), 1u);
}

TEST_F(AffinityHandOverTest, TakenBackItDecidesAgain) {
  auto alice = Bound("alice", kA);
  (void)HandOver();
  affinity_.TakeBack();
  auto dave = Bound("dave", kB);
  alice.Release();
  EXPECT_TRUE(released_.empty());
  EXPECT_EQ(HandOver().size(), 1u) << "and may hand over once more";
}

// Whatever is bound was either told by HandOver, or claimed; and all that was told is released
// once.
TEST_F(AffinityHandOverTest, NobodyIsLostBetweenThreads) {
  std::atomic<int> released = 0;
  std::atomic<int> bound_after = 0;
  std::atomic<bool> stopping = false;
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&, i] {
      for (int round = 0; !stopping; ++round) {
        const std::string name = "u" + std::to_string((round * 4 + i) % 97);
        auto lease = affinity_.Acquire(kMain, User(name), kA);
        const BindResult result = lease.Bind();
        ASSERT_NE(result, BindResult::kMoved);
        if (result == BindResult::kBound) continue;
        lease.Claimed(kA);
        if (lease.Bind() == BindResult::kBound) ++bound_after;
      }
    });
  }
  while (affinity_.Users() == 0) std::this_thread::yield();
  const size_t held =
      affinity_.HandOver([&](ClusterId, const CanonicalUser&) { ++released; }).size();
  while (bound_after < 1000) std::this_thread::yield();
  stopping = true;
  for (std::thread& thread : threads) thread.join();
  EXPECT_GE(released, static_cast<int>(held));
  EXPECT_EQ(affinity_.Users(), 0u);
}

}  // namespace
}  // namespace poplar::balancer
