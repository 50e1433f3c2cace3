// How evenly rendezvous hashing spreads users, and how few it moves. All inputs are fixed, so the
// statistics are the same on every run: the bounds say how good the hash is, not how lucky the run.
#include <gtest/gtest.h>

#include <cmath>
#include <numeric>
#include <string>

#include "balancer/rendezvous.h"

namespace poplar::balancer {
namespace {

constexpr int kUsers = 100'000;

struct Fleet {
  std::vector<std::string> names;
  std::vector<uint32_t> weights;

  std::vector<WeightedNode> Nodes() const {
    std::vector<WeightedNode> nodes;
    for (size_t i = 0; i < names.size(); ++i) nodes.emplace_back(names[i], weights[i]);
    return nodes;
  }
  double Share(size_t node) const {
    return static_cast<double>(weights[node]) /
           std::accumulate(weights.begin(), weights.end(), 0.0);
  }
};

Fleet MakeFleet(size_t size, bool weighted) {
  Fleet fleet;
  for (size_t i = 0; i < size; ++i) {
    fleet.names.push_back("mail" + std::to_string(i));
    fleet.weights.push_back(weighted ? static_cast<uint32_t>(1 + (i * 37) % 10) : 100);
  }
  return fleet;
}

std::string User(int number) { return "user" + std::to_string(number) + "@example.com"; }

std::vector<uint32_t> Homes(const Fleet& fleet) {
  const std::vector<WeightedNode> nodes = fleet.Nodes();
  std::vector<uint32_t> homes(kUsers);
  for (int i = 0; i < kUsers; ++i) homes[i] = FirstChoice(User(i), nodes);
  return homes;
}

class RendezvousSpreadTest : public testing::TestWithParam<std::pair<size_t, bool>> {
 protected:
  const Fleet fleet_ = MakeFleet(GetParam().first, GetParam().second);
  const std::vector<uint32_t> homes_ = Homes(fleet_);
};

TEST_P(RendezvousSpreadTest, EveryNodeGetsItsShare) {
  std::vector<int> users(fleet_.names.size());
  for (uint32_t home : homes_) ++users[home];
  double chi_square = 0;
  for (size_t node = 0; node < users.size(); ++node) {
    const double expected = kUsers * fleet_.Share(node);
    const double sigma = std::sqrt(expected * (1 - fleet_.Share(node)));
    EXPECT_NEAR(users[node], expected, 3.5 * sigma) << fleet_.names[node];
    chi_square += (users[node] - expected) * (users[node] - expected) / expected;
  }
  const double freedom = static_cast<double>(users.size() - 1);
  // Wilson-Hilferty: the 99.9 % quantile of chi-square.
  const double bound =
      freedom * std::pow(1 - 2 / (9 * freedom) + 3.09 * std::sqrt(2 / (9 * freedom)), 3);
  EXPECT_LT(chi_square, bound);
}

TEST_P(RendezvousSpreadTest, RemovalMovesOnlyTheRemovedNodesUsersToTheirSecondChoice) {
  const size_t gone = fleet_.names.size() / 2;
  Fleet smaller = fleet_;
  smaller.names.erase(smaller.names.begin() + static_cast<ptrdiff_t>(gone));
  smaller.weights.erase(smaller.weights.begin() + static_cast<ptrdiff_t>(gone));
  const std::vector<uint32_t> after = Homes(smaller);
  const std::vector<WeightedNode> nodes = fleet_.Nodes();
  int moved = 0;
  for (int i = 0; i < kUsers; ++i) {
    uint32_t expected = homes_[i];
    if (expected == gone) {
      expected = OrderOfPreference(User(i), nodes)[1];
      ++moved;
    }
    ASSERT_EQ(smaller.names[after[i]], fleet_.names[expected]) << User(i);
  }
  EXPECT_GT(moved, 0);
}

TEST_P(RendezvousSpreadTest, MoreWeightMovesOnlyTheNecessaryShareAndOnlyThere) {
  Fleet heavier = fleet_;
  heavier.weights[0] *= 2;
  const std::vector<uint32_t> after = Homes(heavier);
  int moved = 0;
  for (int i = 0; i < kUsers; ++i) {
    if (after[i] == homes_[i]) continue;
    ASSERT_EQ(after[i], 0u) << User(i);
    ++moved;
  }
  const double share = heavier.Share(0) - fleet_.Share(0);
  EXPECT_NEAR(moved, kUsers * share, 3.5 * std::sqrt(kUsers * share * (1 - share)));
}

INSTANTIATE_TEST_SUITE_P(Fleets, RendezvousSpreadTest,
                         testing::Values(std::pair{3, false}, std::pair{3, true},
                                         std::pair{7, true}, std::pair{12, false},
                                         std::pair{20, true}));

TEST(RendezvousSpreadTest, SecondChoicesOfOneNodeSpreadOverAllOthers) {
  const Fleet fleet = MakeFleet(10, false);
  const std::vector<WeightedNode> nodes = fleet.Nodes();
  std::vector<int> heirs(10);
  int orphans = 0;
  for (int i = 0; i < kUsers; ++i) {
    const std::vector<uint32_t> order = OrderOfPreference(User(i), nodes);
    if (order[0] != 4) continue;
    ++heirs[order[1]];
    ++orphans;
  }
  for (size_t node = 0; node < heirs.size(); ++node) {
    if (node == 4) continue;
    EXPECT_NEAR(heirs[node], orphans / 9.0, 3.5 * std::sqrt(orphans / 9.0)) << node;
  }
}

}  // namespace
}  // namespace poplar::balancer
