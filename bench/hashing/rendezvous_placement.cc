#include "bench/hashing/rendezvous_placement.h"

namespace poplar::bench {

Rendezvous::Rendezvous(const std::vector<PlacedNode>& nodes, bool whole_order)
    : placed_(nodes), whole_order_(whole_order), order_(nodes.size()) {
  for (const PlacedNode& node : placed_) nodes_.emplace_back(node.name, node.weight);
}

uint32_t Rendezvous::HomeOf(std::string_view user) const {
  if (!whole_order_) return balancer::FirstChoice(user, nodes_);
  balancer::RankNodes(user, nodes_, order_);
  return order_[0].index;
}

}  // namespace poplar::bench
