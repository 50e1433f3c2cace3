#include "proxy/server/route_plan.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "balancer/node_table.h"
#include "balancer/rendezvous.h"

namespace poplar::server {
namespace {

using config::NodeState;
using std::chrono::seconds;

balancer::CanonicalUser User(const std::string& name) {
  return *balancer::CanonicalUser::FromLogin(name, {});
}

config::ClusterConfig SharedCluster(size_t nodes) {
  config::ClusterConfig cluster{.name = "mail", .shared_storage = true};
  for (size_t i = 1; i <= nodes; ++i) {
    cluster.nodes.push_back({.name = "n" + std::to_string(i), .weight = static_cast<int>(i) * 10});
  }
  return cluster;
}

// The user's order over the cluster, as positions in the list of nodes.
std::vector<uint32_t> Order(const config::ClusterConfig& cluster, const std::string& user) {
  std::vector<balancer::WeightedNode> nodes;
  nodes.reserve(cluster.nodes.size());
  for (const auto& node : cluster.nodes) {
    nodes.emplace_back(node.name, static_cast<uint32_t>(node.weight));
  }
  return balancer::OrderOfPreference(user, nodes);
}

std::vector<std::string> Reasons(const config::ClusterConfig& cluster,
                                 config::Duration hold_down = seconds(10)) {
  std::vector<std::string> reasons;
  for (const RouteChoice& choice : PlanRoute(cluster, hold_down, User("anna"))) {
    reasons.push_back(choice.reason);
  }
  return reasons;
}

using Lines = std::vector<std::string>;

TEST(PlanRoute, HasTheOrderThatSessionsUse) {
  const config::ClusterConfig cluster = SharedCluster(7);
  balancer::Cluster same{"mail", true, {}};
  for (const auto& node : cluster.nodes) {
    same.nodes.push_back({node.name, static_cast<uint32_t>(node.weight)});
  }
  const auto table = balancer::NodeTable::Build({same});
  ASSERT_TRUE(table.has_value());
  for (int i = 0; i < 100; ++i) {
    const auto user = User("user" + std::to_string(i));
    const auto expected = (*table)->Choose(*(*table)->FindCluster("mail"), user);
    const auto choices = PlanRoute(cluster, seconds(10), user);
    ASSERT_EQ(choices.size(), expected.size());
    for (size_t j = 0; j < choices.size(); ++j) {
      EXPECT_EQ(choices[j].node->name, (*table)->FindNode(expected[j])->name);
      if (j > 0) EXPECT_GE(choices[j - 1].score, choices[j].score);
    }
  }
}

TEST(PlanRoute, ScoresAsTheRecipeSays) {
  const config::ClusterConfig cluster = SharedCluster(3);
  for (const RouteChoice& choice : PlanRoute(cluster, seconds(10), User("anna"))) {
    const double cost = static_cast<double>(choice.cost) / static_cast<double>(uint64_t{1} << 48);
    EXPECT_DOUBLE_EQ(choice.score, choice.node->weight / cost);
  }
}

TEST(PlanRoute, NamesHomeAndWhatComesAfterTheHoldDown) {
  config::ClusterConfig cluster = SharedCluster(4);
  const std::string home = cluster.nodes[Order(cluster, "anna")[0]].name;
  EXPECT_EQ(Reasons(cluster),
            (Lines{"home: highest score of 4 nodes",
                   "2nd choice; only after " + home + " has been out for hold_down 10s",
                   "3rd choice; only after both choices before it have been out for hold_down 10s",
                   "4th choice; only after all 3 choices before it have been out for hold_down "
                   "10s"}));
  EXPECT_EQ(Reasons(cluster, config::Duration(0))[1],
            "2nd choice; only when " + home + " has gone out");
  cluster.nodes.resize(1);
  EXPECT_EQ(Reasons(cluster), Lines{"home: the only node"});
}

TEST(PlanRoute, PassesOverNodesThatAreNotUp) {
  config::ClusterConfig cluster = SharedCluster(4);
  const std::vector<uint32_t> order = Order(cluster, "anna");
  cluster.nodes[order[0]].state = NodeState::kDrain;
  EXPECT_EQ(Reasons(cluster)[0], "drained: takes no new users");
  EXPECT_EQ(Reasons(cluster)[1],
            "home, as the node before it is not up: highest score of the rest");
  cluster.nodes[order[1]].state = NodeState::kDown;
  EXPECT_EQ(Reasons(cluster),
            (Lines{"drained: takes no new users", "down: takes nobody",
                   "home, as the 2 nodes before it are not up: highest score of the rest",
                   "2nd choice; only after " + cluster.nodes[order[2]].name +
                       " has been out for hold_down 10s"}));
}

TEST(PlanRoute, WithoutSharedStorageOnlyTheHomeServes) {
  config::ClusterConfig cluster = SharedCluster(3);
  cluster.shared_storage = false;
  const std::string never = "never: shared_storage is no";
  config::NodeConfig& home = cluster.nodes[Order(cluster, "anna")[0]];
  EXPECT_EQ(Reasons(cluster), (Lines{"home: highest score of 3 nodes", never, never}));
  home.state = NodeState::kDrain;
  EXPECT_EQ(Reasons(cluster),
            (Lines{"home, but drained: without a session there the user is told to try again "
                   "later, as shared_storage is no",
                   never, never}));
  home.state = NodeState::kDown;
  EXPECT_EQ(Reasons(cluster)[0],
            "home, but down: the user is told to try again later, as shared_storage is no");
}

TEST(PlanRoute, WithoutAffinityLoadDecides) {
  config::ClusterConfig cluster = SharedCluster(3);
  cluster.affinity = config::Affinity::kNone;
  const std::vector<uint32_t> order = Order(cluster, "anna");
  EXPECT_EQ(Reasons(cluster),
            (Lines{"1st choice: highest score of 3 nodes; until it has 1.25 times its share of the "
                   "sessions",
                   "2nd choice; while " + cluster.nodes[order[0]].name +
                       " is out or above 1.25 times its share of the sessions",
                   "3rd choice; while each choice before it is out or above 1.25 times its share "
                   "of the sessions"}));
  cluster.nodes[order[0]].state = NodeState::kDown;
  EXPECT_EQ(Reasons(cluster)[1],
            "1st choice: highest score of those up; until it has 1.25 times its share of the "
            "sessions");
  cluster.nodes.resize(1);
  cluster.nodes[0].state = NodeState::kUp;
  EXPECT_EQ(Reasons(cluster), Lines{"the only node"});
}

TEST(PlanRoute, SaysThatANodeHasNoWeight) {
  config::ClusterConfig cluster = SharedCluster(2);
  cluster.nodes[1].weight = 0;
  const auto choices = PlanRoute(cluster, seconds(10), User("anna"));
  EXPECT_EQ(choices[1].score, 0);
  EXPECT_EQ(choices[1].reason,
            "2nd choice; only after n1 has been out for hold_down 10s (weight 0: behind all that "
            "have one)");
}

TEST(PlanRoute, CountsInEnglish) {
  const Lines reasons = Reasons(SharedCluster(24));
  const std::pair<size_t, const char*> kPlaces[] = {{10, "10th"}, {11, "11th"}, {12, "12th"},
                                                    {13, "13th"}, {21, "21st"}, {22, "22nd"},
                                                    {23, "23rd"}, {24, "24th"}};
  for (const auto& [place, text] : kPlaces) {
    EXPECT_TRUE(reasons[place - 1].starts_with(std::string(text) + " choice"))
        << reasons[place - 1];
  }
}

}  // namespace
}  // namespace poplar::server
