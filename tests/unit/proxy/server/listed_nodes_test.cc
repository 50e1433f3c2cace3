#include "proxy/server/listed_nodes.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

namespace poplar::server {
namespace {

using balancer::AdminState;
using balancer::NodeId;
using balancer::Seating;
using testing::ElementsAre;
using testing::IsEmpty;

constexpr size_t kSeats = 4;

NodePlan Plan(const std::string& name, const std::string& print = "p") {
  auto endpoint = std::make_shared<upstream::Endpoint>();
  endpoint->name = "main/" + name;
  endpoint->address = *io::Address::Parse("10.0.0.1", 110);
  return {.name = name, .endpoint = std::move(endpoint), .print = print, .limits = {.size = 7}};
}

// A cluster of four seats, the first two of which have nodes at start.
class ListedNodesTest : public testing::Test {
 protected:
  static std::unique_ptr<upstream::Cluster> Make(const std::vector<NodePlan>& start) {
    auto cluster = std::make_unique<upstream::Cluster>(
        balancer::ClusterId{0}, "main", balancer::ClusterRules{.shared_storage = true},
        balancer::HealthRules{}, Members());
    for (size_t i = 0; i < kSeats; ++i) {
      cluster->nodes.push_back(std::make_unique<upstream::Node>(
          NodeId(i), i < start.size() ? start[i].endpoint : std::make_shared<upstream::Endpoint>(),
          balancer::PoolLimits{}, std::chrono::seconds(1)));
    }
    return cluster;
  }
  static std::vector<balancer::ClusterHealth::Member> Members() {
    std::vector<balancer::ClusterHealth::Member> members;
    for (size_t i = 0; i < kSeats; ++i) {
      members.push_back(
          {.node = NodeId(i), .seat = i < 2 ? Seating::State::kPresent : Seating::State::kVacant});
    }
    return members;
  }

  ListedNodes::Applied Take(const std::vector<NodePlan>& list) {
    seated_ = nodes_.Plan(list);
    auto applied = nodes_.Apply(list, {});
    nodes_.Done();
    return applied;
  }
  std::vector<uint32_t> Seats() const {
    std::vector<uint32_t> seats;
    for (const balancer::Node& node : seated_.nodes) seats.push_back(node.seat);
    return seats;
  }
  Seating::State seat(size_t number) const { return cluster_.health.seat(NodeId(number)); }
  void VacateIf(bool forgotten) {
    nodes_.Vacate([forgotten](NodeId) { return forgotten; });
  }

