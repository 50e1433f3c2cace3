#include "metrics/exporter.h"

#include <prometheus/collectable.h>
#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>

#include "metrics/process_stats.h"

namespace poplar::metrics {
namespace {

using prometheus::ClientMetric;
using prometheus::MetricFamily;
using prometheus::MetricType;
using LabelList = std::vector<std::pair<std::string, std::string>>;

constexpr double kSecondsPerNano = 1e-9;
constexpr double kNanosPerSecond = 1e9;

MetricType TypeOf(InstrumentType type) {
  switch (type) {
    case InstrumentType::kCounter:
      return MetricType::Counter;
    case InstrumentType::kGauge:
      return MetricType::Gauge;
    case InstrumentType::kHistogram:
      return MetricType::Histogram;
  }
  return MetricType::Untyped;
}

MetricFamily Single(const char* name, const char* help, MetricType type, double value,
                    const LabelList& labels = {}) {
  MetricFamily family{.name = name, .help = help, .type = type, .metric = {ClientMetric{}}};
  ClientMetric& metric = family.metric.front();
  (type == MetricType::Counter ? metric.counter.value : metric.gauge.value) = value;
  for (const auto& [key, text] : labels) metric.label.push_back({key, text});
  return family;
}

void AppendProcess(std::vector<MetricFamily>& families) {
  const std::optional<ProcessStats> stats = ReadProcessStats();
  if (!stats) return;
  const auto gauge = [&families](const char* name, const char* help, auto value) {
    families.push_back(Single(name, help, MetricType::Gauge, static_cast<double>(value)));
  };
  families.push_back(Single("process_cpu_seconds_total", "User and system CPU time.",
                            MetricType::Counter, stats->cpu_seconds));
  gauge("process_start_time_seconds", "Start of the process in Unix time.",
        stats->start_time_seconds);
  gauge("process_resident_memory_bytes", "Resident memory.", stats->resident_bytes);
  gauge("process_virtual_memory_bytes", "Virtual memory.", stats->virtual_bytes);
  gauge("process_open_fds", "Open file descriptors.", stats->open_fds);
  gauge("process_max_fds", "Limit on open file descriptors.", stats->max_fds);
}

uint64_t SumOf(const std::vector<const Shard*>& shards, size_t cell) {
  uint64_t sum = 0;  // wraps, as a gauge's negative parts need
  for (const Shard* shard : shards) sum += shard->Read(cell);
  return sum;
}

class Merger : public prometheus::Collectable {
 public:
  Merger(const Layout& layout, const std::vector<const Shard*>& shards, const LabelList& build_info,
         const Exporter::Seats& seat_names, const std::vector<uint64_t>& foreign)
      : layout_(layout),
        shards_(shards),
        build_info_(build_info),
        seat_names_(seat_names),
        foreign_(foreign) {}

  std::vector<MetricFamily> Collect() const override {
    std::vector<MetricFamily> families;
    constexpr size_t kOfProcessAndBuild = 7;
    families.reserve(kInstruments + kOfProcessAndBuild);
    for (size_t i = 0; i < kInstruments; ++i)
      families.push_back(Family(Instrument{static_cast<uint16_t>(i)}));
    families.push_back(Single("poplar_build_info", "Always 1; the labels say what was built.",
                              MetricType::Gauge, 1, build_info_));
    AppendProcess(families);
    return families;
  }

 private:
  uint64_t Sum(size_t cell) const {
    const uint64_t sum = SumOf(shards_, cell);
    return foreign_.empty() ? sum : sum - foreign_[cell];
  }

  MetricFamily Family(Instrument instrument) const {
    const InstrumentSpec& spec = Specs()[static_cast<size_t>(instrument)];
    MetricFamily family{
        .name = spec.name, .help = spec.help, .type = TypeOf(spec.type), .metric = {}};
    const std::span<const LabelPairs> series = layout_.Series(instrument);
    for (size_t i = 0; i < series.size(); ++i) {
      auto labels = LabelsOf(series[i], layout_.SeatOf(instrument, i));
      if (!labels) continue;
      ClientMetric& metric = family.metric.emplace_back();
      metric.label = std::move(*labels);
      Fill(spec, layout_.FirstCell(instrument) + i * layout_.CellsPerSeries(instrument), metric);
    }
    return family;
  }

