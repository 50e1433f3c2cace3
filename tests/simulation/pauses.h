#pragma once

#include <cstddef>
#include <optional>
#include <vector>

#include "proxy/io/clock.h"
#include "tests/simulation/world.h"

namespace poplar::simulation {

inline constexpr size_t kPoplarWorkers = 2;

// A time in which Poplar isn't run, after which its clock has jumped: a machine that swaps, a guest
// that is moved, a worker without a core.
struct Pause {
  io::Duration begin{};
  io::Duration duration{};
  std::optional<size_t> worker;  // none: the whole process
};

// None in most worlds.
std::vector<Pause> DrawPauses(World& world);

// From microseconds to half a minute, each scale as likely as the others.
io::Duration DrawMoment(SeededRandom& random);

}  // namespace poplar::simulation
