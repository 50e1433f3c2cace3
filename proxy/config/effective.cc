#include "proxy/config/effective.h"

namespace poplar::config {

PoolConfig EffectivePool(const Config& config, const ClusterConfig& cluster,
                         const NodeConfig& node) {
  return Apply(node.pool, Apply(cluster.pool, config.pool));
}

HealthConfig EffectiveHealth(const Config& config, const ClusterConfig& cluster) {
  return Apply(cluster.health, config.health);
}

ResumeConfig EffectiveResume(const Config& config, const ClusterConfig& cluster) {
  return Apply(cluster.resume, config.resume);
}

UpstreamTimeoutsConfig EffectiveTimeouts(const Config& config, const ClusterConfig& cluster,
                                         const NodeConfig& node) {
  const UpstreamTimeoutsConfig global = {config.timeouts.upstream_connect,
                                         config.timeouts.upstream_response,
                                         config.timeouts.upstream_keepalive};
  return Apply(node.timeouts, Apply(cluster.timeouts, global));
}

}  // namespace poplar::config
