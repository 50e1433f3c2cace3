// How evenly rendezvous hashing spreads users, and how few it moves. All inputs are fixed, so the
// statistics are the same on every run: the bounds say how good the hash is, not how lucky the run.
// Each test prints its figures.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <numeric>
#include <string>

#include "balancer/rendezvous.h"

namespace poplar::balancer {
namespace {

#if !defined(__OPTIMIZE__) || __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
constexpr int kUsers = 50'000;  // slow builds look for other mistakes than unevenness
#else
constexpr int kUsers = 1'000'000;
#endif

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

const std::vector<std::string>& Users() {
  static const std::vector<std::string> users = [] {
    std::vector<std::string> all;
    for (int i = 0; i < kUsers; ++i) all.push_back(User(i));
    return all;
  }();
  return users;
}

std::vector<uint32_t> Homes(const Fleet& fleet) {
  const std::vector<WeightedNode> nodes = fleet.Nodes();
  std::vector<uint32_t> homes;
  homes.reserve(kUsers);
  for (const std::string& user : Users()) homes.push_back(FirstChoice(user, nodes));
  return homes;
}

class RendezvousSpreadTest : public testing::TestWithParam<std::pair<size_t, bool>> {
 protected:
  const Fleet fleet_ = MakeFleet(GetParam().first, GetParam().second);
  const std::vector<uint32_t> homes_ = Homes(fleet_);

  void ExpectThatEveryNodeGetsItsShare() const;
  void ExpectThatRemovalMovesOnlyTheNodesOwnUsers() const;
  void ExpectThatAdditionMovesUsersOnlyToTheNewNode() const;
  void ExpectThatMoreWeightMovesUsersOnlyThere() const;
  // Whoever is elsewhere in `after` is on `gainer`, and those are `share` of all.
  void ExpectMovesOnlyTo(uint32_t gainer, const std::vector<uint32_t>& after, double share) const {
    int moved = 0;
    for (int i = 0; i < kUsers; ++i) {
      if (after[i] == homes_[i]) continue;
      ASSERT_EQ(after[i], gainer) << User(i);
      ++moved;
    }
    EXPECT_NEAR(moved, kUsers * share, 3.5 * std::sqrt(kUsers * share * (1 - share)));
    std::printf("%d users on %zu nodes: %d moved, all to the gainer; the exact share is %.0f\n",
                kUsers, fleet_.names.size(), moved, kUsers * share);
  }
};

void RendezvousSpreadTest::ExpectThatEveryNodeGetsItsShare() const {
  std::vector<int> users(fleet_.names.size());
  for (uint32_t home : homes_) ++users[home];
  double chi_square = 0;
  double furthest = 0;  // relative to the share
  double furthest_sigmas = 0;
  for (size_t node = 0; node < users.size(); ++node) {
    const double expected = kUsers * fleet_.Share(node);
    const double sigma = std::sqrt(expected * (1 - fleet_.Share(node)));
    EXPECT_NEAR(users[node], expected, 3.5 * sigma) << fleet_.names[node];
    chi_square += (users[node] - expected) * (users[node] - expected) / expected;
    furthest = std::max(furthest, std::abs(users[node] - expected) / expected);
    furthest_sigmas = std::max(furthest_sigmas, std::abs(users[node] - expected) / sigma);
  }
  const double freedom = static_cast<double>(users.size() - 1);
  // Wilson-Hilferty: the 99.9 % quantile of chi-square.
  const double bound =
      freedom * std::pow(1 - 2 / (9 * freedom) + 3.09 * std::sqrt(2 / (9 * freedom)), 3);
  EXPECT_LT(chi_square, bound);
  std::printf(
      "%d users on %zu nodes: at most %.2f %% (%.1f sigma) off the exact share; chi-square %.1f, "
      "bound %.1f\n",
      kUsers, users.size(), 100 * furthest, furthest_sigmas, chi_square, bound);
}

void RendezvousSpreadTest::ExpectThatRemovalMovesOnlyTheNodesOwnUsers() const {
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
  const auto own = std::count(homes_.begin(), homes_.end(), gone);
  EXPECT_EQ(moved, own);
  EXPECT_GT(moved, 0);
  std::printf("%d users on %zu nodes: removal moved %d users, all of them the removed node's\n",
              kUsers, fleet_.names.size(), moved);
}

void RendezvousSpreadTest::ExpectThatAdditionMovesUsersOnlyToTheNewNode() const {
  Fleet larger = fleet_;
  larger.names.push_back("new");
  larger.weights.push_back(fleet_.weights[1]);
  const double share = larger.Share(larger.names.size() - 1);
  ExpectMovesOnlyTo(static_cast<uint32_t>(fleet_.names.size()), Homes(larger), share);
}

// Read backwards: less weight moves only from there.
void RendezvousSpreadTest::ExpectThatMoreWeightMovesUsersOnlyThere() const {
  Fleet heavier = fleet_;
  heavier.weights[0] *= 2;
  ExpectMovesOnlyTo(0, Homes(heavier), heavier.Share(0) - fleet_.Share(0));
}

// One test a fleet, since counting a million homes takes its time.
TEST_P(RendezvousSpreadTest, SpreadsEvenlyAndMovesNobodyWithoutNeed) {
  ExpectThatEveryNodeGetsItsShare();
  ExpectThatRemovalMovesOnlyTheNodesOwnUsers();
  ExpectThatAdditionMovesUsersOnlyToTheNewNode();
  ExpectThatMoreWeightMovesUsersOnlyThere();
}

INSTANTIATE_TEST_SUITE_P(Fleets, RendezvousSpreadTest,
                         testing::Values(std::pair{3, false}, std::pair{3, true},
                                         std::pair{10, true}, std::pair{30, true},
                                         std::pair{100, true}));

TEST(RendezvousSpreadTest, SecondChoicesOfOneNodeSpreadOverAllOthers) {
  const Fleet fleet = MakeFleet(10, false);
  const std::vector<WeightedNode> nodes = fleet.Nodes();
  std::vector<int> heirs(10);
  int orphans = 0;
  for (int i = 0; i < kUsers / 10; ++i) {
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
