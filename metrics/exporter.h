#pragma once

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
  // `build_info`: labels of poplar_build_info, such as {"version", "0.1.0"}.
  Exporter(const Layout& layout, std::vector<const Shard*> shards,
           std::vector<std::pair<std::string, std::string>> build_info);

  std::string Text() const;

 private:
  const Layout& layout_;
  std::vector<const Shard*> shards_;
  std::vector<std::pair<std::string, std::string>> build_info_;
};

}  // namespace poplar::metrics
