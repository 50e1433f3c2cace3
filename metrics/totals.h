#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "metrics/exporter.h"
#include "metrics/instruments.h"

// What /metrics says, as numbers: summed over the labels that nobody asks for.
namespace poplar::metrics {

// By the values of one label, in their order.
using Counts = std::vector<std::pair<std::string, uint64_t>>;

struct HistogramTotal {
  struct Bucket {
    double bound = 0;    // seconds
    uint64_t count = 0;  // of observations up to it
  };
  std::vector<Bucket> buckets;  // without the last one, of all
  uint64_t count = 0;
  double sum = 0;  // seconds
};

// The series that have all these labels.
using Having = std::vector<std::pair<std::string_view, std::string_view>>;

// Of a counter or gauge.
Counts CountsBy(const Exporter& exporter, Instrument instrument, std::string_view label);
uint64_t SumOf(const Exporter& exporter, Instrument instrument, const Having& having = {});

HistogramTotal SumOfHistogram(const Exporter& exporter, Instrument instrument,
                              const Having& having = {});

}  // namespace poplar::metrics
