#include "balancer/rendezvous.h"

#include <gtest/gtest.h>
#include <xxhash.h>

#include <algorithm>
#include <bit>
#include <cinttypes>
#include <cmath>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <sstream>
#include <string>

namespace poplar::balancer {
namespace {

std::vector<std::string> Split(const std::string& text, char separator) {
  std::vector<std::string> parts;
  std::istringstream in(text);
  for (std::string part; std::getline(in, part, separator);) parts.push_back(part);
  return parts;
}

struct GoldenLine {
  std::string user;
  std::vector<std::string> names;
  std::vector<uint32_t> weights;
  std::vector<uint64_t> costs;
  std::vector<std::string> order;
};

GoldenLine ParseGoldenLine(const std::string& line) {
  const std::vector<std::string> columns = Split(line, ',');
  EXPECT_EQ(columns.size(), 4u) << line;
  GoldenLine golden{.user = columns[0], .names = {}, .weights = {}, .costs = {}, .order = {}};
  for (const std::string& node : Split(columns[1], ' ')) {
    const size_t colon = node.find(':');
    golden.names.push_back(node.substr(0, colon));
    golden.weights.push_back(static_cast<uint32_t>(std::stoul(node.substr(colon + 1))));
  }
  for (const std::string& cost : Split(columns[2], ' ')) golden.costs.push_back(std::stoull(cost));
  golden.order = Split(columns[3], ' ');
  return golden;
}

TEST(RendezvousTest, AgreesWithTheReferenceBitForBit) {
  std::ifstream file(POPLAR_GOLDEN_DIR "/rendezvous.csv");
  ASSERT_TRUE(file.is_open());
  std::string line;
  std::getline(file, line);  // the header
  int lines = 0;
  for (; std::getline(file, line); ++lines) {
    const GoldenLine golden = ParseGoldenLine(line);
    std::vector<WeightedNode> nodes;
    for (size_t i = 0; i < golden.names.size(); ++i) {
      nodes.emplace_back(golden.names[i], golden.weights[i]);
    }
    std::vector<Ranked> ranked(nodes.size());
    RankNodes(golden.user, nodes, ranked);
    std::vector<Placed> placed(nodes.size());
    OrderNodes(golden.user, nodes, placed);
    ASSERT_EQ(golden.order.size(), nodes.size());
    for (size_t i = 0; i < ranked.size(); ++i) {
      EXPECT_EQ(nodes[ranked[i].index].name, golden.order[i]) << line;
      EXPECT_EQ(ranked[i].cost, golden.costs[ranked[i].index]) << line;
      EXPECT_EQ(placed[i].index, ranked[i].index) << line;
    }
  }
  EXPECT_EQ(lines, 245);
}

// What other front ends' authors read must be what we do.
TEST(RendezvousTest, TheReadmesWorkedExampleIsTrue) {
  std::ifstream file(POPLAR_BALANCER_README);
  ASSERT_TRUE(file.is_open());
  const std::string readme((std::istreambuf_iterator<char>(file)), {});
  const std::vector<WeightedNode> nodes{{"mail1", 100}, {"mail2", 100}, {"mail3", 50}};
  std::vector<Ranked> ranked(nodes.size());
  const std::string_view user = "alice@example.com";
  RankNodes(user, nodes, ranked);
  for (size_t place = 0; place < ranked.size(); ++place) {
    const WeightedNode& node = nodes[ranked[place].index];
    const uint64_t hash = XXH64(user.data(), user.size(), node.seed);
    EXPECT_EQ(CostOfHash(hash), ranked[place].cost);
    char row[200];
    std::snprintf(
        row, sizeof row, "| %.*s | %016" PRIx64 " | %016" PRIx64 " | %" PRIu64 " | %.2f | %zu |\n",
        static_cast<int>(node.name.size()), node.name.data(), node.seed, hash, ranked[place].cost,
        static_cast<double>(ranked[place].cost) / node.weight, place + 1);
    EXPECT_NE(readme.find(row), std::string::npos) << row;
  }
}

TEST(RendezvousTest, CostIsTheNegativeLogarithm) {
  uint64_t hash = 1;
  for (int i = 0; i < 100'000; ++i) {
    hash = hash * 6364136223846793005u + 1442695040888963407u;
    const double u = std::ldexp(static_cast<double>(hash | 1), -64);
    const double cost = std::ldexp(static_cast<double>(CostOfHash(hash)), -48);
    ASSERT_NEAR(cost, -std::log2(u), 1e-12) << hash;
  }
}

TEST(RendezvousTest, CostAtTheEdges) {
  EXPECT_EQ(CostOfHash(0), uint64_t{64} << 48);
  EXPECT_EQ(CostOfHash(1), uint64_t{64} << 48);
  EXPECT_EQ(CostOfHash(uint64_t{1} << 63), (uint64_t{1} << 48));  // u = 1/2 to 2^-63
  EXPECT_EQ(CostOfHash(~uint64_t{0}), 1u);                        // never 0: weights always matter
}

TEST(RendezvousTest, CostNeverRisesWithTheHash) {
  for (int bit = 1; bit < 63; ++bit) {
    const uint64_t power = uint64_t{1} << bit;
    EXPECT_GE(CostOfHash(power - 1), CostOfHash(power)) << bit;
    for (uint64_t step = 1; step < 100; ++step) {
      EXPECT_GE(CostOfHash(power + step - 1), CostOfHash(power + step)) << bit << '+' << step;
    }
  }
}

TEST(RendezvousTest, TheQuickOrderIsTheExactOne) {
  std::vector<std::string> names;
  for (int i = 0; i < 1000; ++i) names.push_back("node-" + std::to_string(i));
  for (const uint32_t weights : {1u, 3u, 1001u}) {  // alike, few different ones, and many
    std::vector<WeightedNode> nodes;
    for (uint32_t i = 0; i < names.size(); ++i)
      nodes.emplace_back(names[i], weights == 1 ? 100 : i * 7 % weights);
    std::vector<Placed> placed(nodes.size());
    for (int user = 0; user < 50; ++user) {
      const std::string key = "user" + std::to_string(user) + "@example.org";
      OrderNodes(key, nodes, placed);
      std::vector<uint32_t> order;
      for (const Placed& each : placed) order.push_back(each.index);
      ASSERT_EQ(order, OrderOfPreference(key, nodes)) << key << ' ' << weights;
    }
  }
}

// Twins: what their keys can't tell, their costs and names must.
TEST(RendezvousTest, TheQuickOrderLeavesNearTiesToTheExactCosts) {
  const std::vector<WeightedNode> base{{"b", 100}, {"a", 100}, {"c", 50}, {"d", 0}, {"e", 0}};
  std::vector<WeightedNode> nodes = base;
  for (WeightedNode& node : nodes) node.seed = 7;  // as if all names had the same hash
  std::vector<Placed> placed(nodes.size());
  OrderNodes("alice@example.org", nodes, placed);
  std::vector<uint32_t> order;
  for (const Placed& each : placed) order.push_back(each.index);
  EXPECT_EQ(order, (std::vector<uint32_t>{1, 0, 2, 3, 4}));
  EXPECT_EQ(order, OrderOfPreference("alice@example.org", nodes));
}

TEST(RendezvousTest, OrderOfTheNodeListIsIrrelevant) {
  std::vector<WeightedNode> nodes{{"a", 1}, {"b", 2}, {"c", 0}, {"d", 1000}, {"e", 2}, {"f", 0}};
  std::vector<std::string_view> expected;
  for (uint32_t index : OrderOfPreference("alice", nodes)) expected.push_back(nodes[index].name);
  const auto by_name = [](const auto& a, const auto& b) { return a.name < b.name; };
  int permutations = 0;
  do {
    std::vector<std::string_view> names;
    for (uint32_t index : OrderOfPreference("alice", nodes)) names.push_back(nodes[index].name);
    ASSERT_EQ(names, expected);
    ASSERT_EQ(nodes[FirstChoice("alice", nodes)].name, expected[0]);
    ++permutations;
  } while (std::next_permutation(nodes.begin(), nodes.end(), by_name));
  EXPECT_EQ(permutations, 720);
}

TEST(RendezvousTest, WeightZeroComesLastAndOnlyFirstAmongItsLike) {
  const std::vector<WeightedNode> nodes{{"idle1", 0}, {"busy", 1}, {"idle2", 0}};
  bool idle1_second = false;
  bool idle2_second = false;
  for (int i = 0; i < 100; ++i) {
    const std::vector<uint32_t> order = OrderOfPreference("user" + std::to_string(i), nodes);
    ASSERT_EQ(order[0], 1u);
    idle1_second |= order[1] == 0;
    idle2_second |= order[1] == 2;
  }
  EXPECT_TRUE(idle1_second && idle2_second);
}

TEST(RendezvousTest, ComparesExactlyAndBreaksTiesByName) {
  const std::vector<WeightedNode> nodes{{"b", 3}, {"a", 3}, {"c", 1000}, {"d", 0}, {"e", 0}};
  const uint64_t big = uint64_t{63} << 48;  // times 1000 overflows 64 bits
  struct Case {
    Ranked first, second;
  };
  const Case cases[] = {
      {{7, 1}, {7, 0}},                   // equal costs and weights: "a" before "b"
      {{6, 0}, {7, 1}},                   // the cheaper one, whatever its name
      {{1000, 2}, {4, 0}},                // 1000/1000 < 4/3
      {{3, 0}, {1000, 2}},                // 3/3 = 1000/1000: "b" before "c"
      {{big, 2}, {big, 0}},               // only 128 bits get this right
      {{big / 1000 * 3, 0}, {big, 2}},    // nearly equal
      {{uint64_t{64} << 48, 2}, {1, 3}},  // any weight before weight 0
      {{5, 4}, {6, 3}},
      {{5, 3}, {5, 4}},  // weight 0: by cost, then name
  };
  for (const Case& c : cases) {
    EXPECT_TRUE(Precedes(c.first, c.second, nodes)) << c.first.cost << '/' << c.second.cost;
    EXPECT_FALSE(Precedes(c.second, c.first, nodes)) << c.first.cost << '/' << c.second.cost;
  }
  EXPECT_FALSE(Precedes(cases[0].first, cases[0].first, nodes));
}

// FirstChoice leaves out most logarithms: it must not show, least of all where costs are near.
TEST(RendezvousTest, FirstChoiceIsTheFirstOfTheOrder) {
  uint32_t random = 1;
  const auto below = [&random](uint32_t bound) {
    random = random * 1664525u + 1013904223u;
    return (random >> 8) % bound;
  };
  std::vector<std::string> names;
  for (int i = 0; i < 200; ++i) names.push_back("n" + std::to_string(i));
  for (int fleet = 0; fleet < 300; ++fleet) {
    std::vector<WeightedNode> nodes;
    const uint32_t size = 1 + below(200);
    const uint32_t heaviest = 1 + below(kMaxWeight);
    for (uint32_t i = 0; i < size; ++i) nodes.emplace_back(names[i], below(heaviest + 1));
    for (int i = 0; i < 50; ++i) {
      const std::string user = "user" + std::to_string(below(1'000'000));
      ASSERT_EQ(FirstChoice(user, nodes), OrderOfPreference(user, nodes)[0]) << fleet << user;
    }
  }
}

TEST(RendezvousTest, EmptyListAndEmptyKey) {
  EXPECT_TRUE(OrderOfPreference("alice", {}).empty());
  const std::vector<WeightedNode> nodes{{"a", 1}, {"b", 1}};
  EXPECT_EQ(OrderOfPreference("", nodes).size(), 2u);
}

}  // namespace
}  // namespace poplar::balancer
