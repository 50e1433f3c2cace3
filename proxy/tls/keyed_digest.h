#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "proxy/io/clock.h"

namespace poplar::tls {

// HMAC-SHA-256 under a key made at the process's start and never written anywhere: recognises a
// credential that was seen before without keeping it. Or under one that several processes have, for
// names that they tell each other. Immutable; safe from any thread.
class KeyedDigest {
 public:
  using Value = std::array<uint8_t, 32>;

  // `random` must be fit for keys.
  explicit KeyedDigest(io::Random& random);
  // By a secret that others have, too.
  explicit KeyedDigest(std::string_view shared_secret);
  ~KeyedDigest();  // wipes the key
  KeyedDigest(const KeyedDigest&) = delete;
  KeyedDigest& operator=(const KeyedDigest&) = delete;

  // Of both, unambiguously: ("ab", "c") and ("a", "bc") differ.
  Value Of(std::string_view user, std::string_view secret) const;

 private:
  std::array<uint8_t, 32> key_{};
};

}  // namespace poplar::tls
