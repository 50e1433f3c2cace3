#pragma once

#include <span>

#include "tests/simulation/world.h"

namespace poplar::simulation {

// A story that is told once for every seed. It fails by World::Fail.
struct Scenario {
  const char* name;
  void (*run)(World& world);
  // Such a one must fail; it shows that its correct sister can. Not part of a run of all.
  bool wrong_on_purpose = false;
};

std::span<const Scenario> AllScenarios();

}  // namespace poplar::simulation
