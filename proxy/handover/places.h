#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "balancer/node_table.h"

namespace poplar::handover {

// Clusters and nodes by their names, as they are now. Any thread.
struct Places {
  struct Node {
    balancer::ClusterId cluster{};
    balancer::NodeId node{};
  };

  // Null: there is none of that name.
  std::function<std::optional<Node>(std::string_view cluster, std::string_view node)> find;
  std::function<std::string(balancer::ClusterId cluster)> name_of_cluster;
  std::function<std::string(balancer::NodeId node)> name_of_node;  // in its cluster
};

}  // namespace poplar::handover
