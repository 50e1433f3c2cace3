#pragma once

#include <algorithm>

#include "proxy/io/proactor.h"

namespace poplar::io {

// How long the turns of a loop take, from waking to the next wait, for the counters.
class TurnClock {
 public:
  explicit TurnClock(ProactorCounters& counters) : counters_(counters) {}

  void Wakes(Time now) { woke_ = now; }
  void Waits(Time now) {
    const Duration took = now - woke_;
    const auto bound = std::lower_bound(kTurnBounds.begin(), kTurnBounds.end(), took);
    ++counters_.turns_by_length[static_cast<size_t>(bound - kTurnBounds.begin())];
    counters_.busy += took;
  }

 private:
  ProactorCounters& counters_;
  Time woke_{};
};

}  // namespace poplar::io
