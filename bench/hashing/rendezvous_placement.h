#pragma once

#include <vector>

#include "balancer/rendezvous.h"
#include "bench/hashing/placement.h"

namespace poplar::bench {

// balancer/rendezvous.h: only the first choice, or by way of the whole order of preference, which
// is what a cluster with shared storage asks for at a login.
class Rendezvous : public Placement {
 public:
  Rendezvous(const std::vector<PlacedNode>& nodes, bool whole_order);

  uint32_t HomeOf(std::string_view user) const override;
  size_t Bytes() const override { return nodes_.size() * sizeof(nodes_[0]); }

 private:
  std::vector<PlacedNode> placed_;
  std::vector<balancer::WeightedNode> nodes_;  // names point into placed_
  bool whole_order_;
  mutable std::vector<balancer::Ranked> order_;  // of the lookup going on; one thread
};

}  // namespace poplar::bench
