#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "balancer/canonical_user.h"
#include "proxy/config/config.h"

namespace poplar::server {

// One node as a user's logins see it.
struct RouteChoice {
  const config::NodeConfig* node = nullptr;  // in the cluster given; never null
  uint64_t cost = 0;                         // as balancer/rendezvous.h defines it
  double score = 0;                          // weight / -log2(u): the highest comes first
  std::string reason;                        // in plain words: "home: highest score of 3 nodes"
};

// All nodes of the cluster in the user's order of preference, which is that of
// balancer::NodeTable::Choose; what the states in the configuration make of it stands in the
// reasons. What sessions and probes find at run time is not known here.
// `own`: the node that the user is on in particular, and that comes first; empty: none.
std::vector<RouteChoice> PlanRoute(const config::ClusterConfig& cluster, config::Duration hold_down,
                                   const balancer::CanonicalUser& user, std::string_view own = {});

}  // namespace poplar::server
