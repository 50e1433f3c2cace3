#pragma once

#include <optional>
#include <vector>

#include "tests/simulation/places.h"
#include "tests/simulation/world.h"

namespace poplar::simulation {

// Which nodes of a world's first cluster the name servers name, and what changes.
struct NameScript {
  struct Step {
    io::Duration when{};
    std::optional<size_t> leaves;
    std::optional<size_t> comes;
    std::optional<size_t> removed;  // to another address
  };
  std::vector<size_t> at_first;
  std::vector<Step> steps;
};

// Never less than two nodes.
NameScript DrawNames(World& world, const Places& places);

}  // namespace poplar::simulation
