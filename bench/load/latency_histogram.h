#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

#include "proxy/io/clock.h"

namespace poplar::bench {

// Durations in buckets that are 1/32 of their value wide (HdrHistogram's layout): a percentile is
// at most 3.2 % too high, from 1 µs to hours, in 8 KiB.
class LatencyHistogram {
 public:
  void Add(io::Duration duration);

  uint64_t count() const { return count_; }
  io::Duration max() const { return max_; }
  io::Duration mean() const;
  // The upper edge of the bucket in which the fraction (0..1) is reached, but no more than max().
  io::Duration Percentile(double fraction) const;

 private:
  static constexpr int kSubBits = 5;
  static constexpr size_t kSub = size_t{1} << kSubBits;
  static constexpr size_t kBuckets = 32 * kSub;

  static size_t IndexOf(uint64_t micros);
  static uint64_t UpperEdge(size_t index);

  std::array<uint64_t, kBuckets> buckets_{};
  uint64_t count_ = 0;
  io::Duration sum_{};
  io::Duration max_{};
};

}  // namespace poplar::bench
