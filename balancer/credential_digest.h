#pragma once

#include <array>
#include <cstdint>

namespace poplar::balancer {

// Keyed digest of user name and password as the node accepted them; compare with Matches.
struct CredentialDigest {
  std::array<uint8_t, 32> bytes{};
  // In constant time.
  bool Matches(const CredentialDigest& other) const;
};

}  // namespace poplar::balancer
