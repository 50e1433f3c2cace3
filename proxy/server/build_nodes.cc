#include "proxy/server/build_nodes.h"

#include <utility>

#include "proxy/config/address_text.h"
#include "proxy/config/effective.h"
#include "proxy/io/name_lookup.h"
#include "proxy/tls/certificate.h"
#include "proxy/tls/sha256.h"

namespace poplar::server {
namespace {

template <class T>
using Built = tl::expected<T, std::string>;

upstream::ProxyProtocol VersionOf(config::NodeProxyProtocol version) {
  switch (version) {
    case config::NodeProxyProtocol::kNone:
      return upstream::ProxyProtocol::kNone;
    case config::NodeProxyProtocol::kV1:
      return upstream::ProxyProtocol::kV1;
    case config::NodeProxyProtocol::kV2:
      return upstream::ProxyProtocol::kV2;
  }
  return upstream::ProxyProtocol::kNone;
}

// All but where the node is.
Built<upstream::Endpoint> BuildPattern(const config::Config& config,
                                       const config::ClusterConfig& cluster,
                                       const config::NodeConfig& node, const std::string& where) {
  const auto timeouts = config::EffectiveTimeouts(config, cluster, node);
  upstream::Endpoint endpoint;
  endpoint.host_name = node.host_name;
  endpoint.timeouts = {timeouts.upstream_connect, timeouts.upstream_response,
                       timeouts.upstream_keepalive};
  endpoint.proxy_protocol = VersionOf(node.proxy_protocol);
  endpoint.xclient = node.xclient == config::Xclient::kAuto;
  if (node.tls_start == config::NodeTlsStart::kStls) endpoint.tls_start = upstream::TlsStart::kStls;
  if (node.tls == config::NodeTls::kNone) return endpoint;
  const auto verify = node.tls == config::NodeTls::kVerify ? tls::ClientSettings::Verify::kFull
                                                           : tls::ClientSettings::Verify::kInsecure;
  auto context =
      tls::ClientContext::Create({.verify = verify,
                                  .ca_file = node.ca_file,
                                  .certificate = {node.client_certificate, node.client_key}});
  if (!context) return tl::unexpected(where + context.error());
  endpoint.tls = std::move(*context);
  // A resumed session shows no certificate, and nodes that want one may break off over it.
  if (node.client_certificate.empty())
    endpoint.tls_sessions = std::make_shared<tls::ClientSessions>();
  return endpoint;
}

Built<std::shared_ptr<const upstream::Endpoint>> BuildEndpoint(const config::Config& config,
                                                               const config::ClusterConfig& cluster,
                                                               const config::NodeConfig& node) {
  const std::string where = "node " + cluster.name + "/" + node.name + ": ";
  const auto parsed = config::ParseHostPort(node.address);
  if (!parsed) return tl::unexpected(where + parsed.error());
  const auto address = io::LookUpName(parsed->host, parsed->port);
  if (!address) return tl::unexpected(where + address.error());
  auto endpoint = BuildPattern(config, cluster, node, where);
  if (!endpoint) return tl::unexpected(endpoint.error());
  endpoint->name = cluster.name + "/" + node.name;
  endpoint->address = *address;
  if (endpoint->host_name.empty()) endpoint->host_name = parsed->host;
  return std::make_shared<const upstream::Endpoint>(std::move(*endpoint));
}

Built<NodePlan> PlanNode(const config::Config& config, const config::ClusterConfig& cluster,
                         const config::NodeConfig& node) {
  auto endpoint = BuildEndpoint(config, cluster, node);
  if (!endpoint) return tl::unexpected(endpoint.error());
  return NodePlan{.name = node.name,
                  .weight = static_cast<uint32_t>(node.weight),
                  .admin = AdminOf(node.state),
                  .endpoint = *endpoint,
                  .print = EndpointPrint(config, cluster, node, (*endpoint)->address),
                  .limits = PoolLimitsOf(config, cluster, node),
                  .wait_timeout = config::EffectivePool(config, cluster, node).wait_timeout};
}

}  // namespace

std::string FileDigest(const std::string& file) {
  if (file.empty()) return {};
  const auto text = tls::ReadPem(file);
  if (!text) return "?";
  const auto digest = tls::Sha256(*text);
  return {digest.begin(), digest.end()};
}

Built<std::vector<NodePlan>> PlanNodes(const config::Config& config,
                                       const config::ClusterConfig& cluster) {
  std::vector<NodePlan> plans;
  for (const config::NodeConfig& node : cluster.nodes) {
    auto plan = PlanNode(config, cluster, node);
    if (!plan) return tl::unexpected(plan.error());
    plans.push_back(std::move(*plan));
  }
  return plans;
}

std::string EndpointPrint(const config::Config& config, const config::ClusterConfig& cluster,
                          const config::NodeConfig& node, const io::Address& address) {
  const auto timeouts = config::EffectiveTimeouts(config, cluster, node);
  std::string print;
  const auto add = [&print](const std::string& part) { print.append(part).append(1, '\0'); };
  const auto add_number = [&add](auto number) {
    add(std::to_string(static_cast<int64_t>(number)));
  };
  add(address.Text());
  // By whose name it is asked for, where it has no other.
  add(node.host_name.empty() ? node.address : node.host_name);
  add_number(timeouts.upstream_connect.count());
  add_number(timeouts.upstream_response.count());
  add_number(timeouts.upstream_keepalive.count());
  add_number(node.proxy_protocol);
  add_number(node.xclient);
  add_number(node.tls);
  add_number(node.tls_start);
  if (node.tls == config::NodeTls::kNone) return print;
  add(FileDigest(node.ca_file));
  add(FileDigest(node.client_certificate));
  add(FileDigest(node.client_key));
  return print;
}

tl::expected<upstream::Endpoint, std::string> BuildDiscoveredPattern(
    const config::Config& config, const config::ClusterConfig& cluster) {
  return BuildPattern(config, cluster, cluster.discovery.node.all,
                      "cluster " + cluster.name + ": discovery.node: ");
}

balancer::PoolLimits PoolLimitsOf(const config::Config& config,
                                  const config::ClusterConfig& cluster,
                                  const config::NodeConfig& node) {
  const config::PoolConfig pool = config::EffectivePool(config, cluster, node);
  balancer::PoolLimits limits{.size = static_cast<uint32_t>(pool.size),
                              .warm = static_cast<uint32_t>(pool.warm),
                              .parked = static_cast<uint32_t>(pool.parked),
                              .max_snapshot_age = pool.max_snapshot_age,
                              .warm_max_age = pool.warm_max_age};
  // The header goes first, and names the client.
  if (node.proxy_protocol != config::NodeProxyProtocol::kNone) limits.warm = 0;
  // Another Poplar can't know of a session that is parked here and holds the user's maildrop
  // locked.
  const bool locks = cluster.maildrop_lock == config::MaildropLock::kExclusive;
  if (locks && config.replicas > 1) limits.max_snapshot_age = {};
  return limits;
}

balancer::AdminState AdminOf(config::NodeState state) {
  switch (state) {
    case config::NodeState::kUp:
      return balancer::AdminState::kUp;
    case config::NodeState::kDrain:
      return balancer::AdminState::kDrain;
    case config::NodeState::kDown:
      return balancer::AdminState::kDown;
  }
  return balancer::AdminState::kUp;
}

}  // namespace poplar::server
