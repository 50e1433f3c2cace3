#pragma once

#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "metrics/layout.h"
#include "metrics/shard.h"

namespace poplar::metrics {

// The value of the Content-Type header that goes with Exporter::Text (Prometheus 3 insists on one).
inline constexpr char kExpositionContentType[] = "text/plain; version=0.0.4; charset=utf-8";

// Adds up the shards on each scrape and writes them in the Prometheus text format, with process_*
// and poplar_build_info. Thread-safe; never holds a worker up. Layout and shards outlive it.
class Exporter {
 public:
  // By label, the names of those that have seats at this moment; nothing: the seat is vacant, and
  // its series aren't shown. Asked once a scrape.
  using Names = std::vector<std::optional<std::string>>;
  struct Seats {
    Seats() = default;
    Seats(Names of_nodes) : nodes(std::move(of_nodes)) {}
    Names nodes;
    Names certificates;
    Names user_maps;
    Names moves;
  };
  using SeatNames = std::function<Seats()>;

  // `build_info`: labels of poplar_build_info, such as {"version", "0.1.0"}. `seat_names`: where
  // nodes come and go.
  Exporter(const Layout& layout, std::vector<const Shard*> shards,
           std::vector<std::pair<std::string, std::string>> build_info, SeatNames seat_names = {});

  // Another node has sat down: what was counted of the seat until now isn't shown as its own.
  void SatDown(Node seat);

  std::string Text() const;

  const Layout& layout() const { return layout_; }
  // All of an instrument's series, in the layout's order, as Text would say them: a cell each, and
  // of a histogram Layout::CellsPerSeries each, which are as in a shard.
  std::vector<uint64_t> Cells(Instrument instrument) const;

 private:
  std::vector<uint64_t> Foreign() const;

  const Layout& layout_;
  std::vector<const Shard*> shards_;
  std::vector<std::pair<std::string, std::string>> build_info_;
  const SeatNames seat_names_;
  mutable std::mutex mutex_;
  std::vector<uint64_t> foreign_;  // by cell; empty until the first sits down; guarded by mutex_
};

}  // namespace poplar::metrics
