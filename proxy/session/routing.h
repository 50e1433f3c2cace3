#pragma once

#include <absl/container/flat_hash_map.h>

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "balancer/node_table.h"
#include "balancer/route_table.h"

namespace poplar::session {

// Where a user's mail is: a cluster, and the node if it is on one of them in particular. Where the
// cluster's storage is shared, the others may still serve the user while that one is out.
struct Whereabouts {
  balancer::ClusterId cluster{};
  std::optional<balancer::NodeId> node = {};
};

// What a rule says of the users whom it means.
struct RouteTarget {
  enum class Kind : uint8_t {
    kCluster,
    kUserMap,    // as a file says; whom it doesn't know the next rules may
    kDirectory,  // as a service says; likewise
  };
  Kind kind = Kind::kCluster;
  balancer::ClusterId cluster{};  // kCluster
  size_t index = 0;               // among the maps, or the directories
};

// The rules of where users are, and the names by which maps and directories call places.
struct Routing {
  std::shared_ptr<const balancer::RouteTable>
      rules;                         // null: everybody is in the listener's cluster
  std::vector<RouteTarget> targets;  // by rule
  // "cluster", "cluster/node" and the nodes' addresses, "host:port", in lower case.
  absl::flat_hash_map<std::string, Whereabouts> places;

  std::optional<Whereabouts> FindPlace(std::string_view name) const;
};

}  // namespace poplar::session
