#include "bench/generator/arrivals.h"

#include <cmath>
#include <numbers>

namespace poplar::bench {

double Arrivals::RateAt(std::chrono::nanoseconds since_start) const {
  if (swell == 0 || length <= std::chrono::nanoseconds::zero()) return rate;
  const double at = std::chrono::duration<double>(since_start) / length;
  return rate * (1 - swell * std::cos(2 * std::numbers::pi * at));
}

std::chrono::nanoseconds Arrivals::Gap(std::chrono::nanoseconds since_start,
                                       std::mt19937_64& random) const {
  const std::chrono::duration<double> gap(
      std::exponential_distribution(RateAt(since_start))(random));
  return std::chrono::duration_cast<std::chrono::nanoseconds>(gap);
}

}  // namespace poplar::bench
