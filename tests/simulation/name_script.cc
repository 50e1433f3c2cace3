#include "tests/simulation/name_script.h"

#include <string>
#include <utility>

#include "tests/simulation/pauses.h"

namespace poplar::simulation {
namespace {

constexpr size_t kNodesMin = 2;

size_t Take(SeededRandom& random, std::vector<size_t>& from) {
  std::swap(from[random.Below(from.size())], from.back());
  const size_t taken = from.back();
  from.pop_back();
  return taken;
}

NameScript::Step DrawStep(SeededRandom& random, bool by_service, std::vector<size_t>& named,
                          std::vector<size_t>& absent) {
  NameScript::Step step;
  const uint64_t kind = random.Below(by_service ? 4 : 3);
  if (kind == 3) step.removed = named[random.Below(named.size())];
  if ((kind == 0 || kind == 2) && !absent.empty()) step.comes = Take(random, absent);
  if ((kind == 1 || kind == 2) && named.size() + (step.comes ? 1 : 0) > kNodesMin) {
    step.leaves = Take(random, named);
    absent.push_back(*step.leaves);
  }
  if (step.comes) named.push_back(*step.comes);
  return step;
}

}  // namespace

NameScript DrawNames(World& world, const Places& places) {
  SeededRandom random = world.Stream("names");
  NameScript script;
  std::vector<size_t> absent = places.clusters.front().nodes;
  std::vector<size_t> named;
  for (size_t i = random.Between(kNodesMin, places.clusters.front().seats); i > 0; --i)
    named.push_back(Take(random, absent));
  script.at_first = named;
  io::Duration when{};
  for (uint64_t i = random.Between(1, 6); i > 0; --i) {
    when += DrawMoment(random);
    const std::string name = "names' step " + std::to_string(i);
    SeededRandom draws = world.Stream(name);
    if (!world.Allows(name)) continue;
    script.steps.push_back(DrawStep(draws, places.by_service, named, absent));
    script.steps.back().when = when;
  }
  return script;
}

}  // namespace poplar::simulation
