#include "proxy/server/route_find.h"

#include <algorithm>
#include <utility>

#include "proxy/config/address_text.h"
#include "proxy/config/quote.h"
#include "proxy/pop3/ascii.h"

namespace poplar::server {
namespace {

using PlaceFault = session::Routing::PlaceFault;

const config::ClusterConfig* FindCluster(const config::Config& config, std::string_view name) {
  if (name.empty()) return &config.clusters.front();
  const auto found = std::find_if(
      config.clusters.begin(), config.clusters.end(),
      [name](const auto& cluster) { return pop3::EqualsIgnoringCase(cluster.name, name); });
  return found == config.clusters.end() ? nullptr : &*found;
}

// A node by its address, as the configuration has it.
std::optional<RoutePlace> ByAddress(const config::Config& config, std::string_view address) {
  for (const config::ClusterConfig& cluster : config.clusters) {
    for (const config::NodeConfig& node : cluster.nodes) {
      if (pop3::EqualsIgnoringCase(node.address, address)) return RoutePlace{&cluster, node.name};
    }
  }
  return std::nullopt;
}

// "cluster" or "cluster/node".
std::optional<RoutePlace> ByName(const config::Config& config, std::string_view name) {
  const size_t slash = std::min(name.find('/'), name.size());
  const config::ClusterConfig* const cluster = FindCluster(config, name.substr(0, slash));
  if (cluster == nullptr) return std::nullopt;
  if (slash == name.size()) return RoutePlace{cluster, {}};
  for (const config::NodeConfig& node : cluster->nodes) {
    if (pop3::EqualsIgnoringCase(node.name, name.substr(slash + 1)))
      return RoutePlace{cluster, node.name};
  }
  return std::nullopt;
}

tl::expected<RoutePlace, PlaceFault> ByHost(const config::Config& config, std::string_view host) {
  if (host.size() > 2 && host.starts_with('[') && host.ends_with(']'))
    host = host.substr(1, host.size() - 2);
  std::optional<RoutePlace> place;
  for (const config::ClusterConfig& cluster : config.clusters) {
    for (const config::NodeConfig& node : cluster.nodes) {
      const auto address = config::ParseHostPort(node.address);
      if (!address || !pop3::EqualsIgnoringCase(address->host, host)) continue;
      if (place) return tl::unexpected(PlaceFault::kAmbiguous);
      place = RoutePlace{&cluster, node.name};
    }
  }
  if (!place) return tl::unexpected(PlaceFault::kUnknown);
  return *place;
}

using Decided = tl::expected<bool, std::string>;

// `who` has said so: "directory people has anna@example.org".
Decided SetPlace(const RouteSources& sources, const std::string& name, const std::string& who,
                 FoundRoute& found) {
  auto place = sources.find_place(name);
  if (place) {
    found.place = std::move(*place);
    return true;
  }
  const std::string said = who + " at " + config::Quote(name);
  if (place.error() == PlaceFault::kUnknown)
    return tl::unexpected(said + ", which is no cluster or node of the configuration");
  return tl::unexpected(said +
                        ", a host that several nodes are on; host:port or cluster/node would "
                        "tell which");
}

// False: the map doesn't know the user.
Decided LookUp(const config::RouteConfig& route, size_t rule, const RouteSources& sources,
               const balancer::CanonicalUser& user, FoundRoute& found) {
  auto entry = sources.in_map(rule, user);
  if (!entry) return tl::unexpected(entry.error());
  if (!*entry) {
    found.passed.push_back("route " + route.name + ": not in " + route.user_map);
    return false;
  }
  found.login = std::move((*entry)->login);
  return SetPlace(sources, (*entry)->place,
                  "user map " + config::Quote(route.user_map) + " has " + user.text(), found);
}

// False: the directory doesn't know the user, or only a login can ask it.
Decided Ask(const config::RouteConfig& route, size_t rule, const RouteSources& sources,
            const balancer::CanonicalUser& user, FoundRoute& found) {
  const std::optional<directory::Answer> answer = sources.ask(rule, user);
  if (!answer) {
    found.directories.push_back(route.directory);
    found.passed.push_back("route " + route.name + ": directory " + route.directory +
                           " is asked, with the password, by a login alone; what follows is for "
                           "whom it doesn't know");
    return false;
  }
  if (answer->kind == directory::Answer::Kind::kUnknown) {
    found.passed.push_back("route " + route.name + ": unknown to directory " + route.directory);
    return false;
  }
  if (answer->kind != directory::Answer::Kind::kFound) {
    return tl::unexpected(answer->text.empty() ? "directory " + route.directory + " gave no place"
                                               : answer->text);
  }
  found.login = answer->found.login;
  return SetPlace(sources, answer->found.place,
                  "directory " + route.directory + " has " + user.text(), found);
}

// The checks have seen to it that the cluster exists.
Decided SetCluster(const config::Config& config, const std::string& name, FoundRoute& found) {
  found.place = {FindCluster(config, name), {}};
  return true;
}

}  // namespace

tl::expected<RoutePlace, PlaceFault> PlaceIn(const config::Config& config, std::string_view name) {
  if (auto place = ByAddress(config, name)) return std::move(*place);
  if (auto place = ByName(config, name)) return std::move(*place);
  return ByHost(config, name);
}

tl::expected<FoundRoute, std::string> FindRoute(const config::Config& config,
                                                const balancer::RouteTable& rules,
                                                const RouteSources& sources,
                                                const balancer::CanonicalUser& user,
                                                const RouteArrival& arrival) {
  FoundRoute found;
  const balancer::RouteQuery query{user.text(), arrival.server_name, arrival.listener};
  for (size_t i = rules.Match(query); i < rules.size(); i = rules.Match(query, i + 1)) {
    const config::RouteConfig& route = config.routes[i];
    const Decided decided = !route.directory.empty()  ? Ask(route, i, sources, user, found)
                            : !route.user_map.empty() ? LookUp(route, i, sources, user, found)
                                                      : SetCluster(config, route.cluster, found);
    if (!decided) return tl::unexpected(decided.error());
    if (!*decided) continue;
    found.rule = route.name;
    return found;
  }
  found.place = {FindCluster(config, config.listeners[arrival.listener].cluster), {}};
  return found;
}

}  // namespace poplar::server
