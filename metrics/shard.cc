#include "metrics/shard.h"

#include <algorithm>
#include <cassert>
#include <span>

namespace poplar::metrics {

Shard::Shard(const Layout& layout)
    : layout_(layout), lines_((layout.cells() + kCellsPerLine - 1) / kCellsPerLine) {}

void Shard::ObserveAt(Instrument instrument, size_t first_cell, std::chrono::nanoseconds duration) {
  const auto value = static_cast<uint64_t>(std::max<int64_t>(duration.count(), 0));
  const std::span<const uint64_t> bounds = Specs()[static_cast<size_t>(instrument)].bounds;
  const auto bucket = std::lower_bound(bounds.begin(), bounds.end(), value) - bounds.begin();
  Bump(first_cell + static_cast<size_t>(bucket), 1);
  Bump(first_cell + bounds.size() + 1, value);
}

void Shard::AddBuckets(Instrument instrument, size_t first_cell, std::span<const uint64_t> counts,
                       std::chrono::nanoseconds sum) {
  const size_t buckets = Specs()[static_cast<size_t>(instrument)].bounds.size() + 1;
  assert(counts.size() == buckets);
  for (size_t i = 0; i < buckets; ++i) Bump(first_cell + i, counts[i]);
  Bump(first_cell + buckets, static_cast<uint64_t>(sum.count()));
}

}  // namespace poplar::metrics
