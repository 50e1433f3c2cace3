#pragma once

#include <memory>
#include <vector>

#include "metrics/admin_handlers.h"
#include "proxy/config/config.h"
#include "proxy/server/worker.h"

namespace poplar::server {

struct RunningParts {
  const config::Config& config;
  const session::Settings& settings;  // of the start
  const session::Settings& newest;
  const Shared& shared;
  const std::vector<std::unique_ptr<Worker>>& workers;
  std::vector<metrics::ClusterView> nodes;  // as they are
};

// Where logins of a user go at this moment: by the maps, moves and nodes in force. Directories are
// asked that want no password, and waited for.
metrics::ApiResult<metrics::RouteView> RouteNow(const RunningParts& parts,
                                                const metrics::RouteQuery& query);

}  // namespace poplar::server
