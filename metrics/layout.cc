#include "metrics/layout.h"

#include <cassert>
#include <utility>

namespace poplar::metrics {
namespace {

template <typename... Labels>
constexpr InstrumentSpec Spec(InstrumentType type, const char* name, const char* help,
                              std::span<const uint64_t> bounds = {}) {
  static_assert(sizeof...(Labels) <= kMaxLabels);
  return {type, name, help, {&ValuesOf<Labels>...}, bounds};
}

const std::array<InstrumentSpec, kInstruments> kSpecs = {
#define X(identifier, name, help, ...) Spec<__VA_ARGS__>(InstrumentType::kCounter, name, help),
    POPLAR_COUNTERS(X)
#undef X
#define X(identifier, name, help, ...) Spec<__VA_ARGS__>(InstrumentType::kGauge, name, help),
        POPLAR_GAUGES(X)
#undef X
#define X(identifier, bounds, name, help, ...) \
  Spec<__VA_ARGS__>(InstrumentType::kHistogram, name, help, buckets::bounds),
            POPLAR_HISTOGRAMS(X)
#undef X
};

// Each series so far, once with every value of the next label.
std::vector<LabelPairs> Cross(const std::vector<LabelPairs>& series,
                              const std::vector<LabelPairs>& values) {
  std::vector<LabelPairs> product;
  product.reserve(series.size() * values.size());
  for (const LabelPairs& left : series) {
    for (const LabelPairs& right : values) {
      LabelPairs& both = product.emplace_back(left);
      both.insert(both.end(), right.begin(), right.end());
    }
  }
  return product;
}

std::optional<SeatKind> SeatKindOf(LabelValues label) {
  if (label == &ValuesOf<Node>) return SeatKind::kNode;
  if (label == &ValuesOf<Certificate>) return SeatKind::kCertificate;
  if (label == &ValuesOf<UserMap>) return SeatKind::kUserMap;
  if (label == &ValuesOf<Move>) return SeatKind::kMove;
  return std::nullopt;
}

}  // namespace

std::span<const InstrumentSpec, kInstruments> Specs() { return kSpecs; }

Layout::Layout(const Dimensions& dimensions) {
  for (size_t i = 0; i < kInstruments; ++i) {
    const InstrumentSpec& spec = kSpecs[i];
    Place& place = places_[i];
    place.first_cell = cells_;
    if (spec.type == InstrumentType::kHistogram) place.cells_per_series = spec.bounds.size() + 2;
    place.series = {{}};
    place.seat_kind = SeatKindOf(spec.labels[0]);
    for (size_t label = 0; label < kMaxLabels && spec.labels[label] != nullptr; ++label) {
      const std::vector<LabelPairs> values = spec.labels[label](dimensions);
      assert(label == 0 || spec.labels[label] != &ValuesOf<Node>);
      place.sizes[label] = values.size();
      if (label > 0) place.series_per_seat *= values.size();
      place.series = Cross(place.series, values);
    }
    cells_ += place.series.size() * place.cells_per_series;
  }
}

}  // namespace poplar::metrics
