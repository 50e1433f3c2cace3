#pragma once

#include <vector>

#include "metrics/move_view.h"
#include "proxy/session/settings.h"

namespace poplar::server {

// All moves as they are at this moment, for the admin endpoint and the gauges. Any thread.
std::vector<metrics::MoveView> ViewMoves(const session::Settings& settings);

}  // namespace poplar::server
