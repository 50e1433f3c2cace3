#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "proxy/io/clock.h"

namespace poplar::simulation {

// xoshiro256** (Blackman and Vigna), seeded through splitmix64. The same numbers on every machine
// and library, which std:: distributions don't promise.
class SeededRandom final : public io::Random {
 public:
  explicit SeededRandom(uint64_t seed);
  // A stream of its own for each name, so that a draw added to one part of a world doesn't change
  // what the other parts draw.
  SeededRandom(uint64_t seed, std::string_view name);

  uint64_t Next() override;
  uint64_t Below(uint64_t bound);                 // 0 .. bound - 1; bound > 0
  uint64_t Between(uint64_t low, uint64_t high);  // both included
  io::Duration Between(io::Duration low, io::Duration high);
  bool Chance(double probability);

 private:
  std::array<uint64_t, 4> state_;
};

}  // namespace poplar::simulation
