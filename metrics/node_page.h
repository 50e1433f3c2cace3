#pragma once

#include <span>
#include <string>

#include "metrics/node_view.h"

namespace poplar::metrics {

// {"clusters":[{"cluster":"main","panic":false,"nodes":[{"node":"mail1","state":"up",...}]}]} with
// a line end. Keys are an interface: added to, never renamed. Bytes that are not UTF-8 become
// U+FFFD.
std::string NodesAsJson(std::span<const ClusterView> clusters);

// The same for people: one aligned row a node. Control characters become '?'.
std::string NodesAsTable(std::span<const ClusterView> clusters);

}  // namespace poplar::metrics
