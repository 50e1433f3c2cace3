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

class Merger : public prometheus::Collectable {
 public:
  Merger(const Layout& layout, const std::vector<const Shard*>& shards, const LabelList& build_info)
      : layout_(layout), shards_(shards), build_info_(build_info) {}

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
    uint64_t sum = 0;  // wraps, as a gauge's negative parts need
    for (const Shard* shard : shards_) sum += shard->Read(cell);
    return sum;
  }

  MetricFamily Family(Instrument instrument) const {
    const InstrumentSpec& spec = Specs()[static_cast<size_t>(instrument)];
    MetricFamily family{
        .name = spec.name, .help = spec.help, .type = TypeOf(spec.type), .metric = {}};
    size_t cell = layout_.FirstCell(instrument);
    for (const LabelPairs& labels : layout_.Series(instrument)) {
      ClientMetric& metric = family.metric.emplace_back();
      for (const auto& [name, value] : labels) metric.label.push_back({std::string(name), value});
      Fill(spec, cell, metric);
      cell += layout_.CellsPerSeries(instrument);
    }
    return family;
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
};

}  // namespace

Exporter::Exporter(const Layout& layout, std::vector<const Shard*> shards,
                   std::vector<std::pair<std::string, std::string>> build_info)
    : layout_(layout), shards_(std::move(shards)), build_info_(std::move(build_info)) {}

std::string Exporter::Text() const {
  const Merger merger(layout_, shards_, build_info_);
  const prometheus::TextSerializer serializer;
  return serializer.Serialize(merger.Collect());
}

}  // namespace poplar::metrics
