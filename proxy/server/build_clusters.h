#pragma once

#include <memory>
#include <string>
#include <tl/expected.hpp>
#include <vector>

#include "balancer/node_table.h"
#include "proxy/config/config.h"
#include "proxy/upstream/cluster.h"

namespace poplar::server {

// What all workers share of the clusters, in the order of the configuration and of `table`.
// Resolves host names, which may block. The error is one line for the operator.
tl::expected<std::vector<std::shared_ptr<upstream::Cluster>>, std::string> BuildClusters(
    const config::Config& config, const balancer::NodeTable& table);

// What all nodes have in common that the cluster discovers: all but name, address and, where the
// configuration says none, host name.
tl::expected<upstream::Endpoint, std::string> BuildDiscoveredPattern(
    const config::Config& config, const config::ClusterConfig& cluster);

balancer::AdminState AdminOf(config::NodeState state);

}  // namespace poplar::server
