#include "tests/simulation/pauses.h"

#include <string>

namespace poplar::simulation {

io::Duration DrawMoment(SeededRandom& random) {
  const auto scale = static_cast<int64_t>(uint64_t{1} << random.Between(4, 25));
  return random.Between(io::Duration(0), io::Duration(std::chrono::microseconds(scale)));
}

std::vector<Pause> DrawPauses(World& world) {
  SeededRandom random = world.Stream("pauses");
  std::vector<Pause> pauses;
  if (!random.Chance(0.1)) return pauses;
  io::Duration when = DrawMoment(random);
  for (uint64_t i = random.Between(1, 3); i > 0; --i) {
    Pause pause{when, DrawMoment(random), std::nullopt};
    if (random.Chance(0.5)) pause.worker = random.Below(kPoplarWorkers);
    when += pause.duration + DrawMoment(random);
    if (world.Allows("pause " + std::to_string(i))) pauses.push_back(pause);
  }
  return pauses;
}

}  // namespace poplar::simulation
