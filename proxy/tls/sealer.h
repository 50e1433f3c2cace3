#pragma once

#include <absl/functional/function_ref.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

#include "proxy/io/clock.h"

namespace poplar::tls {

// A credential as it is kept while its session lives: encrypted, under a key that no core dump
// contains. Two words, and one heap block of 24 bytes more than the secret. Wiped when it is
// destroyed, assigned over or moved from.
class SealedSecret {
 public:
  SealedSecret() = default;
  SealedSecret(SealedSecret&& other) noexcept;
  SealedSecret& operator=(SealedSecret&& other) noexcept;
  SealedSecret(const SealedSecret&) = delete;
  SealedSecret& operator=(const SealedSecret&) = delete;
  ~SealedSecret() { Clear(); }

  // Whether nothing was sealed; a sealed empty secret is something.
  bool empty() const { return box_ == nullptr; }
  void Clear();
  // What lies in memory.
  std::span<const uint8_t> box() const { return {box_.get(), size_}; }

 private:
  friend class Sealer;
  explicit SealedSecret(size_t box_bytes);

  std::unique_ptr<uint8_t[]> box_;  // the nonce's counter, then ciphertext and tag
  size_t size_ = 0;                 // of the box
};

// Seals secrets that must outlive the moment in which they are used. Its key is made at start and
// lies in a page of its own, locked in memory where that is allowed, kept out of core dumps and
// wiped in a child process. Immutable but for a count; safe from any thread.
class Sealer {
 public:
  // `random` must be fit for keys.
  explicit Sealer(io::Random& random);
  ~Sealer();  // wipes the key
  Sealer(const Sealer&) = delete;
  Sealer& operator=(const Sealer&) = delete;

  SealedSecret Seal(std::string_view secret) const;
  // `use` gets the secret, which is wiped when it returns. `sealed` is this Sealer's, not empty.
  void Open(const SealedSecret& sealed, absl::FunctionRef<void(std::string_view)> use) const;

 private:
  struct KeyPage;
  KeyPage* page_;
  // Each number makes one nonce: none comes twice under the key, as GCM needs it.
  mutable std::atomic<uint64_t> seals_ = 0;
};

}  // namespace poplar::tls
