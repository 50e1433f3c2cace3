#pragma once

#include <cstddef>

#include "balancer/canonical_user.h"
#include "proxy/session/login.h"

namespace poplar::session {

// Parked sessions of users who are being moved: they hold their user where it no longer is. They
// end with QUIT, in the background.

// The user's, at all nodes of the cluster; how many there were.
size_t EndParked(Environment& environment, const Settings& settings, balancer::ClusterId cluster,
                 const balancer::CanonicalUser& user);

// All that are on the wrong side of the move. Also those of a namesake who lives in its new cluster
// by other rules; that costs the namesake a login at the node.
void EndParkedOf(Environment& environment, const Settings& settings, size_t move);

}  // namespace poplar::session
