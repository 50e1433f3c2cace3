#pragma once

#include <string>

#include "proxy/config/cluster_config.h"
#include "proxy/config/findings.h"

namespace poplar::config {

// What a cluster, at `path`, says of finding its nodes by DNS.
void CheckDiscovery(const ClusterConfig& cluster, const std::string& path, Findings& findings);

}  // namespace poplar::config
