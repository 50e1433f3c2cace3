#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "metrics/admin_handlers.h"
#include "metrics/exporter.h"
#include "proxy/config/config.h"
#include "proxy/server/log.h"
#include "proxy/server/newest_settings.h"
#include "proxy/server/traces.h"
#include "proxy/server/worker.h"

namespace poplar::server {

// What a running server says of itself by /api/v1, and what it does to sessions at an operator's
// word. Any thread but a worker's: workers are asked on theirs, and waited for.
class AdminApi {
 public:
  struct Parts {
    const config::Config& config;  // copied; all others outlive it
    const NewestSettings& newest;
    const Shared& shared;
    const std::vector<std::unique_ptr<Worker>>& workers;
    const metrics::Exporter& exporter;
    Traces& traces;
    const std::vector<io::Address>& addresses;  // by listener, once all listen
    Log& log;
    const io::Clock& clock;
    const std::vector<std::pair<std::string, std::string>>& build_info;  // copied
  };
  explicit AdminApi(const Parts& parts);

  // Another configuration is in force.
  void Use(const config::Config& config);
  std::shared_ptr<const config::Config> config() const;

  // But for whether it is ready, or drains.
  metrics::StatusView Status() const;
  std::vector<metrics::ClusterView> Nodes() const;
  metrics::ApiResult<metrics::SessionsView> Sessions(const metrics::SessionQuery& query) const;
  metrics::ApiResult<metrics::KickResult> Kick(const metrics::KickQuery& query) const;
  metrics::ApiResult<metrics::RouteView> Route(const metrics::RouteQuery& query) const;
  metrics::ApiResult<metrics::TraceView> Trace(const metrics::TraceQuery& query) const;

 private:
  metrics::ApiResult<std::string> Canonical(const std::string& login) const;
  metrics::ApiResult<std::string> FullNodeName(const std::string& node) const;

  mutable std::mutex mutex_;
  std::shared_ptr<const config::Config> config_;  // guarded by mutex_
  const NewestSettings& newest_;
  const Shared& shared_;
  const std::vector<std::unique_ptr<Worker>>& workers_;
  const metrics::Exporter& exporter_;
  Traces& traces_;
  const std::vector<io::Address>& addresses_;
  Log& log_;
  const io::Clock& clock_;
  std::string version_;
  const int64_t started_;  // Unix time in microseconds
};

}  // namespace poplar::server
