#pragma once

#include <algorithm>
#include <atomic>

#include "proxy/io/clock.h"

namespace poplar::directory {

// How long a thread waits for a server: until a time, or until it is told to stop.
struct LdapPatience {
  const io::Clock& clock;
  io::Time deadline;
  const std::atomic<bool>& stop;

  bool stopped() const { return stop.load(std::memory_order_relaxed); }
  // Never less than zero.
  io::Duration Left() const {
    return std::max<io::Duration>(deadline - clock.Now(), io::Duration::zero());
  }
};

}  // namespace poplar::directory
