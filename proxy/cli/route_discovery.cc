#include "proxy/cli/route_discovery.h"

#include <sys/socket.h>

#include <algorithm>
#include <tl/expected.hpp>
#include <vector>

#include "proxy/config/address_text.h"
#include "proxy/io/cares_resolver.h"
#include "proxy/upstream/service_nodes.h"

namespace poplar::cli {
namespace {

using Nodes = tl::expected<std::vector<config::NodeConfig>, std::string>;

bool IsWanted(const io::Address& address, config::Family family) {
  return family == config::Family::kAny ||
         (address.family() == AF_INET) == (family == config::Family::kIpv4);
}

Nodes AskForAddresses(const config::DiscoveryConfig& discovery,
                      const io::ResolverOptions& servers) {
  const auto asked = config::ParseHostPort(discovery.dns);
  if (!asked) return tl::unexpected(asked.error());
  const auto hosts = io::LookUpHostNow(servers, asked->host, asked->port);
  if (!hosts) return tl::unexpected(hosts.error().text);
  std::vector<config::NodeConfig> nodes;
  for (const io::Address& address : hosts->addresses) {
    if (IsWanted(address, discovery.family))
      nodes.push_back({.name = address.Host(), .address = address.Text()});
  }
  return nodes;
}

// Where a host is doesn't matter to who is on it.
Nodes AskForService(const config::DiscoveryConfig& discovery, const io::ResolverOptions& servers) {
  auto service = io::LookUpServiceNow(servers, discovery.srv);
  if (!service) return tl::unexpected(service.error().text);
  std::vector<config::NodeConfig> nodes;
  for (const upstream::ServiceNode& node : upstream::NodesOf(std::move(service->targets))) {
    nodes.push_back({.name = node.name,
                     .address = node.host + ":" + std::to_string(node.port),
                     .weight = static_cast<int>(node.weight)});
  }
  return nodes;
}

}  // namespace

std::map<std::string, AskedForNodes> AskForNodes(config::Config& config) {
  std::map<std::string, AskedForNodes> all;
  for (config::ClusterConfig& cluster : config.clusters) {
    const config::DiscoveryConfig& discovery = cluster.discovery;
    if (!discovery.enabled()) continue;
    const io::ResolverOptions servers{.name_servers = discovery.name_servers};
    auto nodes = discovery.srv.empty() ? AskForAddresses(discovery, servers)
                                       : AskForService(discovery, servers);
    AskedForNodes& asked = all[cluster.name];
    asked.ok = nodes && !nodes->empty();
    const std::string& name = discovery.srv.empty() ? discovery.dns : discovery.srv;
    asked.text = !nodes ? nodes.error()
                        : name + " names " + std::to_string(nodes->size()) +
                              (nodes->size() == 1 ? " node" : " nodes");
    if (asked.ok) cluster.nodes = std::move(*nodes);
  }
  return all;
}

}  // namespace poplar::cli
