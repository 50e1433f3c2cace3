#include "bench/load/latency_histogram.h"

#include <algorithm>
#include <cmath>

namespace poplar::bench {

// Below 2 * kSub each value has a bucket of its own; above, each power of two has kSub of them.
size_t LatencyHistogram::IndexOf(uint64_t micros) {
  if (micros < 2 * kSub) return static_cast<size_t>(micros);
  const int shift = static_cast<int>(std::bit_width(micros)) - kSubBits - 1;
  const size_t index = static_cast<size_t>(shift) * kSub + static_cast<size_t>(micros >> shift);
  return std::min(index, kBuckets - 1);
}

uint64_t LatencyHistogram::UpperEdge(size_t index) {
  if (index < 2 * kSub) return index;
  const size_t shift = index / kSub - 1;
  return ((index - shift * kSub + 1) << shift) - 1;
}

void LatencyHistogram::Add(io::Duration duration) {
  duration = std::max(duration, io::Duration::zero());
  const auto micros = static_cast<uint64_t>(
      std::chrono::duration_cast<std::chrono::microseconds>(duration).count());
  ++buckets_[IndexOf(micros)];
  ++count_;
  sum_ += duration;
  max_ = std::max(max_, duration);
}

io::Duration LatencyHistogram::mean() const {
  return count_ == 0 ? io::Duration::zero() : sum_ / static_cast<int64_t>(count_);
}

io::Duration LatencyHistogram::Percentile(double fraction) const {
  const auto wanted = static_cast<uint64_t>(std::ceil(fraction * static_cast<double>(count_)));
  uint64_t seen = 0;
  for (size_t i = 0; i < kBuckets; ++i) {
    seen += buckets_[i];
    if (seen >= wanted && seen > 0) {
      if (i == kBuckets - 1) break;  // takes all that is longer than the buckets reach
      return std::min<io::Duration>(std::chrono::microseconds(UpperEdge(i)), max_);
    }
  }
  return max_;
}

}  // namespace poplar::bench
