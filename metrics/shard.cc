#include "metrics/shard.h"

#include <algorithm>
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

}  // namespace poplar::metrics
