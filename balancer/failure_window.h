#pragma once

#include <array>
#include <cstdint>

#include "balancer/time.h"

namespace poplar::balancer {

// Counts what sessions saw of a node over the last while, in a fixed number of buckets: no memory
// grows with the traffic. What it covers slides by a bucket, so it reaches back between 5/6 of its
// length and all of it. Pure; one thread at a time.
class FailureWindow {
 public:
  struct Counts {
    uint64_t events = 0;
    uint64_t failures = 0;
    uint64_t after_greeting = 0;  // of the failures
  };

  // `length`: above 0, else nothing is ever counted.
  explicit FailureWindow(Duration length) : bucket_length_(length / kBuckets) {}

  void AddServed(Moment now) { Add({.events = 1}, now); }
  void AddFailure(bool after_greeting, Moment now) {
    Add({.events = 1, .failures = 1, .after_greeting = after_greeting ? 1U : 0U}, now);
  }
  void Clear() { buckets_ = {}; }

  Counts Sum(Moment now) const;

 private:
  static constexpr int kBuckets = 6;

  struct Bucket {
    int64_t number = -1;  // of the bucket since the origin of time; none yet
    Counts counts;
  };

  void Add(const Counts& event, Moment now);

  Duration bucket_length_;
  std::array<Bucket, kBuckets> buckets_{};
};

}  // namespace poplar::balancer
