#pragma once

#include <array>
#include <cassert>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "metrics/instruments.h"

namespace poplar::metrics {

// Where each series lives in a shard's flat array of 64-bit cells. Made once at start from the
// dimensions; immutable, shared by all shards and the exporter, outlives them.
//
// A counter or gauge series is one cell; a histogram series is one cell a bucket (not cumulative),
// one for what exceeds the last bound, and one for the sum in nanoseconds. Series of one instrument
// follow each other, the last label fastest.
class Layout {
 public:
  explicit Layout(const Dimensions& dimensions);

  size_t cells() const { return cells_; }

  // The first cell of a series.
  template <typename... Labels>
  size_t CellOf(Instrument instrument, Labels... labels) const {
    const Place& place = places_[static_cast<size_t>(instrument)];
    size_t series = 0;
    size_t dimension = 0;
    const auto step = [&](size_t label) {
      assert(label < place.sizes[dimension]);
      series = series * place.sizes[dimension++] + label;
    };
    (step(static_cast<size_t>(labels)), ...);
    return place.first_cell + series * place.cells_per_series;
  }

  // For the exporter: how many cells each series of an instrument takes, and the labels of all its
  // series in the order of their cells.
  size_t CellsPerSeries(Instrument instrument) const {
    return places_[static_cast<size_t>(instrument)].cells_per_series;
  }
  size_t FirstCell(Instrument instrument) const {
    return places_[static_cast<size_t>(instrument)].first_cell;
  }
  std::span<const LabelPairs> Series(Instrument instrument) const {
    return places_[static_cast<size_t>(instrument)].series;
  }
  // On which seat of which kind something comes and goes whose the series is, by its index in
  // Series; nothing: it belongs to none.
  struct Seat {
    SeatKind kind = SeatKind::kNode;
    uint16_t number = 0;  // the label's value
  };
  std::optional<Seat> SeatOf(Instrument instrument, size_t series) const {
    const Place& place = places_[static_cast<size_t>(instrument)];
    if (!place.seat_kind) return std::nullopt;
    return Seat{*place.seat_kind, static_cast<uint16_t>(series / place.series_per_seat)};
  }
  // Whose the series is; nothing: no node's.
  std::optional<Node> NodeOf(Instrument instrument, size_t series) const {
    const auto seat = SeatOf(instrument, series);
    if (!seat || seat->kind != SeatKind::kNode) return std::nullopt;
    return Node{seat->number};
  }

 private:
  struct Place {
    size_t first_cell = 0;
    size_t cells_per_series = 1;
    std::array<size_t, kMaxLabels> sizes{};  // number of values of each label
    std::vector<LabelPairs> series;
    std::optional<SeatKind> seat_kind;  // of its first label
    size_t series_per_seat = 1;
  };

  std::array<Place, kInstruments> places_;
  size_t cells_ = 0;
};

}  // namespace poplar::metrics
