#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "balancer/time.h"

namespace poplar::balancer {

// What replicas agree on about one node. Moments are of a clock that all of them share.
struct Agreement {
  bool out = false;
  Moment since{};    // it has been failing, by the first who saw it; of one that is out
  Moment changed{};  // when it came to be so
  std::optional<Moment> doubted{};  // one that is out: since when no more than half say so

  friend bool operator==(const Agreement&, const Agreement&) = default;
};

// What replicas agree on next, from what they did and what each thinks now. Everybody who knows the
// same comes to the same; whoever is first to write it down decides.
//
//   Out:  once more than half of the voters say so. The node has been failing since the first of
//         them saw it fail.
//   Back: at once when no more than a quarter of the voters still say that it is out; or when no
//         more than half have said so for `patience`.
//
// So one replica that can't reach a node takes it from nobody, and one whose view flaps moves
// nothing: from out to in and back again it takes the change of a quarter of the voters at least,
// or `patience`. A view by itself is damped already (NodeHealth). Alone, a voter agrees with
// itself.
//
// `failing_since`: of the voters who say that it is out. `voters`: all, one at least.
Agreement Agree(const Agreement& before, std::span<const Moment> failing_since, size_t voters,
                Duration patience, Moment now);

}  // namespace poplar::balancer
