#pragma once

#include <cstdint>

#include "tests/simulation/scenario.h"
#include "tests/simulation/world.h"

namespace poplar::simulation {

// Looks for the fewest troubles that make the seed's world fail: tells it again, in a process of
// its own each time, without one more of them, and leaves out for good what it fails without.
// Prints what is left and the command that replays it. False: the world doesn't fail at all.
bool Shrink(const Scenario& scenario, uint64_t seed, World::Omissions without);

}  // namespace poplar::simulation
