#pragma once

#include <absl/container/flat_hash_map.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
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
  // The nodes' hosts alone, likewise, an IPv6 address without brackets; nothing: several nodes have
  // it.
  absl::flat_hash_map<std::string, std::optional<Whereabouts>> hosts;

  // `place` is a node. Twice does no harm.
  void AddHost(std::string_view host, const Whereabouts& place);

  enum class PlaceFault : uint8_t { kUnknown, kAmbiguous };
  // A host alone counts where no place has that name.
  tl::expected<Whereabouts, PlaceFault> FindPlace(std::string_view name) const;
};

}  // namespace poplar::session
