#pragma once

#include <cstdint>
#include <optional>
#include <ostream>
#include <string>

#include "metrics/trace_view.h"
#include "proxy/config/report.h"

namespace poplar::cli {

struct TraceOptions {
  std::string config_path;
  metrics::TraceQuery query;     // exactly one of user, client and node, unless one of the next
  bool list = false;             // which are on
  std::optional<uint64_t> stop;  // which is to end
  config::Color color = config::Color::kNever;  // of err
};

// `poplar trace`: turns a trace of the Poplar that runs with this configuration on, and prints the
// path of its file; ends one, or lists those that are on. Returns the exit status: 0, or 1 when the
// configuration has errors, nobody answers or it says no; 2 for options that make no sense.
int RunTrace(const TraceOptions& options, std::ostream& out, std::ostream& err);

}  // namespace poplar::cli