  // Nothing: of a seat that is vacant. The name of a node stands behind its cluster's.
  std::optional<std::vector<ClientMetric::Label>> LabelsOf(const LabelPairs& pairs,
                                                           std::optional<Layout::Seat> seat) const {
    std::vector<ClientMetric::Label> labels;
    for (const auto& [name, value] : pairs) labels.push_back({std::string(name), value});
    if (!seat) return labels;
    ClientMetric::Label& own = labels[seat->kind == SeatKind::kNode ? 1 : 0];
    if (!own.value.empty()) return labels;
    const Exporter::Names& names = NamesOf(seat->kind);
    if (seat->number >= names.size() || !names[seat->number]) return std::nullopt;
    own.value = *names[seat->number];
    return labels;
  }

  const Exporter::Names& NamesOf(SeatKind kind) const {
    switch (kind) {
      case SeatKind::kNode:
        return seat_names_.nodes;
      case SeatKind::kCertificate:
        return seat_names_.certificates;
      case SeatKind::kUserMap:
        return seat_names_.user_maps;
      case SeatKind::kMove:
        return seat_names_.moves;
    }
    return seat_names_.nodes;
  }

  void Fill(const InstrumentSpec& spec, size_t cell, ClientMetric& metric) const {
    switch (spec.type) {
      case InstrumentType::kCounter:
        metric.counter.value = static_cast<double>(Sum(cell));
        return;
      case InstrumentType::kGauge:
        metric.gauge.value = static_cast<double>(static_cast<int64_t>(Sum(cell)));
        return;
      case InstrumentType::kHistogram:
        FillHistogram(spec.bounds, cell, metric.histogram);
        return;
    }
  }

  // The count is that of the buckets just read, so the two always agree; the sum may be an
  // observation ahead or behind.
  void FillHistogram(std::span<const uint64_t> bounds, size_t cell,
                     ClientMetric::Histogram& histogram) const {
    uint64_t count = 0;
    for (uint64_t bound : bounds) {
      count += Sum(cell++);
      histogram.bucket.push_back({count, static_cast<double>(bound) / kNanosPerSecond});
    }
    histogram.sample_count = count + Sum(cell++);
    histogram.sample_sum = static_cast<double>(Sum(cell)) * kSecondsPerNano;
  }

  const Layout& layout_;
  const std::vector<const Shard*>& shards_;
  const LabelList& build_info_;
  const Exporter::Seats& seat_names_;
  const std::vector<uint64_t>& foreign_;
};

}  // namespace

Exporter::Exporter(const Layout& layout, std::vector<const Shard*> shards,
                   std::vector<std::pair<std::string, std::string>> build_info,
                   SeatNames seat_names)
    : layout_(layout),
      shards_(std::move(shards)),
      build_info_(std::move(build_info)),
      seat_names_(std::move(seat_names)) {}

// Gauges are what they are: of a vacant seat there is nothing left that they could show.
void Exporter::SatDown(Node seat) {
  const std::lock_guard lock(mutex_);
  foreign_.resize(layout_.cells());
  for (size_t i = 0; i < kInstruments; ++i) {
    const Instrument instrument{static_cast<uint16_t>(i)};
    if (Specs()[i].type != InstrumentType::kCounter) continue;
    for (size_t series = 0; series < layout_.Series(instrument).size(); ++series) {
      if (layout_.NodeOf(instrument, series) != seat) continue;
      const size_t cell = layout_.FirstCell(instrument) + series;
      foreign_[cell] = SumOf(shards_, cell);
    }
  }
}

std::vector<uint64_t> Exporter::Foreign() const {
  const std::lock_guard lock(mutex_);
  return foreign_;
}

std::vector<uint64_t> Exporter::Cells(Instrument instrument) const {
  const std::lock_guard lock(mutex_);
  const size_t first = layout_.FirstCell(instrument);
  const size_t count = layout_.Series(instrument).size() * layout_.CellsPerSeries(instrument);
  std::vector<uint64_t> cells(count);
  for (size_t i = 0; i < count; ++i) {
    cells[i] = SumOf(shards_, first + i);
    if (!foreign_.empty()) cells[i] -= foreign_[first + i];
  }
  return cells;
}

// Without the lock: a worker's discovery calls SatDown. The names first, or whoever sits down
// meanwhile would be shown with what was counted before.
std::string Exporter::Text() const {
  const Seats names = seat_names_ ? seat_names_() : Seats();
  const std::vector<uint64_t> foreign = Foreign();
  const Merger merger(layout_, shards_, build_info_, names, foreign);
  const prometheus::TextSerializer serializer;
  return serializer.Serialize(merger.Collect());
}

}  // namespace poplar::metrics
