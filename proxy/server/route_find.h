#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <vector>

#include "balancer/canonical_user.h"
#include "balancer/route_table.h"
#include "proxy/config/config.h"
#include "proxy/directory/answer.h"
#include "proxy/session/routing.h"

namespace poplar::server {

// How a login comes, as far as rules ask for it.
struct RouteArrival {
  size_t listener = 0;      // its number in the configuration
  std::string server_name;  // SNI; empty: none
};

struct RoutePlace {
  const config::ClusterConfig* cluster = nullptr;
  std::string node;  // empty: none in particular
};

// What rules refer to: that of a running Poplar, or what the configuration alone can tell.
struct RouteSources {
  // What the user map of this rule says; nothing: the user isn't in it. The error is one line.
  std::function<tl::expected<std::optional<directory::Found>, std::string>(
      size_t rule, const balancer::CanonicalUser& user)>
      in_map;
  // What the directory of this rule says; nothing: it would have to be shown a password.
  std::function<std::optional<directory::Answer>(size_t rule, const balancer::CanonicalUser& user)>
      ask;
  // What a map or directory calls by that name.
  std::function<tl::expected<RoutePlace, session::Routing::PlaceFault>(std::string_view name)>
      find_place;
};

// By the configuration's names and addresses, as session::Routing does it.
tl::expected<RoutePlace, session::Routing::PlaceFault> PlaceIn(const config::Config& config,
                                                               std::string_view name);

// What the rules say of a user.
struct FoundRoute {
  std::string rule;  // empty: none knows the user
  RoutePlace place;
  std::string login;                     // at the node; empty: as typed
  std::vector<std::string> directories;  // that are asked first, at a login alone
  std::vector<std::string> passed;       // "route map: not in /etc/poplar/users.map"
};

// `rules` are the configuration's. The error is one line.
tl::expected<FoundRoute, std::string> FindRoute(const config::Config& config,
                                                const balancer::RouteTable& rules,
                                                const RouteSources& sources,
                                                const balancer::CanonicalUser& user,
                                                const RouteArrival& arrival);

}  // namespace poplar::server
