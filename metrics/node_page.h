#pragma once

#include <span>
#include <string>

#include "metrics/node_view.h"

namespace poplar::metrics {

// {"clusters":[{"cluster":"main","panic":false,"nodes":[{"node":"mail1","state":"up",...}]}]} with
// a line end. Keys are an interface: added to, never renamed. Bytes that are not UTF-8 become
// U+FFFD.
std::string NodesAsJson(std::span<const ClusterView> clusters);

// {"pools":[{"cluster":"main","node":"mail1","slots":20,...,"reuse":{"parked":3,...}}]}, likewise:
// how many logins got a parked, a warm or a new connection.
std::string PoolsAsJson(std::span<const ClusterView> clusters);

// NodesAsJson for people: one aligned row a node. Control characters become '?'.
std::string NodesAsTable(std::span<const ClusterView> clusters);

}  // namespace poplar::metrics
