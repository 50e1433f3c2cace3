#pragma once

#include <string>
#include <vector>

#include "metrics/trace_view.h"

namespace poplar::metrics {

// One object, and {"traces":[...]}, with a line end. Keys are an interface: added to, never
// renamed.
std::string TraceAsJson(const TraceView& trace);
std::string TracesAsJson(const std::vector<TraceView>& traces);

}  // namespace poplar::metrics
