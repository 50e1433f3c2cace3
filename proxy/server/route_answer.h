#pragma once

#include <string>
#include <tl/expected.hpp>

#include "balancer/canonical_user.h"
#include "balancer/moves.h"
#include "balancer/route_table.h"
#include "metrics/route_view.h"
#include "proxy/config/config.h"
#include "proxy/server/route_find.h"

namespace poplar::server {

// By what a user's way is explained: `poplar route` has it of a file, a running Poplar of itself.
struct RouteBasis {
  const config::Config& config;  // nodes that were discovered stand in it, too
  const balancer::RouteTable& rules;
  const RouteSources& sources;
  const balancer::Moves& moves;
  RouteArrival arrival = {};
  const config::ClusterConfig* cluster = nullptr;  // whatever the rules say; null: as they do
};

// Which rule says where the user is, which move has moved it, and the cluster's nodes in order of
// preference, with the reasons. How things are at the moment is for the caller to add. The error is
// one line.
tl::expected<metrics::RouteView, std::string> AnswerRoute(const RouteBasis& basis,
                                                          const std::string& login,
                                                          const balancer::CanonicalUser& user);

}  // namespace poplar::server
