#pragma once

#include <utility>

namespace poplar::io {

// Counts how many of its kind live; a value that is lost or destroyed twice shows as a count other
// than zero in the end.
class Noisy {
 public:
  explicit Noisy(int& alive) : alive_(&alive) { ++*alive_; }
  Noisy(const Noisy& other) : alive_(other.alive_) { ++*alive_; }
  Noisy(Noisy&& other) noexcept : alive_(other.alive_) { ++*alive_; }
  Noisy& operator=(const Noisy&) = default;
  Noisy& operator=(Noisy&&) = default;
  ~Noisy() { --*alive_; }

 private:
  int* alive_;
};

}  // namespace poplar::io