  const std::vector<NodePlan> start_{Plan("a"), Plan("b")};
  const std::unique_ptr<upstream::Cluster> made_ = Make(start_);
  upstream::Cluster& cluster_ = *made_;
  ListedNodes nodes_{cluster_, start_};
  ListedNodes::Seated seated_;
};

TEST_F(ListedNodesTest, TheSameListChangesNothing) {
  const auto before = cluster_.nodes[0]->endpoint();
  const auto applied = Take({Plan("b"), Plan("a")});
  EXPECT_THAT(applied.transitions, IsEmpty());
  EXPECT_THAT(applied.came, IsEmpty());
  EXPECT_THAT(Seats(), ElementsAre(1, 0));
  EXPECT_EQ(cluster_.nodes[0]->endpoint(), before) << "its connections may stay";
  EXPECT_EQ(cluster_.nodes[0]->pool.limits().size, 7u);
}

TEST_F(ListedNodesTest, NewOnesSitDown) {
  auto drained = Plan("d");
  drained.admin = AdminState::kDrain;
  drained.weight = 5;
  const auto applied = Take({Plan("a"), Plan("c"), Plan("b"), drained});
  EXPECT_THAT(Seats(), ElementsAre(0, 2, 1, 3));
  EXPECT_THAT(applied.came, ElementsAre(NodeId{2}, NodeId{3}));
  EXPECT_EQ(cluster_.nodes[2]->endpoint()->name, "main/c");
  EXPECT_TRUE(cluster_.health.InService(NodeId{2}, {}));
  EXPECT_EQ(cluster_.health.admin(NodeId{3}), AdminState::kDrain);
  EXPECT_EQ(cluster_.health.Status({})[3].weight, 5u);
}

TEST_F(ListedNodesTest, WhoIsGoneLeavesWhenNobodyIsThere) {
  cluster_.health.SessionBegan(NodeId{0});
  const auto applied = Take({Plan("b")});
  ASSERT_EQ(applied.transitions.size(), 1u);
  EXPECT_EQ(applied.transitions[0].node, NodeId{0});
  EXPECT_EQ(seat(0), Seating::State::kLeaving);
  EXPECT_TRUE(cluster_.health.Serves(NodeId{0})) << "those who are there";
  VacateIf(true);
  EXPECT_EQ(seat(0), Seating::State::kLeaving);
  cluster_.health.SessionEnded(NodeId{0});
  VacateIf(false);
  EXPECT_EQ(seat(0), Seating::State::kLeaving) << "a login may still choose it";
  VacateIf(true);
  EXPECT_EQ(seat(0), Seating::State::kVacant);
}

TEST_F(ListedNodesTest, WhoComesBackHasItsSeat) {
  cluster_.health.SessionBegan(NodeId{0});
  Take({Plan("b")});
  const auto applied = Take({Plan("b"), Plan("a")});
  EXPECT_THAT(Seats(), ElementsAre(1, 0));
  EXPECT_THAT(applied.came, IsEmpty());
  EXPECT_EQ(seat(0), Seating::State::kPresent);
  cluster_.health.SessionEnded(NodeId{0});
}

TEST_F(ListedNodesTest, AnotherAddressIsTheSameNode) {
  const auto before = cluster_.nodes[1]->endpoint();
  const auto applied = Take({Plan("a"), Plan("b", "another")});
  EXPECT_THAT(applied.transitions, IsEmpty());
  EXPECT_NE(cluster_.nodes[1]->endpoint(), before);
}

TEST_F(ListedNodesTest, TheOperatorsWordStaysUntilTheListSaysAnother) {
  (void)cluster_.health.SetAdmin(NodeId{0}, AdminState::kDrain, {});
  Take({Plan("a"), Plan("b")});
  EXPECT_EQ(cluster_.health.admin(NodeId{0}), AdminState::kDrain);
  auto down = Plan("a");
  down.admin = AdminState::kDown;
  EXPECT_THAT(Take({down, Plan("b")}).down, ElementsAre(NodeId{0}));
  EXPECT_EQ(cluster_.health.admin(NodeId{0}), AdminState::kDown);
  Take({Plan("a"), Plan("b")});
  EXPECT_EQ(cluster_.health.admin(NodeId{0}), AdminState::kUp);
}

TEST_F(ListedNodesTest, SaysForWhomThereIsNoRoom) {
  const auto seated = nodes_.Plan({Plan("a"), Plan("c"), Plan("d"), Plan("e"), Plan("f")});
  EXPECT_EQ(seated.nodes.size(), 3u) << "b has its seat until it has left";
  EXPECT_THAT(seated.unseated, ElementsAre("e", "f"));
  nodes_.Done();
  EXPECT_EQ(seat(1), Seating::State::kPresent) << "nothing was taken";
}

// Or a newcomer would be planned for one seat and sit on another.
TEST_F(ListedNodesTest, NoSeatBecomesFreeWhileThereIsAPlan) {
  Take({Plan("b")});
  (void)nodes_.Plan({Plan("b"), Plan("c")});
  VacateIf(true);
  EXPECT_EQ(seat(0), Seating::State::kLeaving);
  nodes_.Done();
  VacateIf(true);
  EXPECT_EQ(seat(0), Seating::State::kVacant);
}

}  // namespace
}  // namespace poplar::server
