#include "balancer/node_table.h"

#include <gtest/gtest.h>

#include <set>

namespace poplar::balancer {
namespace {

using Kind = NodeTableError::Kind;

std::shared_ptr<const NodeTable> Table(std::vector<Cluster> clusters,
                                       const NodeTable* previous = nullptr) {
  auto table = NodeTable::Build(std::move(clusters), previous);
  EXPECT_TRUE(table.has_value());
  return table.value_or(nullptr);
}

CanonicalUser User(const std::string& name) { return *CanonicalUser::FromLogin(name, {}); }

Cluster ThreeNodes(bool shared_storage) {
  return {"main", shared_storage, {{"mail1", 100}, {"mail2", 100}, {"mail3", 50}}};
}

TEST(NodeTableTest, SharedStorageGivesTheWholeOrderOfPreference) {
  const auto table = Table({ThreeNodes(true)});
  const ClusterId cluster = *table->FindCluster("main");
  const std::vector<WeightedNode> nodes{{"mail1", 100}, {"mail2", 100}, {"mail3", 50}};
  for (int i = 0; i < 100; ++i) {
    const std::string name = "user" + std::to_string(i);
    const Candidates candidates = table->Choose(cluster, User(name));
    ASSERT_EQ(candidates.size(), 3u);
    const std::vector<uint32_t> order = OrderOfPreference(name, nodes);
    for (size_t j = 0; j < 3; ++j) {
      EXPECT_EQ(table->FindNode(candidates[j])->name, nodes[order[j]].name);
    }
  }
}

TEST(NodeTableTest, SeparateStorageGivesOnlyTheHomeNode) {
  const auto shared = Table({ThreeNodes(true)});
  const auto separate = Table({ThreeNodes(false)});
  for (int i = 0; i < 100; ++i) {
    const CanonicalUser user = User("user" + std::to_string(i));
    const Candidates candidates = separate->Choose(*separate->FindCluster("main"), user);
    ASSERT_EQ(candidates.size(), 1u);
    EXPECT_EQ(candidates[0], shared->Choose(*shared->FindCluster("main"), user)[0]);
  }
}

TEST(NodeTableTest, ClustersAreApart) {
  const auto table =
      Table({{"a", true, {{"mail1", 1}}}, {"b", true, {{"mail1", 1}, {"mail2", 1}}}});
  EXPECT_EQ(table->FindCluster("c"), std::nullopt);
  const ClusterId a = *table->FindCluster("a");
  const ClusterId b = *table->FindCluster("b");
  EXPECT_EQ(table->FindCluster(b)->name, "b");
  const NodeId only = table->Choose(a, User("alice"))[0];
  for (NodeId node : table->Choose(b, User("alice"))) EXPECT_NE(node, only);
}

TEST(NodeTableTest, FirstTableNumbersNodesDenselyInOrder) {
  const auto table = Table({ThreeNodes(true), {"b", false, {{"mail1", 1}}}});
  EXPECT_EQ(table->NodeIds(0), (std::vector{NodeId{0}, NodeId{1}, NodeId{2}}));
  EXPECT_EQ(table->NodeIds(1), (std::vector{NodeId{3}}));
  EXPECT_EQ(table->FindNode(NodeId{4}), nullptr);
  EXPECT_EQ(table->FindCluster(ClusterId{2}), nullptr);
}

TEST(NodeTableTest, IdsFollowNamesThroughRebuilds) {
  const auto first = Table({{"main", true, {{"mail1", 1}, {"mail2", 1}}}});
  const auto second = Table(
      {{"new", true, {{"mail1", 1}}}, {"main", true, {{"mail3", 1}, {"mail2", 9}}}}, first.get());
  EXPECT_EQ(second->FindCluster("main"), first->FindCluster("main"));
  EXPECT_NE(second->FindCluster("new"), first->FindCluster("main"));
  EXPECT_EQ(second->NodeIds(1)[1], first->NodeIds(0)[1]);
  EXPECT_EQ(second->FindNode(first->NodeIds(0)[1])->weight, 9u);
  EXPECT_EQ(second->FindNode(first->NodeIds(0)[0]), nullptr);  // mail1 of main is gone
  const auto third = Table({{"main", true, {{"mail1", 1}, {"mail2", 1}}}}, second.get());
  EXPECT_EQ(third->NodeIds(0), first->NodeIds(0));  // back under its old id
  std::set<NodeId> ids(second->NodeIds(0).begin(), second->NodeIds(0).end());
  ids.insert(second->NodeIds(1).begin(), second->NodeIds(1).end());
  ids.insert(first->NodeIds(0)[0]);
  EXPECT_EQ(ids.size(), 4u);  // no id served two nodes
}

// One whose nodes come and go.
Cluster Seats(std::vector<Node> nodes) {
  return {.name = "pods", .shared_storage = true, .nodes = std::move(nodes), .seats = 3};
}

TEST(NodeTableTest, SeatsAreNumberedAtFirstAndKeepTheirNumbers) {
  const auto first = Table({ThreeNodes(true), Seats({}), {"b", true, {{"mail1", 1}}}});
  const std::vector seats{NodeId{3}, NodeId{4}, NodeId{5}};
  EXPECT_EQ(first->SeatIds(1), seats);
  EXPECT_TRUE(first->NodeIds(1).empty());
  EXPECT_EQ(first->SeatIds(0), first->NodeIds(0));
  EXPECT_EQ(first->NodeIds(2), std::vector{NodeId{6}});
  const auto second =
      Table({ThreeNodes(true), Seats({{"x", 100, 2}, {"y", 100, 0}}), {"b", true, {{"mail1", 1}}}},
            first.get());
  EXPECT_EQ(second->SeatIds(1), seats);
  EXPECT_EQ(second->NodeIds(1), (std::vector{NodeId{5}, NodeId{3}}));
  EXPECT_EQ(second->FindNode(NodeId{5})->name, "x");
  EXPECT_EQ(second->FindNode(NodeId{4}), nullptr);
  // Another name on the same seat has its number.
  const auto third = Table({Seats({{"z", 100, 2}})}, second.get());
  EXPECT_EQ(third->FindNode(NodeId{5})->name, "z");
}

TEST(NodeTableTest, AClusterWithSeatsMayHaveNoNode) {
  for (const bool shared : {true, false}) {
    Cluster cluster = Seats({});
    cluster.shared_storage = shared;
    const auto table = Table({cluster});
    EXPECT_TRUE(table->Choose(*table->FindCluster("pods"), User("alice")).empty());
  }
}

// Which seat a name has is chance, and must not matter.
TEST(NodeTableTest, UsersFollowNamesWhateverTheirSeats) {
  const auto one = Table({Seats({{"x", 100, 0}, {"y", 100, 1}, {"z", 100, 2}})});
  const auto other = Table({Seats({{"z", 100, 0}, {"x", 100, 2}, {"y", 100, 1}})});
  const auto fewer = Table({Seats({{"x", 100, 1}, {"z", 100, 0}})});
  for (int i = 0; i < 100; ++i) {
    const CanonicalUser user = User("user" + std::to_string(i));
    const auto home = [&user](const NodeTable& table) {
      return table.FindNode(table.Choose(*table.FindCluster("pods"), user).front())->name;
    };
    EXPECT_EQ(home(*one), home(*other));
    if (home(*one) != "y") EXPECT_EQ(home(*fewer), home(*one));
  }
}

TEST(NodeTableTest, RefusesTablesThatCannotRoute) {
  struct Case {
    std::vector<Cluster> clusters;
    NodeTableError error;
  };
  const Case cases[] = {
      {{{"", true, {{"n", 1}}}}, {Kind::kUnnamedCluster, "", ""}},
      {{{"a", true, {{"n", 1}}}, {"a", true, {{"m", 1}}}}, {Kind::kDuplicateCluster, "a", ""}},
      {{{"a", true, {}}}, {Kind::kEmptyCluster, "a", ""}},
      {{{"a", true, {{"", 1}}}}, {Kind::kUnnamedNode, "a", ""}},
      {{{"a", true, {{"n", 1}, {"m", 1}, {"n", 2}}}}, {Kind::kDuplicateNode, "a", "n"}},
      {{{"a", true, {{"n", 1001}}}}, {Kind::kWeightTooLarge, "a", "n"}},
      {{Seats({{"x", 1, 0}, {"y", 1, 0}})}, {Kind::kSeatTaken, "pods", "y"}},
      {{Seats({{"x", 1, 3}})}, {Kind::kSeatTaken, "pods", "x"}},
  };
  for (const Case& c : cases) {
    const auto table = NodeTable::Build(c.clusters);
    ASSERT_FALSE(table.has_value());
    EXPECT_EQ(table.error(), c.error) << static_cast<int>(table.error().kind);
  }
}

}  // namespace
}  // namespace poplar::balancer
