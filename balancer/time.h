#pragma once

#include <chrono>

namespace poplar::balancer {

using Duration = std::chrono::nanoseconds;

// A point in time, counted from an origin of the caller's choice that is the same for all calls in
// one process. This folder has no clock: time comes in with each event.
using Moment = std::chrono::nanoseconds;

}  // namespace poplar::balancer
