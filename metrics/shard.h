#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <span>
#include <type_traits>
#include <vector>

#include "metrics/instruments.h"
#include "metrics/layout.h"

namespace poplar::metrics {

// One worker's part of every instrument. One thread writes (plain loads and stores of its own cache
// lines, no lock, no locked instruction); any thread may read at any time. The exporter adds the
// shards up, so a gauge may rise on one worker and fall on another, and a gauge that is set is set
// on one shard only.
class Shard {
 public:
  explicit Shard(const Layout& layout);
  Shard(const Shard&) = delete;
  Shard& operator=(const Shard&) = delete;

  template <typename... Labels>
  void Add(CounterHandle<Labels...> counter, std::type_identity_t<Labels>... labels) {
    Bump(layout_.CellOf(counter.instrument, labels...), 1);
  }
  template <typename... Labels>
  void Add(CounterHandle<Labels...> counter, uint64_t n, std::type_identity_t<Labels>... labels) {
    Bump(layout_.CellOf(counter.instrument, labels...), n);
  }

  template <typename... Labels>
  void GaugeAdd(GaugeHandle<Labels...> gauge, int64_t delta,
                std::type_identity_t<Labels>... labels) {
    Bump(layout_.CellOf(gauge.instrument, labels...), static_cast<uint64_t>(delta));
  }
  template <typename... Labels>
  void GaugeSet(GaugeHandle<Labels...> gauge, int64_t value,
                std::type_identity_t<Labels>... labels) {
    Cell(layout_.CellOf(gauge.instrument, labels...))
        .store(static_cast<uint64_t>(value), std::memory_order_relaxed);
  }

  // For gauges with one series a state: 1 for `state`, 0 for the others. A scrape in between may
  // see none or two at 1.
  template <typename Subject, typename State>
  void GaugeSetState(GaugeHandle<Subject, State> gauge, std::type_identity_t<Subject> subject,
                     std::type_identity_t<State> state) {
    for (size_t i = 0; i < LabelTraits<State>::kValues.size(); ++i) {
      GaugeSet(gauge, static_cast<State>(i) == state ? 1 : 0, subject, static_cast<State>(i));
    }
  }

  // A negative duration counts as zero.
  template <typename... Labels>
  void Observe(HistogramHandle<Labels...> histogram, std::chrono::nanoseconds duration,
               std::type_identity_t<Labels>... labels) {
    ObserveAt(histogram.instrument, layout_.CellOf(histogram.instrument, labels...), duration);
  }

  // What somebody else has counted in the histogram's buckets, of which the last is for what
  // exceeds the last bound.
  template <typename... Labels>
  void ObserveMany(HistogramHandle<Labels...> histogram, std::span<const uint64_t> counts,
                   std::chrono::nanoseconds sum, std::type_identity_t<Labels>... labels) {
    AddBuckets(histogram.instrument, layout_.CellOf(histogram.instrument, labels...), counts, sum);
  }

  // For the exporter; see Layout for what a cell holds.
  uint64_t Read(size_t cell) const { return Cell(cell).load(std::memory_order_relaxed); }

 private:
  static constexpr size_t kCacheLine = 64;
  static constexpr size_t kCellsPerLine = kCacheLine / sizeof(uint64_t);

  // Whole lines, so that no two shards share one.
  struct alignas(kCacheLine) Line {
    std::atomic<uint64_t> cells[kCellsPerLine] = {};
  };

  std::atomic<uint64_t>& Cell(size_t cell) {
    return lines_[cell / kCellsPerLine].cells[cell % kCellsPerLine];
  }
  const std::atomic<uint64_t>& Cell(size_t cell) const {
    return lines_[cell / kCellsPerLine].cells[cell % kCellsPerLine];
  }
  void Bump(size_t cell, uint64_t n) {
    std::atomic<uint64_t>& value = Cell(cell);
    value.store(value.load(std::memory_order_relaxed) + n, std::memory_order_relaxed);
  }
  void ObserveAt(Instrument instrument, size_t first_cell, std::chrono::nanoseconds duration);
  void AddBuckets(Instrument instrument, size_t first_cell, std::span<const uint64_t> counts,
                  std::chrono::nanoseconds sum);

  const Layout& layout_;
  std::vector<Line> lines_;
};

}  // namespace poplar::metrics
