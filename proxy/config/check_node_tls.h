#pragma once

#include <string>

#include "proxy/config/findings.h"
#include "proxy/config/node_config.h"

namespace poplar::config {

// What a node's settings say of TLS, at `path`.
void CheckNodeTls(const NodeConfig& node, const std::string& path, Findings& findings);

}  // namespace poplar::config
