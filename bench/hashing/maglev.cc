#include "bench/hashing/maglev.h"

#include <xxhash.h>

#include <algorithm>

namespace poplar::bench {
namespace {

struct Turns {
  uint64_t offset;
  uint64_t skip;
  uint64_t next = 0;
  uint64_t target = 0;
};

constexpr uint32_t kFree = UINT32_MAX;

uint64_t Hash(std::string_view text, uint64_t seed) {
  return XXH64(text.data(), text.size(), seed);
}

}  // namespace

Maglev::Maglev(const std::vector<PlacedNode>& nodes) : table_(kEntries, kFree) {
  std::vector<Turns> turns;
  uint64_t heaviest = 0;
  for (const PlacedNode& node : nodes) {
    turns.push_back(
        {.offset = Hash(node.name, 0) % kEntries, .skip = Hash(node.name, 1) % (kEntries - 1) + 1});
    heaviest = std::max<uint64_t>(heaviest, node.weight);
  }
  uint64_t taken = 0;
  for (uint64_t round = 1; taken < kEntries; ++round) {
    for (uint32_t i = 0; i < nodes.size() && taken < kEntries; ++i) {
      Turns& turn = turns[i];
      if (round * nodes[i].weight < turn.target) continue;
      turn.target += heaviest;
      const auto entry = [&turn] { return (turn.offset + turn.skip * turn.next) % kEntries; };
      while (table_[entry()] != kFree) ++turn.next;
      table_[entry()] = i;
      ++turn.next;
      ++taken;
    }
  }
}

uint32_t Maglev::HomeOf(std::string_view user) const { return table_[Hash(user, 0) % kEntries]; }

}  // namespace poplar::bench
