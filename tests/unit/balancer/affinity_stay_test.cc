#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "balancer/affinity.h"

namespace poplar::balancer {
namespace {

constexpr ClusterId kMain{3};
constexpr NodeId kA{1};
constexpr NodeId kB{2};

class Diary final : public StayObserver {
 public:
  void SessionsChanged(ClusterId cluster, std::string_view user) override {
    lines.push_back(std::string(user) + " changed in " + std::to_string(static_cast<int>(cluster)));
  }
  void StayEnded(ClusterId cluster, std::string_view user, uint64_t number) override {
    lines.push_back(std::string(user) + " left " + std::to_string(static_cast<int>(cluster)) +
                    ": " + std::to_string(number));
  }
  std::vector<std::string> lines;
};

class AffinityStayTest : public testing::Test {
 protected:
  AffinityStayTest() { affinity_.Observe(&diary_); }

  Affinity::Lease Bound(NodeId node = kA) {
    auto lease = affinity_.Acquire(kMain, alice_, node);
    EXPECT_EQ(lease.Bind(), Affinity::BindResult::kBound);
    return lease;
  }
  std::vector<std::string> Told() { return std::exchange(diary_.lines, {}); }

  Diary diary_;
  Affinity affinity_;
  const CanonicalUser alice_ = *CanonicalUser::FromLogin("alice", {});
};

// The process that has taken over is one matter, the other replicas are another.
TEST_F(AffinityStayTest, AHandOverNeitherEndsNorSettlesAStay) {
  auto first = Bound();
  const uint64_t number = first.stay().number;
  first.Settle();
  auto pending = affinity_.Acquire(kMain, alice_, kB);
  int released = 0;
  EXPECT_EQ(affinity_.HandOver([&released](auto, const auto&) { ++released; }).size(), 1U);
  EXPECT_EQ(first.stay().number, number);
  EXPECT_TRUE(first.stay().settled);
  first.Release();
  EXPECT_EQ(Told(), std::vector{"alice left 3: " + std::to_string(number)});
  // The other process still holds the user here, but the replicas have to be asked anew.
  EXPECT_EQ(pending.Bind(), Affinity::BindResult::kBound);
  EXPECT_FALSE(pending.stay().settled);
  EXPECT_EQ(released, 0);
  pending.Release();
  EXPECT_EQ(released, 1);
  EXPECT_EQ(Told().size(), 1U);
}

TEST_F(AffinityStayTest, AStayLastsFromTheFirstBoundLeaseToTheLast) {
  auto first = Bound();
  const uint64_t number = first.stay().number;
  EXPECT_FALSE(first.stay().settled);
  auto second = Bound();
  EXPECT_EQ(second.stay().number, number);
  first.Settle();
  EXPECT_TRUE(second.stay().settled);
  auto pending = affinity_.Acquire(kMain, alice_, kB);
  first.Release();
  EXPECT_TRUE(Told().empty());
  second.Release();
  EXPECT_EQ(Told(), std::vector{"alice left 3: " + std::to_string(number)});
  // A lease that holds nobody is no stay; the next one is another.
  EXPECT_EQ(pending.Bind(), Affinity::BindResult::kBound);
  EXPECT_NE(pending.stay().number, number);
  EXPECT_FALSE(pending.stay().settled);
}

TEST_F(AffinityStayTest, NobodyIsToldOfAStayThatNobodyAskedAbout) {
  Bound().Release();
  EXPECT_TRUE(Told().empty());
}

TEST_F(AffinityStayTest, ParkedSessionsStay) {
  auto lease = Bound();
  (void)lease.stay();
  lease.Park();
  EXPECT_TRUE(Told().empty());
  lease.Release();
  EXPECT_EQ(Told().size(), 1U);
}

TEST_F(AffinityStayTest, SessionsThatCountAreToldOf) {
  auto first = Bound();
  auto second = Bound();
  EXPECT_TRUE(first.Accept({}, 5));
  EXPECT_TRUE(second.Accept({}, 5));
  EXPECT_EQ(affinity_.GuestOf(kMain, "alice")->sessions, 2U);
  second.Park();
  EXPECT_EQ(affinity_.GuestOf(kMain, "alice")->sessions, 1U);
  second.Unpark();
  second.Release();
  EXPECT_EQ(Told(), std::vector<std::string>(5, "alice changed in 3"));
  first.Release();
  EXPECT_TRUE(Told().empty());
}

TEST_F(AffinityStayTest, WhoeverIsAskedForAllGetsAllWhoStay) {
  auto lease = Bound(kB);
  auto pending = affinity_.Acquire(kMain, *CanonicalUser::FromLogin("bob", {}), kA);
  std::vector<Affinity::Guest> guests;
  for (size_t i = 0; i < Affinity::kShards; ++i) {
    for (Affinity::Guest& each : affinity_.GuestsIn(i)) guests.push_back(std::move(each));
  }
  ASSERT_EQ(guests.size(), 1U);
  EXPECT_EQ(guests[0].user, "alice");
  EXPECT_EQ(guests[0].cluster, kMain);
  EXPECT_EQ(guests[0].node, kB);
  EXPECT_EQ(guests[0].stay, lease.stay().number);
  EXPECT_FALSE(affinity_.GuestOf(kMain, "bob"));
}

TEST_F(AffinityStayTest, AnUnsettledStayIsAskedAboutAgain) {
  auto lease = Bound();
  lease.Settle();
  affinity_.Unsettle(kMain, "alice");
  affinity_.Unsettle(kMain, "nobody");
  EXPECT_FALSE(lease.stay().settled);
}

}  // namespace
}  // namespace poplar::balancer
