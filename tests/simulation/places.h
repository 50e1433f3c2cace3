#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "tests/simulation/world.h"

namespace poplar::simulation {

// The clusters of a world, and all nodes that there may ever be in them. Nodes have numbers of
// their own here: Poplar's ids are seats', where nodes come and go.
struct Places {
  struct Cluster {
    std::string name;
    std::vector<size_t> nodes;
    uint32_t seats = 0;  // above 0: its nodes come and go
  };
  std::vector<Cluster> clusters;   // the first is the listener's
  std::vector<std::string> names;  // of the nodes
  bool by_service = false;         // nodes are found by SRV records, else by addresses

  size_t ClusterOf(size_t node) const;
  // Whether users change from the first cluster to the second one.
  bool moves() const { return clusters.size() > 1; }
  // Whether nodes of the first cluster come and go.
  bool discovers() const { return clusters.front().seats > 0; }
};

// In most worlds three nodes that are always there. `spared`: no cluster has only one.
Places DrawPlaces(World& world, bool spared);

}  // namespace poplar::simulation
