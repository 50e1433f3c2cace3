#pragma once

#include <chrono>

#include "proxy/config/field.h"

namespace poplar::config {

// How a process that is told to stop lets its sessions go.
struct DrainConfig {
  Duration delay{0};
  Duration idle_grace = std::chrono::seconds(10);
  Duration timeout = std::chrono::seconds(30);

  bool operator==(const DrainConfig&) const = default;
};

template <class Visitor>
void Describe(Visitor& v, DrainConfig& c) {
  constexpr Bounds<Duration> kBounds = {Duration(0), std::chrono::hours(24)};
  v.Time("delay", c.delay, kBounds,
         {.help = "How long listeners stay open while /readyz says no already, for load balancers "
                  "to notice. After an upgrade there is no such wait."});
  v.Time("idle_grace", c.idle_grace, kBounds,
         {.help = "Then a client that has been silent for so long is told -ERR [SYS/TEMP] and let "
                  "go: at its next command if it had been silent before, else once the time is "
                  "over."});
  v.Time("timeout", c.timeout, kBounds,
         {.help = "How long all others may go on, from when the listeners close; then each ends at "
                  "its next command boundary. Downloads are finished."});
}

}  // namespace poplar::config
