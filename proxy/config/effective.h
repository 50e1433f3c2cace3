#pragma once

#include "proxy/config/config.h"

// What holds for one cluster or node: its own settings, else its cluster's, else the global ones.
namespace poplar::config {

PoolConfig EffectivePool(const Config& config, const ClusterConfig& cluster,
                         const NodeConfig& node);

HealthConfig EffectiveHealth(const Config& config, const ClusterConfig& cluster);

ResumeConfig EffectiveResume(const Config& config, const ClusterConfig& cluster);

UpstreamTimeoutsConfig EffectiveTimeouts(const Config& config, const ClusterConfig& cluster,
                                         const NodeConfig& node);

}  // namespace poplar::config
