#include "metrics/totals.h"

#include <algorithm>
#include <cstddef>
#include <span>

namespace poplar::metrics {
namespace {

constexpr double kSecondsPerNano = 1e-9;

// Null: the series has no such label.
const std::string* ValueOf(const LabelPairs& series, std::string_view label) {
  const auto found = std::find_if(series.begin(), series.end(),
                                  [label](const auto& pair) { return pair.first == label; });
  return found == series.end() ? nullptr : &found->second;
}

bool Has(const LabelPairs& series, const Having& having) {
  return std::all_of(having.begin(), having.end(), [&series](const auto& pair) {
    const std::string* const value = ValueOf(series, pair.first);
    return value != nullptr && *value == pair.second;
  });
}

}  // namespace

Counts CountsBy(const Exporter& exporter, Instrument instrument, std::string_view label) {
  Counts counts;
  const std::span<const LabelPairs> series = exporter.layout().Series(instrument);
  const std::vector<uint64_t> cells = exporter.Cells(instrument);
  for (size_t i = 0; i < series.size(); ++i) {
    const std::string* const value = ValueOf(series[i], label);
    if (value == nullptr) continue;
    const auto known = std::find_if(counts.begin(), counts.end(),
                                    [value](const auto& count) { return count.first == *value; });
    if (known == counts.end()) {
      counts.emplace_back(*value, cells[i]);
    } else {
      known->second += cells[i];
    }
  }
  return counts;
}

uint64_t SumOf(const Exporter& exporter, Instrument instrument, const Having& having) {
  const std::span<const LabelPairs> series = exporter.layout().Series(instrument);
  const std::vector<uint64_t> cells = exporter.Cells(instrument);
  uint64_t sum = 0;
  for (size_t i = 0; i < series.size(); ++i) sum += Has(series[i], having) ? cells[i] : 0;
  return sum;
}

HistogramTotal SumOfHistogram(const Exporter& exporter, Instrument instrument,
                              const Having& having) {
  const std::span<const uint64_t> bounds = Specs()[static_cast<size_t>(instrument)].bounds;
  const std::span<const LabelPairs> series = exporter.layout().Series(instrument);
  const std::vector<uint64_t> cells = exporter.Cells(instrument);
  const size_t each = exporter.layout().CellsPerSeries(instrument);
  std::vector<uint64_t> sums(each);
  for (size_t i = 0; i < series.size(); ++i) {
    if (!Has(series[i], having)) continue;
    for (size_t k = 0; k < each; ++k) sums[k] += cells[i * each + k];
  }
  HistogramTotal total;
  for (size_t k = 0; k < bounds.size(); ++k) {
    total.count += sums[k];
    total.buckets.push_back({static_cast<double>(bounds[k]) * kSecondsPerNano, total.count});
  }
  total.count += sums[bounds.size()];
  total.sum = static_cast<double>(sums[bounds.size() + 1]) * kSecondsPerNano;
  return total;
}

}  // namespace poplar::metrics
