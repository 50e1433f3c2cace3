#pragma once

#include <vector>

#include "metrics/node_view.h"
#include "proxy/io/clock.h"
#include "proxy/session/settings.h"

namespace poplar::server {

// All nodes as they are at this moment, for the admin endpoint and the gauges. Any thread.
std::vector<metrics::ClusterView> ViewNodes(const session::Settings& settings, io::Time now);

}  // namespace poplar::server
