#include "balancer/affinity.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <vector>

namespace poplar::balancer {
namespace {

using BindResult = Affinity::BindResult;

constexpr ClusterId kMain{0};
constexpr NodeId kA{1};
constexpr NodeId kB{2};
constexpr NodeId kC{3};

CanonicalUser User(const std::string& name) { return *CanonicalUser::FromLogin(name, {}); }

constexpr CredentialDigest kOwn{{1}};
constexpr CredentialDigest kOther{{2}};

class AffinityTest : public testing::Test {
 protected:
  Affinity::Lease Bound(const CanonicalUser& user) {
    auto lease = affinity_.Acquire(kMain, user, kA);
    EXPECT_EQ(lease.Bind(), BindResult::kBound);
    return lease;
  }

  Affinity affinity_;
  const CanonicalUser alice_ = User("alice");
};

TEST_F(AffinityTest, LoginsFollowALivingSession) {
  auto first = affinity_.Acquire(kMain, alice_, kA);
  EXPECT_EQ(first.node(), kA);
  auto second = affinity_.Acquire(kMain, alice_, kB);
  EXPECT_EQ(second.node(), kA);
  first.Release();
  EXPECT_EQ(affinity_.Acquire(kMain, alice_, kC).node(), kA);  // the second still lives
  second.Release();
  EXPECT_EQ(affinity_.Acquire(kMain, alice_, kC).node(), kC);
}

TEST_F(AffinityTest, TellsWhereAUserIs) {
  EXPECT_EQ(affinity_.NodeOf(kMain, alice_), std::nullopt);
  auto lease = affinity_.Acquire(kMain, alice_, kB);
  EXPECT_EQ(affinity_.NodeOf(kMain, alice_), kB);
  EXPECT_TRUE(lease.Move(kC));
  EXPECT_EQ(affinity_.NodeOf(kMain, alice_), kC);
  EXPECT_EQ(affinity_.NodeOf(ClusterId{1}, alice_), std::nullopt);
  lease.Release();
  EXPECT_EQ(affinity_.NodeOf(kMain, alice_), std::nullopt);
}

TEST_F(AffinityTest, UsersAndClustersAreApart) {
  auto first = affinity_.Acquire(kMain, alice_, kA);
  EXPECT_EQ(affinity_.Acquire(kMain, User("bob"), kB).node(), kB);
  EXPECT_EQ(affinity_.Acquire(ClusterId{1}, alice_, kB).node(), kB);
}

TEST_F(AffinityTest, CountsLeasesAndForgetsUsers) {
  EXPECT_EQ(affinity_.LeasesOf(kMain, alice_), 0u);
  {
    auto first = affinity_.Acquire(kMain, alice_, kA);
    auto second = affinity_.Acquire(kMain, alice_, kA);
    auto bob = affinity_.Acquire(kMain, User("bob"), kA);
    EXPECT_EQ(affinity_.LeasesOf(kMain, alice_), 2u);
    EXPECT_EQ(affinity_.Users(), 2u);
  }
  EXPECT_EQ(affinity_.LeasesOf(kMain, alice_), 0u);
  EXPECT_EQ(affinity_.Users(), 0u);
}

TEST_F(AffinityTest, SaysWhetherAnybodyIsOnANode) {
  auto lease = affinity_.Acquire(kMain, alice_, kA);
  EXPECT_TRUE(affinity_.AnyOn(kA));
  EXPECT_FALSE(affinity_.AnyOn(kB));
  EXPECT_TRUE(lease.Move(kB));
  EXPECT_FALSE(affinity_.AnyOn(kA));
  EXPECT_TRUE(affinity_.AnyOn(kB));
  lease.Release();
  EXPECT_FALSE(affinity_.AnyOn(kB));
}

TEST_F(AffinityTest, SoleHolderMovesBeforeItBinds) {
  auto lease = affinity_.Acquire(kMain, alice_, kA);
  EXPECT_TRUE(lease.Move(kB));
  EXPECT_EQ(lease.node(), kB);
  EXPECT_TRUE(lease.Move(kC));
  EXPECT_EQ(lease.Bind(), BindResult::kBound);
  EXPECT_TRUE(lease.bound());
  EXPECT_EQ(affinity_.Acquire(kMain, alice_, kA).node(), kC);
}

TEST_F(AffinityTest, BoundSessionHoldsTheUser) {
  auto bound = affinity_.Acquire(kMain, alice_, kA);
  ASSERT_EQ(bound.Bind(), BindResult::kBound);
  auto pending = affinity_.Acquire(kMain, alice_, kB);
  EXPECT_FALSE(pending.Move(kB));
  EXPECT_EQ(pending.node(), kA);
  bound.Release();
  EXPECT_TRUE(pending.Move(kB));
  EXPECT_EQ(pending.node(), kB);
}

TEST_F(AffinityTest, PendingSessionsMoveTogether) {
  auto first = affinity_.Acquire(kMain, alice_, kA);
  auto second = affinity_.Acquire(kMain, alice_, kA);
  auto third = affinity_.Acquire(kMain, alice_, kA);
  EXPECT_TRUE(first.Move(kB));
  EXPECT_EQ(first.Bind(), BindResult::kBound);
  // The second wants elsewhere, the third reached the old node after all: both join the first.
  EXPECT_TRUE(second.Move(kC));
  EXPECT_EQ(second.node(), kB);
  EXPECT_EQ(third.Bind(), BindResult::kMoved);
  EXPECT_FALSE(third.bound());
  EXPECT_EQ(third.node(), kB);
  EXPECT_EQ(third.Bind(), BindResult::kBound);
  EXPECT_EQ(second.Bind(), BindResult::kBound);
}

TEST_F(AffinityTest, AUsersSessionsAreLimited) {
  constexpr uint32_t kTwo = 2;
  auto first = Bound(alice_);
  auto second = Bound(alice_);
  auto third = Bound(alice_);
  EXPECT_TRUE(first.Accept(kOwn, kTwo));
  EXPECT_TRUE(second.Accept(kOwn, kTwo));
  EXPECT_FALSE(third.Accept(kOwn, kTwo));
  EXPECT_TRUE(Bound(User("bob")).Accept(kOwn, kTwo));
  first.Release();
  EXPECT_TRUE(third.Accept(kOwn, kTwo));
}

// Otherwise a stranger who knows no more than the name could use up the user's sessions.
TEST_F(AffinityTest, OnlyAcceptedSessionsCount) {
  auto guess = Bound(alice_);
  auto own = Bound(alice_);
  EXPECT_FALSE(own.Full(kOwn, 1));
  EXPECT_TRUE(own.Accept(kOwn, 1));
}

TEST_F(AffinityTest, OnlyTheCredentialThatWasAcceptedIsToldWithoutTheNode) {
  auto first = Bound(alice_);
  ASSERT_TRUE(first.Accept(kOwn, 1));
  auto next = affinity_.Acquire(kMain, alice_, kA);
  EXPECT_TRUE(next.Full(kOwn, 1));
  EXPECT_FALSE(next.Full(kOther, 1));
  EXPECT_FALSE(next.Full(kOwn, 2));
  first.Release();
  EXPECT_FALSE(next.Full(kOwn, 1));
}

// A limit of 0 is none.
TEST_F(AffinityTest, NoLimitOfSessionsByDefault) {
  std::vector<Affinity::Lease> leases;
  for (int i = 0; i < 100; ++i) {
    leases.push_back(affinity_.Acquire(kMain, alice_, kA));
    EXPECT_EQ(leases.back().Bind(), BindResult::kBound);
  }
}

TEST_F(AffinityTest, AParkedSessionHoldsTheUserButIsNoSession) {
  auto parked = affinity_.Acquire(kMain, alice_, kA);
  ASSERT_EQ(parked.Bind(), BindResult::kBound);
  ASSERT_TRUE(parked.Accept(kOwn, 1));
  parked.Park();
  parked.Park();
  EXPECT_TRUE(parked.parked());
  auto next = affinity_.Acquire(kMain, alice_, kB);
  EXPECT_EQ(next.node(), kA);
  EXPECT_FALSE(next.Move(kB));
  EXPECT_EQ(next.Bind(), BindResult::kBound);
  EXPECT_TRUE(next.Accept(kOwn, 1));
  EXPECT_EQ(affinity_.LeasesOf(kMain, alice_), 2u);
}

TEST_F(AffinityTest, AParkedSessionComesBackWithinTheLimit) {
  auto parked = Bound(alice_);
  ASSERT_TRUE(parked.Accept(kOwn, 1));
  parked.Park();
  auto next = Bound(alice_);
  ASSERT_TRUE(next.Accept(kOwn, 1));
  EXPECT_FALSE(parked.Unpark(1));
  EXPECT_TRUE(parked.parked());
  next.Release();
  EXPECT_TRUE(parked.Unpark(1));
  EXPECT_TRUE(parked.Unpark(1));  // it counts once
  EXPECT_FALSE(parked.parked());
  EXPECT_TRUE(parked.bound());
  EXPECT_FALSE(Bound(alice_).Accept(kOwn, 1));
}

TEST_F(AffinityTest, AParkedLeaseIsReleasedWhole) {
  auto parked = affinity_.Acquire(kMain, alice_, kA);
  ASSERT_EQ(parked.Bind(), BindResult::kBound);
  parked.Park();
  auto pending = affinity_.Acquire(kMain, alice_, kA);
  Affinity::Lease moved = std::move(parked);
  EXPECT_TRUE(moved.parked());
  EXPECT_FALSE(parked.parked());  // NOLINT(bugprone-use-after-move): what is left is an empty lease
  moved = Affinity::Lease();
  EXPECT_FALSE(moved.parked());
  EXPECT_TRUE(pending.Move(kB));  // nobody holds the user
  ASSERT_EQ(pending.Bind(), BindResult::kBound);
  ASSERT_TRUE(pending.Accept(kOwn, 1));
  EXPECT_FALSE(Bound(alice_).Accept(kOwn, 1));  // the count went with the lease
}

TEST_F(AffinityTest, LeaseMovesAsAValue) {
  Affinity::Lease empty;
  EXPECT_FALSE(empty);
  empty.Release();
  auto first = affinity_.Acquire(kMain, alice_, kA);
  ASSERT_EQ(first.Bind(), BindResult::kBound);
  Affinity::Lease second = std::move(first);
  EXPECT_TRUE(second);
  EXPECT_TRUE(second.bound());
  EXPECT_EQ(affinity_.LeasesOf(kMain, alice_), 1u);
  second = affinity_.Acquire(kMain, User("bob"), kB);  // gives alice's back
  EXPECT_EQ(affinity_.LeasesOf(kMain, alice_), 0u);
  EXPECT_FALSE(second.bound());
  second.Release();
  second.Release();
  EXPECT_EQ(affinity_.Users(), 0u);
}

// The invariant under load: bound sessions of one user are never on two nodes at once.
TEST_F(AffinityTest, ThreadsNeverBindOneUserToTwoNodes) {
  constexpr int kThreads = 4;
  constexpr int kRounds = 20'000;
  constexpr uint32_t kUsers = 3;  // few, so that threads meet
  struct Presence {
    std::atomic<int> on_node[4] = {};
  };
  std::vector<Presence> users(kUsers);
  std::atomic<int> violations = 0;
  std::atomic<int> moves = 0;
  const auto work = [&](uint32_t seed) {
    for (int round = 0; round < kRounds; ++round) {
      seed = seed * 1664525u + 1013904223u;
      const uint32_t number = (seed >> 8) % kUsers;
      auto lease =
          affinity_.Acquire(kMain, User("user" + std::to_string(number)), NodeId{(seed >> 16) % 4});
      if ((seed >> 20) % 2 == 0 && lease.Move(NodeId{(seed >> 18) % 4})) ++moves;
      while (lease.Bind() != BindResult::kBound) {
      }
      auto& here = users[number].on_node[static_cast<uint32_t>(lease.node())];
      ++here;
      for (auto& node : users[number].on_node) {
        if (&node != &here && node.load() != 0) ++violations;
      }
      --here;
    }
  };
  std::vector<std::thread> threads;
  for (uint32_t i = 0; i < kThreads; ++i) threads.emplace_back(work, i);
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(violations, 0);
  EXPECT_GT(moves, 0);
  EXPECT_EQ(affinity_.Users(), 0u);
}

TEST_F(AffinityTest, OnlyLivingSessionsHold) {
  auto first = affinity_.Acquire(kMain, alice_, kA);
  auto second = affinity_.Acquire(kMain, alice_, kB);
  EXPECT_FALSE(second.held());
  ASSERT_EQ(first.Bind(), Affinity::BindResult::kBound);
  EXPECT_FALSE(first.held());  // not by itself
  EXPECT_TRUE(second.held());
  first.Park();
  EXPECT_FALSE(second.held());
  EXPECT_FALSE(second.Move(kB));  // it still keeps the user there
}

}  // namespace
}  // namespace poplar::balancer
