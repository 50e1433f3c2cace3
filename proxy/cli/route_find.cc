#include "proxy/cli/route_find.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include "proxy/cli/route_directory.h"
#include "proxy/config/address_text.h"
#include "proxy/config/quote.h"
#include "proxy/directory/user_map.h"
#include "proxy/pop3/ascii.h"

namespace poplar::cli {
namespace {

const config::ClusterConfig* FindCluster(const config::Config& config, std::string_view name) {
  if (name.empty()) return &config.clusters.front();
  const auto found = std::find_if(
      config.clusters.begin(), config.clusters.end(),
      [name](const auto& cluster) { return pop3::EqualsIgnoringCase(cluster.name, name); });
  return found == config.clusters.end() ? nullptr : &*found;
}

// A node by its address, as the configuration has it.
bool SetAddress(const config::Config& config, std::string_view address, FoundRoute& found) {
  for (const config::ClusterConfig& cluster : config.clusters) {
    for (const config::NodeConfig& node : cluster.nodes) {
      if (!pop3::EqualsIgnoringCase(node.address, address)) continue;
      found.cluster = &cluster;
      found.node = node.name;
      return true;
    }
  }
  return false;
}

// "cluster" or "cluster/node".
bool SetName(const config::Config& config, std::string_view place, FoundRoute& found) {
  const size_t slash = std::min(place.find('/'), place.size());
  found.cluster = FindCluster(config, place.substr(0, slash));
  if (found.cluster == nullptr || slash == place.size()) return found.cluster != nullptr;
  const std::string_view name = place.substr(slash + 1);
  for (const config::NodeConfig& node : found.cluster->nodes) {
    if (pop3::EqualsIgnoringCase(node.name, name)) found.node = node.name;
  }
  return !found.node.empty();
}

// How many nodes are on a host, the first of which it sets.
int SetHost(const config::Config& config, std::string_view host, FoundRoute& found) {
  if (host.size() > 2 && host.starts_with('[') && host.ends_with(']'))
    host = host.substr(1, host.size() - 2);
  int count = 0;
  for (const config::ClusterConfig& cluster : config.clusters) {
    for (const config::NodeConfig& node : cluster.nodes) {
      const auto address = config::ParseHostPort(node.address);
      if (!address || !pop3::EqualsIgnoringCase(address->host, host) || count++ > 0) continue;
      found.cluster = &cluster;
      found.node = node.name;
    }
  }
  return count;
}

using Decided = tl::expected<bool, std::string>;

// As session::Routing does it. `who` has said so: "directory people has anna@example.org".
Decided SetPlace(const config::Config& config, std::string_view place, const std::string& who,
                 FoundRoute& found) {
  if (SetAddress(config, place, found) || SetName(config, place, found)) return true;
  const int nodes = SetHost(config, place, found);
  if (nodes == 1) return true;
  const std::string said = who + " at " + config::Quote(std::string(place));
  if (nodes == 0)
    return tl::unexpected(said + ", which is no cluster or node of the configuration");
  return tl::unexpected(said +
                        ", a host that several nodes are on; host:port or cluster/node would "
                        "tell which");
}

// False: the map doesn't know the user.
Decided LookUp(const config::Config& config, const config::RouteConfig& route,
               const balancer::CanonicalUser& user, FoundRoute& found) {
  const auto map = directory::UserMap::Load(route.user_map);
  if (!map) return tl::unexpected("user map " + config::Quote(route.user_map) + " " + map.error());
  const auto entry = (*map)->Find(user.text());
  if (!entry) {
    found.passed.push_back("route " + route.name + ": not in " + route.user_map);
    return false;
  }
  found.login = entry->login;
  return SetPlace(config, entry->place,
                  "user map " + config::Quote(route.user_map) + " has " + user.text(), found);
}

const config::DirectoryConfig& FindDirectory(const config::Config& config,
                                             const std::string& name) {
  return *std::find_if(config.directories.begin(), config.directories.end(),
                       [&](const auto& each) { return each.name == name; });
}

// False: the directory doesn't know the user, or only a running Poplar can ask it.
Decided Ask(const config::Config& config, const config::RouteConfig& route,
            const balancer::CanonicalUser& user, FoundRoute& found) {
  const config::DirectoryConfig& directory = FindDirectory(config, route.directory);
  if (directory.ldap.urls.empty()) {
    found.directories.push_back(route.directory);
    found.passed.push_back("route " + route.name + ": directory " + route.directory +
                           " is asked, by a running Poplar; what follows is for whom it doesn't "
                           "know");
    return false;
  }
  const directory::Answer answer = AskLdap(directory, user.text());
  if (answer.kind == directory::Answer::Kind::kUnknown) {
    found.passed.push_back("route " + route.name + ": unknown to directory " + route.directory);
    return false;
  }
  if (answer.kind != directory::Answer::Kind::kFound) return tl::unexpected(answer.text);
  found.login = answer.found.login;
  return SetPlace(config, answer.found.place,
                  "directory " + route.directory + " has " + user.text(), found);
}

}  // namespace

tl::expected<FoundRoute, std::string> FindRoute(const config::Config& config,
                                                const balancer::RouteTable& rules,
                                                const balancer::CanonicalUser& user,
                                                const RouteArrival& arrival) {
  FoundRoute found;
  const balancer::RouteQuery query{user.text(), arrival.server_name, arrival.listener};
  for (size_t i = rules.Match(query); i < rules.size(); i = rules.Match(query, i + 1)) {
    const config::RouteConfig& route = config.routes[i];
    const Decided decided = !route.directory.empty() ? Ask(config, route, user, found)
                            : !route.user_map.empty()
                                ? LookUp(config, route, user, found)
                                : Decided(SetName(config, route.cluster, found));
    if (!decided) return tl::unexpected(decided.error());
    if (!*decided) continue;
    found.rule = route.name;
    return found;
  }
  found.cluster = FindCluster(config, config.listeners[arrival.listener].cluster);
  return found;
}

}  // namespace poplar::cli
