#include "balancer/credential_digest.h"

#include <cstddef>

namespace poplar::balancer {

bool CredentialDigest::Matches(const CredentialDigest& other) const {
  // volatile: or the compiler might leave the loop at the first difference.
  volatile uint8_t difference = 0;
  for (size_t i = 0; i < bytes.size(); ++i) {
    difference = static_cast<uint8_t>(difference | (bytes[i] ^ other.bytes[i]));
  }
  return difference == 0;
}

}  // namespace poplar::balancer
