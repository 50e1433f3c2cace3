#pragma once

#include "proxy/config/config.h"
#include "proxy/config/findings.h"

namespace poplar::config {

// The part of CheckMeaning about how clients get in: each listener's TLS, its ways to log in, its
// load balancers, its cluster, and certificates of clients.
void CheckDownstream(const Config& config, Findings& findings);

}  // namespace poplar::config
