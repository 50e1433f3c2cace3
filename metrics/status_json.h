#pragma once

#include <string>

#include "metrics/status_view.h"

namespace poplar::metrics {

// One object with a line end. Keys are an interface: added to, never renamed.
std::string StatusAsJson(const StatusView& status);

}  // namespace poplar::metrics
