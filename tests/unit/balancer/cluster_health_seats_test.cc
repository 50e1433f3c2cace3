#include <gtest/gtest.h>

#include <chrono>
#include <vector>

#include "tests/unit/balancer/four_nodes.h"

namespace poplar::balancer {
namespace {

using std::chrono::seconds;
using State = Seating::State;

const Members kVacant{{.node = kA, .seat = State::kVacant},
                      {.node = kB, .seat = State::kVacant},
                      {.node = kC, .seat = State::kVacant},
                      {.node = kD, .seat = State::kVacant}};

struct FourSeats : FourNodes {
  explicit FourSeats(const HealthRules& health = kRules,
                     const ClusterRules& rules = {.shared_storage = true})
      : FourNodes(health, rules, kVacant) {}
  Transition Arrive(NodeId node, Moment now = {}, bool slowly = false) {
    return cluster.Arrive(node, 100, slowly, "discovered", now);
  }
  std::vector<NodeId> Shown() const {
    std::vector<NodeId> shown;
    for (const auto& status : cluster.Status({})) shown.push_back(status.node);
    return shown;
  }
};

TEST(ClusterSeatsTest, VacantSeatsAreNobody) {
  FourSeats f;
  EXPECT_TRUE(f.Shown().empty());
  EXPECT_EQ(f.Choose(seconds(1)), None());
  EXPECT_FALSE(f.cluster.InService(kA, seconds(1)));
  EXPECT_FALSE(f.cluster.Serves(kA));
  EXPECT_FALSE(f.cluster.panicking({}));
  EXPECT_EQ(f.cluster.OnProbe(kA, false, "late", seconds(1)), std::nullopt);
  EXPECT_EQ(f.cluster.OnEvidence(kA, Evidence::kSessionLost, "late", seconds(1)), std::nullopt);
}

TEST(ClusterSeatsTest, WhoArrivesIsInServiceAtOnce) {
  FourSeats f;
  const Transition transition = f.Arrive(kB);
  EXPECT_EQ(transition.cause, TransitionCause::kDiscovered);
  EXPECT_EQ(transition.evidence, "discovered");
  EXPECT_EQ(transition.to, NodeState::kUp);
  EXPECT_EQ(f.Shown(), std::vector{kB});
  EXPECT_EQ(f.Choose(seconds(0)), Go(kB));
}

TEST(ClusterSeatsTest, InARunningClusterItsUsersComeOverSlowStart) {
  HealthRules rules = kRules;
  rules.slow_start = seconds(10);
  FourSeats f(rules);
  f.Arrive(kB);
  f.Arrive(kA, seconds(100), true);
  EXPECT_EQ(f.Choose(seconds(105), 499), Go(kA));
  EXPECT_EQ(f.Choose(seconds(105), 500), Go(kB));
  EXPECT_EQ(f.Choose(seconds(110), 999), Go(kA));
}

TEST(ClusterSeatsTest, WhoLeavesTakesNobodyNewAndServesThoseItHas) {
  FourSeats f;
  f.Arrive(kA);
  f.Arrive(kB);
  f.Load(kA, 1);
  const Transition transition = f.cluster.Leave(kA, "no longer in DNS");
  EXPECT_EQ(transition.cause, TransitionCause::kGone);
  EXPECT_EQ(f.Choose(seconds(1)), Go(kB));  // at once, with no hold-down
  EXPECT_FALSE(f.cluster.InService(kA, {}));
  EXPECT_TRUE(f.cluster.Serves(kA));
  EXPECT_TRUE(f.cluster.Status({})[0].leaving);
  // Where it fails, those there have to go as well.
  f.Fail(kA, seconds(2));
  EXPECT_FALSE(f.cluster.Serves(kA));
  EXPECT_EQ(f.Choose(seconds(2)), Go(kB));
}

TEST(ClusterSeatsTest, LeavingNodesAreInNoCount) {
  HealthRules rules = kRules;
  rules.panic_percent = 50;
  rules.ejected_percent_max = 50;
  FourSeats f(rules);
  for (const NodeId node : {kA, kB, kC}) f.Arrive(node);
  f.cluster.Leave(kA, "gone");
  f.Fail(kA, seconds(1));
  f.Fail(kB, seconds(1));  // one of two: no panic yet
  EXPECT_FALSE(f.cluster.panicking({}));
  // With one of two out, no other may be ejected by sessions.
  EXPECT_FALSE(f.cluster.OnEvidence(kC, Evidence::kSessionLost, "reset", seconds(1), 7));
  f.Fail(kC, seconds(1));
  EXPECT_TRUE(f.cluster.panicking({}));
  EXPECT_FALSE(f.cluster.InService(kA, {}));  // not even then
}

TEST(ClusterSeatsTest, ALeavingNodesSessionsDoNotWeighOnTheOthersShares) {
  FourSeats f(kRules, {.shared_storage = true, .affinity = false});
  f.Arrive(kA);
  f.Arrive(kB);
  f.Load(kA, 100);
  f.cluster.Leave(kA, "gone");
  EXPECT_EQ(f.Choose(seconds(1)), Go(kB));
}

TEST(ClusterSeatsTest, WhoComesBackHasItsHealthAndTheOperatorsWord) {
  FourSeats f;
  f.Arrive(kA);
  ASSERT_TRUE(f.cluster.SetAdmin(kA, AdminState::kDrain, seconds(1)));
  f.Fail(kA, seconds(1));
  f.cluster.Leave(kA, "gone");
  EXPECT_EQ(f.Arrive(kA, seconds(2)).to, NodeState::kDown);
  EXPECT_EQ(f.cluster.admin(kA), AdminState::kDrain);
}

TEST(ClusterSeatsTest, TheNextOneOnASeatBeginsAnew) {
  FourSeats f;
  f.Arrive(kA);
  ASSERT_TRUE(f.cluster.SetAdmin(kA, AdminState::kDown, seconds(1)));
  f.Fail(kA, seconds(1));
  f.cluster.Leave(kA, "gone");
  f.cluster.Vacate(kA);
  EXPECT_EQ(f.cluster.seat(kA), State::kVacant);
  EXPECT_TRUE(f.Shown().empty());
  f.Arrive(kA, seconds(2));
  EXPECT_EQ(f.cluster.admin(kA), AdminState::kUp);
  EXPECT_EQ(f.Choose(seconds(2)), Go(kA));
}

TEST(ClusterSeatsTest, NoEjectionEndsOnAVacantSeat) {
  FourSeats f;
  f.Arrive(kA);
  ASSERT_TRUE(f.cluster.OnEvidence(kA, Evidence::kLoginFailed, "sys_temp", seconds(1)));
  f.cluster.Leave(kA, "gone");
  f.cluster.Vacate(kA);
  EXPECT_EQ(f.cluster.OnTime(kA, seconds(1000)), std::nullopt);
}

TEST(ClusterSeatsTest, WeightsMayChange) {
  HealthRules rules = kRules;
  rules.panic_percent = 50;
  FourSeats f(rules);
  f.Arrive(kA);
  f.Arrive(kB);
  f.Fail(kA, seconds(1));
  EXPECT_FALSE(f.cluster.panicking({}));
  f.cluster.SetWeight(kA, 300);
  EXPECT_TRUE(f.cluster.panicking({}));
  EXPECT_EQ(f.cluster.Status({})[0].weight, 300u);
}

}  // namespace
}  // namespace poplar::balancer
