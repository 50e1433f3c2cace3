#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

// Weighted rendezvous hashing: from a user to the whole order of preference over a cluster's nodes.
//
// The recipe is public and frozen: an LMTP or IMAP front end that follows it, in any language,
// sends a user to the same node. Integers only, so every machine gives the same bits.
//
//   seed(node)       = XXH64(bytes of the node's name, seed 0)
//   hash(user, node) = XXH64(bytes of the canonical user, seed(node))
//   x                = hash | 1                  so that u = x / 2^64 is uniform in (0, 1)
//   cost             = 64 * 2^48 - Log2(x)       -log2(u), 48 bits behind the point, at least 1
//
//   Log2(x):  e = index of the highest bit of x;  m = x << (63 - e);  r = e
//             48 times:  m = (m * m) >> 63 in 128 bits;  r = 2 * r
//                        if m >= 2^64:  m = m >> 1;  r = r + 1
//
//   Node a comes before node b when cost(a) / weight(a) < cost(b) / weight(b), compared exactly as
//   cost(a) * weight(b) < cost(b) * weight(a) in 128 bits. Equal: the smaller name (bytes) first.
//   Nodes of weight 0 come after all others, by cost, then name.
//
// tests/unit/balancer/rendezvous_reference.py is the same in Python and made the golden vectors.
// -log(u)/weight is exponentially distributed with rate `weight`, hence: a node comes first for
// exactly its share of the users; taking a node away moves only its own users; raising a weight
// only moves users to that node; and the order of the node list is irrelevant.
namespace poplar::balancer {

inline constexpr uint32_t kMaxWeight = 1000;

// A node as the hash sees it. `name` must outlive the object; names within one list are distinct.
struct WeightedNode {
  WeightedNode(std::string_view node_name, uint32_t node_weight);

  std::string_view name;
  uint32_t weight;  // 0..kMaxWeight; 0 = never before a node that has a weight
  uint64_t seed;
};

struct Ranked {
  uint64_t cost;   // -log2(u) in units of 2^-48, 1..64 * 2^48
  uint32_t index;  // into the node list
};

// Fills `order` (of the size of `nodes`) with the nodes in order of preference. Allocates nothing.
void RankNodes(std::string_view key, std::span<const WeightedNode> nodes, std::span<Ranked> order);

// A place in the order: nearly the node's cost over its weight, enough to tell most from one
// another.
struct Placed {
  double key;
  uint32_t index;  // into the node list
};

// The same order without exact costs, for a fraction of the work. Allocates nothing.
void OrderNodes(std::string_view key, std::span<const WeightedNode> nodes, std::span<Placed> order);

// The same, as indexes into `nodes`.
std::vector<uint32_t> OrderOfPreference(std::string_view key, std::span<const WeightedNode> nodes);

// Only the first of the order; `nodes` must not be empty. Allocates nothing, does not sort.
uint32_t FirstChoice(std::string_view key, std::span<const WeightedNode> nodes);

// The recipe's two steps: the cost of x = hash | 1, and "a comes before b" (a total order over
// nodes of distinct names).
uint64_t CostOfHash(uint64_t hash);
bool Precedes(const Ranked& a, const Ranked& b, std::span<const WeightedNode> nodes);

}  // namespace poplar::balancer
