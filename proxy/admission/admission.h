#pragma once

#include <cstdint>

#include "proxy/admission/connection_limits.h"
#include "proxy/admission/login_penalty.h"

namespace poplar::admission {

// What the process remembers of its clients, for all workers; outlives every configuration. Safe
// from any thread.
struct Admission {
  // `key`: random.
  explicit Admission(uint64_t key) : connections(key), penalty(key) {}

  ConnectionLimits connections;
  LoginPenalty penalty;
};

}  // namespace poplar::admission
