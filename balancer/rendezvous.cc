#include "balancer/rendezvous.h"

#include <algorithm>
#include <bit>
#include <cassert>
#include <cmath>

#define XXH_INLINE_ALL
#include <xxhash.h>

namespace poplar::balancer {
namespace {

__extension__ using Uint128 = unsigned __int128;

constexpr int kFractionBits = 48;

// floor(log2(x) * 2^48) but for the last bits, which the truncated squarings may miss; monotone in
// x.
uint64_t FixedLog2(uint64_t x) {
  const int exponent = 63 - std::countl_zero(x);
  uint64_t mantissa = x << (63 - exponent);
  uint64_t result = static_cast<uint64_t>(exponent);
  for (int i = 0; i < kFractionBits; ++i) {
    const Uint128 square = (static_cast<Uint128>(mantissa) * mantissa) >> 63;
    const int carry = static_cast<int>(square >> 64);
    mantissa = static_cast<uint64_t>(square >> carry);
    result = 2 * result + static_cast<uint64_t>(carry);
  }
  return result;
}

uint64_t HashOn(std::string_view key, const WeightedNode& node) {
  return XXH64(key.data(), key.size(), node.seed);
}

// At most CostOfHash(hash), and near it, for a fraction of the work: log2(1 + f) <= f + 0.0861 for
// f in 0..1 puts a straight line in the place of 48 squarings.
uint64_t LowestCostOfHash(uint64_t hash) {
  constexpr uint64_t kAboveTheLine = (uint64_t{1} << kFractionBits) / 10'000 * 861 + 861;
  const uint64_t x = hash | 1;
  const int exponent = 63 - std::countl_zero(x);
  const uint64_t mantissa = x << (63 - exponent);
  const uint64_t fraction = (mantissa << 1) >> (64 - kFractionBits);
  const uint64_t log2_at_most =
      (static_cast<uint64_t>(exponent) << kFractionBits) + fraction + 1 + kAboveTheLine;
  constexpr uint64_t kMost = uint64_t{64} << kFractionBits;
  return log2_at_most < kMost ? kMost - log2_at_most : 0;
}

// Nodes of weight 0 come after all others, whose keys are 64 at most.
constexpr double kBehindAll = 1000;

Placed PlacedBy(uint64_t hash, const WeightedNode& node, uint32_t index) {
  const double cost = 64 - std::log2(static_cast<double>(hash | 1));
  return {node.weight == 0 ? kBehindAll + cost : cost / node.weight, index};
}

// Whether exact costs are sure to have the same order. Keys are right to 1e-13 of themselves and to
// as much again of a whole cost: what rounding takes, here and of the last bits there.
bool Apart(const Placed& first, const Placed& second) {
  return second.key - first.key > 1e-9 * second.key + 1e-12;
}

// Sorted by their keys, but too near one another for these to be believed.
void SortExactly(std::string_view key, std::span<const WeightedNode> nodes, std::span<Placed> run) {
  const auto ranked = [&](const Placed& place) {
    return Ranked{CostOfHash(HashOn(key, nodes[place.index])), place.index};
  };
  std::sort(run.begin(), run.end(), [&](const Placed& a, const Placed& b) {
    return Precedes(ranked(a), ranked(b), nodes);
  });
}

}  // namespace

WeightedNode::WeightedNode(std::string_view node_name, uint32_t node_weight)
    : name(node_name), weight(node_weight), seed(XXH64(node_name.data(), node_name.size(), 0)) {
  assert(weight <= kMaxWeight);
}

uint64_t CostOfHash(uint64_t hash) { return (uint64_t{64} << kFractionBits) - FixedLog2(hash | 1); }

bool Precedes(const Ranked& a, const Ranked& b, std::span<const WeightedNode> nodes) {
  const WeightedNode& node_a = nodes[a.index];
  const WeightedNode& node_b = nodes[b.index];
  if ((node_a.weight == 0) != (node_b.weight == 0)) return node_b.weight == 0;
  const uint32_t weight_a = std::max(node_a.weight, 1U);
  const uint32_t weight_b = std::max(node_b.weight, 1U);
  const Uint128 left = static_cast<Uint128>(a.cost) * weight_b;
  const Uint128 right = static_cast<Uint128>(b.cost) * weight_a;
  if (left != right) return left < right;
  return node_a.name < node_b.name;
}

void RankNodes(std::string_view key, std::span<const WeightedNode> nodes, std::span<Ranked> order) {
  assert(order.size() == nodes.size());
  for (uint32_t i = 0; i < nodes.size(); ++i) order[i] = {CostOfHash(HashOn(key, nodes[i])), i};
  std::sort(order.begin(), order.end(),
            [nodes](const Ranked& a, const Ranked& b) { return Precedes(a, b, nodes); });
}

void OrderNodes(std::string_view key, std::span<const WeightedNode> nodes,
                std::span<Placed> order) {
  assert(order.size() == nodes.size());
  for (uint32_t i = 0; i < nodes.size(); ++i)
    order[i] = PlacedBy(HashOn(key, nodes[i]), nodes[i], i);
  std::sort(order.begin(), order.end(),
            [](const Placed& a, const Placed& b) { return a.key < b.key; });
  for (size_t begin = 0; begin < order.size();) {
    size_t end = begin + 1;
    while (end < order.size() && !Apart(order[end - 1], order[end])) ++end;
    if (end - begin > 1) SortExactly(key, nodes, order.subspan(begin, end - begin));
    begin = end;
  }
}

std::vector<uint32_t> OrderOfPreference(std::string_view key, std::span<const WeightedNode> nodes) {
  std::vector<Ranked> ranked(nodes.size());
  RankNodes(key, nodes, ranked);
  std::vector<uint32_t> order;
  order.reserve(ranked.size());
  for (const Ranked& entry : ranked) order.push_back(entry.index);
  return order;
}

uint32_t FirstChoice(std::string_view key, std::span<const WeightedNode> nodes) {
  assert(!nodes.empty());
  Ranked best{CostOfHash(HashOn(key, nodes[0])), 0};
  for (uint32_t i = 1; i < nodes.size(); ++i) {
    const uint64_t hash = HashOn(key, nodes[i]);
    // Most nodes are out of the question without the exact logarithm.
    if (Precedes(best, {LowestCostOfHash(hash), i}, nodes)) continue;
    const Ranked candidate{CostOfHash(hash), i};
    if (Precedes(candidate, best, nodes)) best = candidate;
  }
  return best.index;
}

}  // namespace poplar::balancer
