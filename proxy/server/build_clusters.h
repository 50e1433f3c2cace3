#pragma once

#include <memory>
#include <string>
#include <tl/expected.hpp>
#include <vector>

#include "balancer/node_table.h"
#include "proxy/config/config.h"
#include "proxy/server/build_nodes.h"
#include "proxy/upstream/cluster.h"

namespace poplar::server {

// Where nodes are listed there is room to add as many again while all runs, and so many at least:
// an idle seat costs a few kilobytes.
inline constexpr size_t kSpareSeatsMin = 8;
uint32_t SeatsOf(const config::ClusterConfig& cluster);

// What a configuration says of one cluster, looked up and loaded; all of it may be said anew.
struct ClusterPlan {
  balancer::HealthRules health;
  std::shared_ptr<upstream::ClusterTerms> terms;
  std::vector<NodePlan> nodes = {};  // that are listed
};

// In the order of the configuration. Resolves host names, which may block. The error is one line
// for the operator.
tl::expected<std::vector<ClusterPlan>, std::string> PlanClusters(const config::Config& config);

// What all workers share of the clusters, in the order of the configuration and of `table`.
// Likewise.
tl::expected<std::vector<std::shared_ptr<upstream::Cluster>>, std::string> BuildClusters(
    const config::Config& config, const balancer::NodeTable& table);

}  // namespace poplar::server
