#pragma once

#include <cstdint>

#include "proxy/admission/access.h"
#include "proxy/admission/address_group.h"
#include "proxy/admission/login_penalty.h"
#include "proxy/admission/pace.h"
#include "proxy/admission/token_bucket.h"

namespace poplar::admission {

// How many connections there may be; 0: no limit.
struct ConnectionRules {
  int64_t sessions = 0;
  int64_t unauthenticated = 0;
  uint32_t per_address = 0;
  uint32_t per_network = 0;
  uint32_t unauthenticated_per_address = 0;
  Rate rate;  // of new ones
  Rate rate_per_address;
};

// What the operator says, the same for all listeners: a part of the snapshot that sessions read.
// What is counted by it lives in Admission and outlives it.
struct Policy {
  AccessList access;
  io::NetworkSet trusted;  // nothing that counts by address holds for them
  PrefixBits address_bits;
  PrefixBits network_bits{.ipv4 = 24, .ipv6 = 48};
  ConnectionRules connections;
  PenaltyRules penalty;
  PaceRules pace;
};

}  // namespace poplar::admission
