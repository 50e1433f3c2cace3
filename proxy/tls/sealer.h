#pragma once

#include <absl/functional/function_ref.h>

#include <cstdint>
#include <string_view>
#include <vector>

#include "proxy/io/clock.h"

namespace poplar::tls {

// A credential as it is kept while its session lives: encrypted, under a key that no core dump
// contains. Wiped when it is destroyed or moved from.
class SealedSecret {
 public:
  SealedSecret() = default;
  bool empty() const { return bytes_.empty(); }

 private:
  friend class Sealer;
  std::vector<uint8_t> bytes_;
};

// Seals secrets that must outlive the moment in which they are used. Its key is made at start and
// lies in a page of its own, locked in memory where that is allowed, kept out of core dumps and
// wiped in a child process. Immutable; safe from any thread.
class Sealer {
 public:
  // `random` must be fit for keys.
  explicit Sealer(io::Random& random);
  ~Sealer();  // wipes the key
  Sealer(const Sealer&) = delete;
  Sealer& operator=(const Sealer&) = delete;

  SealedSecret Seal(std::string_view secret) const;
  // `use` gets the secret, which is wiped when it returns.
  void Open(const SealedSecret& sealed, absl::FunctionRef<void(std::string_view)> use) const;
};

}  // namespace poplar::tls
