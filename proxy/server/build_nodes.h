#pragma once

#include <memory>
#include <string>
#include <tl/expected.hpp>
#include <vector>

#include "balancer/node_health.h"
#include "balancer/node_pool.h"
#include "proxy/config/config.h"
#include "proxy/upstream/endpoint.h"

namespace poplar::server {

// What a configuration says of one node, looked up and loaded.
struct NodePlan {
  std::string name;  // in its cluster
  uint32_t weight = 100;
  balancer::AdminState admin = balancer::AdminState::kUp;
  std::shared_ptr<const upstream::Endpoint> endpoint;
  // Of all that the endpoint was made of, the files' content too: of two with the same one is as
  // good as the other, and connections that lead to it may stay.
  std::string print;
  balancer::PoolLimits limits;
  io::Duration wait_timeout{};
};

// Those that the cluster lists, in order. Resolves host names, which may block. The error is one
// line for the operator.
tl::expected<std::vector<NodePlan>, std::string> PlanNodes(const config::Config& config,
                                                           const config::ClusterConfig& cluster);

// NodePlan::print of the node at this address.
std::string EndpointPrint(const config::Config& config, const config::ClusterConfig& cluster,
                          const config::NodeConfig& node, const io::Address& address);

// Of what is in it; empty: there is none. What can't be read is the business of whoever loads it.
std::string FileDigest(const std::string& file);

// What all nodes have in common that the cluster discovers: all but name, address and, where the
// configuration says none, host name.
tl::expected<upstream::Endpoint, std::string> BuildDiscoveredPattern(
    const config::Config& config, const config::ClusterConfig& cluster);

balancer::PoolLimits PoolLimitsOf(const config::Config& config,
                                  const config::ClusterConfig& cluster,
                                  const config::NodeConfig& node);
balancer::AdminState AdminOf(config::NodeState state);

}  // namespace poplar::server
