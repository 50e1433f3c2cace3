#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>

#include "tests/simulation/world.h"

namespace poplar::simulation {

// What happened in the worlds told so far, by name. A scenario that never gets there proves
// nothing.
using Totals = std::map<std::string, uint64_t>;

// A story that is told once for every seed. It fails by World::Fail.
struct Scenario {
  const char* name;
  void (*run)(World& world);
  // Such a one must fail; it shows that its correct sister can. Not part of a run of all.
  bool wrong_on_purpose = false;
  // Each of them must have happened at all, within a thousand seeds.
  const Totals& (*totals)() = nullptr;
};

std::span<const Scenario> AllScenarios();

}  // namespace poplar::simulation
