#include "proxy/server/build_clusters.h"

#include <utility>

#include "proxy/config/address_text.h"
#include "proxy/config/effective.h"
#include "proxy/config/password_file.h"
#include "proxy/io/name_lookup.h"

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

// Nobody sits there yet.
std::shared_ptr<const upstream::Endpoint> VacantEndpoint(const config::ClusterConfig& cluster) {
  auto endpoint = std::make_shared<upstream::Endpoint>();
  endpoint->name = cluster.name + "/-";
  return endpoint;
}

balancer::PoolLimits LimitsOf(const config::Config& config, const config::ClusterConfig& cluster,
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

balancer::ProbeLevel LevelOf(config::Probe probe) {
  switch (probe) {
    case config::Probe::kConnect:
      return balancer::ProbeLevel::kConnect;
    case config::Probe::kGreeting:
      return balancer::ProbeLevel::kGreeting;
    case config::Probe::kLogin:
      return balancer::ProbeLevel::kLogin;
    case config::Probe::kCapa:
    case config::Probe::kOff:
      break;
  }
  return balancer::ProbeLevel::kCapa;
}

balancer::HealthRules RulesOf(const config::HealthConfig& from) {
  const auto count = [](int value) { return static_cast<uint32_t>(value); };
  return {.rise = count(from.rise),
          .fall = count(from.fall),
          .level = LevelOf(from.probe),
          .probes = from.probe != config::Probe::kOff,
          .consecutive_failures = count(from.consecutive_failures),
          .failure_percent = count(from.failure_percent),
          .failure_events_min = count(from.failure_events_min),
          .failure_window = from.failure_window,
          .ejection_time = from.ejection_time,
          .ejection_time_max = from.ejection_time_max,
          .ejected_percent_max = count(from.ejected_percent_max),
          .hold_down = from.hold_down,
          .slow_start = from.slow_start,
          .panic_percent = count(from.panic_percent)};
}

Built<pop3::Secret> PasswordOf(const std::string& section, const std::string& file) {
  auto password = config::ReadPasswordFile(file);
  if (!password)
    return tl::unexpected(section + ".password_file: " + file + " " + password.error());
  pop3::Secret secret(*password);
  pop3::Wipe(password->data(), password->size());
  return secret;
}

Built<upstream::ProbeOptions> ProbeOf(const std::string& where, const config::HealthConfig& from) {
  upstream::ProbeOptions probe;
  probe.level = LevelOf(from.probe);
  probe.enabled = from.probe != config::Probe::kOff;
  probe.interval = from.interval;
  probe.fast_interval = from.fast_interval;
  probe.timeout = from.timeout;
  if (from.probe != config::Probe::kLogin) return probe;
  auto password = PasswordOf(where + ": health", from.password_file);
  if (!password) return tl::unexpected(password.error());
  probe.credential = pop3::PasswordCredential(from.user, std::move(*password));
  return probe;
}

Built<pop3::MasterUser> MasterOf(const std::string& where, const config::MasterUserConfig& from) {
  pop3::MasterUser master{.name = from.name, .password = {}, .separator = from.separator};
  if (!master.exists()) return master;
  auto password = PasswordOf(where + ": master_user", from.password_file);
  if (!password) return tl::unexpected(password.error());
  master.password = std::move(*password);
  return master;
}

std::vector<balancer::ClusterHealth::Member> MembersOf(const config::ClusterConfig& from,
                                                       const std::vector<balancer::NodeId>& ids) {
  std::vector<balancer::ClusterHealth::Member> members;
  members.reserve(ids.size());
  for (size_t i = 0; i < ids.size(); ++i) {
    if (from.discovery.enabled()) {
      members.push_back({.node = ids[i], .seat = balancer::Seating::State::kVacant});
    } else {
      const config::NodeConfig& node = from.nodes[i];
      members.push_back({ids[i], static_cast<uint32_t>(node.weight), AdminOf(node.state)});
    }
  }
  return members;
}

Built<void> AddNodes(const config::Config& config, const config::ClusterConfig& from,
                     const std::vector<balancer::NodeId>& ids, upstream::Cluster& cluster) {
  for (size_t i = 0; i < ids.size(); ++i) {
    const bool vacant = from.discovery.enabled();
    const config::NodeConfig& node = vacant ? from.discovery.node.all : from.nodes[i];
    auto endpoint = vacant ? VacantEndpoint(from) : BuildEndpoint(config, from, node);
    if (!endpoint) return tl::unexpected(endpoint.error());
    cluster.nodes.push_back(
        std::make_unique<upstream::Node>(ids[i], std::move(*endpoint), LimitsOf(config, from, node),
                                         config::EffectivePool(config, from, node).wait_timeout));
  }
  return {};
}

Built<std::shared_ptr<upstream::Cluster>> BuildCluster(const config::Config& config, size_t index,
                                                       const balancer::NodeTable& table) {
  const config::ClusterConfig& from = config.clusters[index];
  const config::HealthConfig health = config::EffectiveHealth(config, from);
  auto cluster = std::make_shared<upstream::Cluster>(
      *table.FindCluster(from.name), from.name,
      balancer::ClusterRules{from.shared_storage, from.affinity == config::Affinity::kUser},
      RulesOf(health), MembersOf(from, table.SeatIds(index)));
  auto probe = ProbeOf("cluster " + from.name, health);
  if (!probe) return tl::unexpected(probe.error());
  cluster->probe = std::move(*probe);
  auto master = MasterOf("cluster " + from.name, from.master_user);
  if (!master) return tl::unexpected(master.error());
  cluster->master = std::move(*master);
  cluster->login = {static_cast<uint32_t>(from.user_sessions), from.in_use_retries,
                    from.in_use_backoff};
  const config::ResumeConfig resume = config::EffectiveResume(config, from);
  cluster->resume = {resume.enabled, resume.deadline};
  auto nodes = AddNodes(config, from, table.SeatIds(index), *cluster);
  if (!nodes) return tl::unexpected(nodes.error());
  return cluster;
}

}  // namespace

tl::expected<upstream::Endpoint, std::string> BuildDiscoveredPattern(
    const config::Config& config, const config::ClusterConfig& cluster) {
  return BuildPattern(config, cluster, cluster.discovery.node.all,
                      "cluster " + cluster.name + ": discovery.node: ");
}

tl::expected<std::vector<std::shared_ptr<upstream::Cluster>>, std::string> BuildClusters(
    const config::Config& config, const balancer::NodeTable& table) {
  std::vector<std::shared_ptr<upstream::Cluster>> clusters;
  for (size_t i = 0; i < config.clusters.size(); ++i) {
    auto cluster = BuildCluster(config, i, table);
    if (!cluster) return tl::unexpected(cluster.error());
    clusters.push_back(std::move(*cluster));
  }
  return clusters;
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
