#pragma once

#include <chrono>
#include <random>

namespace poplar::bench {

// When sessions come in an open loop: at random, independent of each other.
struct Arrivals {
  double rate = 0;   // a second, on average over the length; 0: no open loop
  double swell = 0;  // how much denser than that they are in its middle, and thinner at its ends
  std::chrono::nanoseconds length{};

  double RateAt(std::chrono::nanoseconds since_start) const;
  // From an arrival at `since_start` to the next one.
  std::chrono::nanoseconds Gap(std::chrono::nanoseconds since_start, std::mt19937_64& random) const;
};

}  // namespace poplar::bench
