#pragma once

#include <string>

#include "metrics/route_view.h"

namespace poplar::metrics {

// How JSON says that something is unknown, or that there is none.
enum class Unknown { kNull, kLeftOut };

// One object. Keys are an interface: added to, never renamed.
std::string RouteAsJson(const RouteView& route, Unknown unknown);

}  // namespace poplar::metrics
