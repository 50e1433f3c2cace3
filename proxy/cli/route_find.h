#pragma once

#include <string>
#include <tl/expected.hpp>
#include <vector>

#include "balancer/canonical_user.h"
#include "balancer/route_table.h"
#include "proxy/config/config.h"

namespace poplar::cli {

// How a login comes, as far as rules ask for it.
struct RouteArrival {
  size_t listener = 0;      // its number in the configuration
  std::string server_name;  // SNI; empty: none
};

// What the rules say of a user, as far as files and LDAP directories can tell.
struct FoundRoute {
  std::string rule;  // empty: none knows the user
  const config::ClusterConfig* cluster = nullptr;
  std::string node;                      // of the user in particular; empty: none
  std::string login;                     // at the node; empty: as typed
  std::vector<std::string> directories;  // that are asked first, by a running Poplar alone
  std::vector<std::string> passed;       // "route map: not in /etc/poplar/users.map"
};

// Reads the user maps, asks LDAP directories. `rules` are the configuration's. The error is one
// line.
tl::expected<FoundRoute, std::string> FindRoute(const config::Config& config,
                                                const balancer::RouteTable& rules,
                                                const balancer::CanonicalUser& user,
                                                const RouteArrival& arrival);

}  // namespace poplar::cli
