#pragma once

#include <optional>
#include <string>

#include "balancer/canonical_user.h"
#include "balancer/moves.h"
#include "metrics/route_view.h"
#include "proxy/config/config.h"
#include "proxy/server/route_find.h"

namespace poplar::server {

// The number that a cluster of the configuration has in Moves, and in the first node table.
balancer::ClusterId ClusterNumber(const config::Config& config, const std::string& cluster);

// What becomes of a user whom the rules have found: one who is moved is in another cluster, and at
// no node in particular. `moves` are the configuration's.
std::optional<metrics::RouteView::Move> FollowMove(const config::Config& config,
                                                   const balancer::Moves& moves,
                                                   const balancer::CanonicalUser& user,
                                                   RoutePlace& place);

}  // namespace poplar::server
