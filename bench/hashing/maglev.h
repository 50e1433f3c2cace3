#pragma once

#include <vector>

#include "bench/hashing/placement.h"

namespace poplar::bench {

// Maglev's lookup table (D. Eisenbud et al., NSDI 2016, 3.4): each node has a permutation of the
// table's entries from two hashes of its name; the nodes take turns, each taking its next entry
// that is free. The paper says of weights only that a node's turns come more or less often; here as
// Envoy does it: in round r a node of weight w takes a turn when r * w has reached its target,
// which each turn raises by the greatest weight.
class Maglev : public Placement {
 public:
  static constexpr uint64_t kEntries = 65'537;  // prime; the paper's usual size

  explicit Maglev(const std::vector<PlacedNode>& nodes);

  uint32_t HomeOf(std::string_view user) const override;
  size_t Bytes() const override { return table_.size() * sizeof(table_[0]); }

 private:
  std::vector<uint32_t> table_;
};

}  // namespace poplar::bench
