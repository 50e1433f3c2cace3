#include "balancer/agreement.h"

#include <algorithm>
#include <cassert>

namespace poplar::balancer {

Agreement Agree(const Agreement& before, std::span<const Moment> failing_since, size_t voters,
                Duration patience, Moment now) {
  assert(voters > 0);
  const size_t against = failing_since.size();
  const bool most = against * 2 > voters;
  if (!before.out) {
    if (!most) return before;
    const Moment first = *std::min_element(failing_since.begin(), failing_since.end());
    return {.out = true, .since = std::min(first, now), .changed = now};
  }
  Agreement next = before;
  if (most) {
    next.doubted.reset();
    return next;
  }
  if (!next.doubted) next.doubted = now;
  if (against * 4 > voters && now - *next.doubted < patience) return next;
  return {.out = false, .since = before.since, .changed = now};
}

}  // namespace poplar::balancer
