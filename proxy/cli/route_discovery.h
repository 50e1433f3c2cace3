#pragma once

#include <map>
#include <string>

#include "proxy/config/config.h"

namespace poplar::cli {

// What asking for a cluster's nodes has come to: "mail.svc names 3 nodes", or why it names none.
struct AskedForNodes {
  std::string text;
  bool ok = false;
};

// Asks, once and now, for the nodes of all clusters that discover theirs, and puts them into the
// configuration as if they stood there. By cluster name. Blocks.
std::map<std::string, AskedForNodes> AskForNodes(config::Config& config);

}  // namespace poplar::cli
