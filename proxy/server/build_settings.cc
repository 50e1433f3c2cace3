#include "proxy/server/build_settings.h"

#include <utility>
#include <vector>

#include "proxy/pop3/reply.h"
#include "proxy/server/build_admission.h"
#include "proxy/server/build_clusters.h"
#include "proxy/server/build_routing.h"

namespace poplar::server {
namespace {

template <class T>
using Built = tl::expected<T, std::string>;

Built<std::shared_ptr<const balancer::NodeTable>> BuildTable(
    std::vector<balancer::Cluster> clusters, const balancer::NodeTable* before) {
  auto table = balancer::NodeTable::Build(std::move(clusters), before);
  if (!table)
    return tl::unexpected("clusters: " + table.error().cluster + " " + table.error().node +
                          " is not valid");
  return std::move(*table);
}

// The listed nodes on the first seats.
Built<std::shared_ptr<const balancer::NodeTable>> BuildFirstTable(const config::Config& config) {
  std::vector<balancer::Cluster> clusters;
  for (const config::ClusterConfig& from : config.clusters) {
    balancer::Cluster cluster{from.name, from.shared_storage, {}, SeatsOf(from)};
    for (const config::NodeConfig& node : from.nodes) {
      const auto seat = static_cast<uint32_t>(cluster.nodes.size());
      cluster.nodes.push_back({node.name, static_cast<uint32_t>(node.weight), seat});
    }
    clusters.push_back(std::move(cluster));
  }
  return BuildTable(std::move(clusters), nullptr);
}

tls::ClientCertificates ModeOf(config::ClientCertificates mode) {
  switch (mode) {
    case config::ClientCertificates::kOff:
      return tls::ClientCertificates::kOff;
    case config::ClientCertificates::kOptional:
      return tls::ClientCertificates::kOptional;
    case config::ClientCertificates::kRequired:
      return tls::ClientCertificates::kRequired;
  }
  return tls::ClientCertificates::kOff;
}

void SetTimes(const config::Config& config, session::Settings& settings) {
  const config::TimeoutsConfig& from = config.timeouts;
  settings.timeouts = {.tls_handshake = from.tls_handshake,
                       .login = from.login,
                       .client_idle = from.client_idle,
                       .client_write_stall = from.client_write_stall,
                       .move_wait = config.moves_wait,
                       .move_grace = config.moves_grace};
}

session::LoginPolicy BuildLogins(const config::Config& config, const config::ListenerConfig& from) {
  session::LoginPolicy policy{.bad_commands_max = config.limits.bad_commands_before_login,
                              .failed_logins_max = config.limits.failed_logins,
                              .require_tls = from.require_tls};
  if (from.logins.empty()) return policy;
  policy.user = false;
  policy.mechanisms = {};
  for (const std::string& name : from.logins) {
    if (name == "USER") policy.user = true;
    if (const auto mechanism = pop3::FindMechanism(name)) policy.mechanisms.Add(*mechanism);
  }
  return policy;
}

Built<void> SetAdmission(const config::Config& config, session::Settings& settings) {
  auto policy = BuildAdmission(config);
  if (!policy) return tl::unexpected(policy.error());
  settings.admission = std::move(*policy);
  for (const config::ClusterConfig& cluster : config.clusters) {
    auto said = BuildClusterPolicy(cluster, settings.canonical);
    if (!said) return tl::unexpected(said.error());
    settings.cluster_policies.push_back(std::move(*said));
  }
  for (size_t i = 0; i < config.listeners.size(); ++i) {
    auto access = BuildAccess(config.listeners[i].access);
    if (!access)
      return tl::unexpected("listener " + config.listeners[i].name + ": access." + access.error());
    settings.listeners[i].access = std::move(*access);
  }
  return {};
}

io::NetworkSet BuildNetworks(const std::vector<std::string>& texts) {
  io::NetworkSet networks;
  for (const std::string& text : texts) {
    if (const auto network = io::Network::Parse(text)) networks.Add(*network);
  }
  return networks;
}

session::ListenerSettings BuildListener(const config::Config& config, size_t index,
                                        const session::Settings& settings) {
  const config::ListenerConfig& from = config.listeners[index];
  const std::string& cluster = from.cluster.empty() ? config.clusters.front().name : from.cluster;
  session::ListenerSettings listener{
      .name = from.name,
      .index = index,
      .tls = from.tls == config::ListenerTls::kNone ? nullptr : settings.tls,
      .tls_at_once = from.tls == config::ListenerTls::kImplicit,
      .cluster = *settings.nodes->FindCluster(cluster),
      .login = BuildLogins(config, from),
      .capabilities = {from.capabilities.remove, from.capabilities.add}};
  listener.unknown_refused = from.unknown_commands == config::UnknownCommands::kRefuse;
  listener.proxy_protocol_from = BuildNetworks(from.proxy_protocol_from);
  listener.xclient_from = BuildNetworks(from.xclient_from);
  return listener;
}

// All but nodes, clusters and TLS, which the settings have already.
Built<std::shared_ptr<const session::Settings>> Complete(
    const config::Config& config, const RoutingParts& parts,
    std::shared_ptr<session::Settings> settings) {
  SetTimes(config, *settings);
  settings->bad_commands_max = config.limits.bad_commands;
  for (const auto& cluster : settings->clusters) {
    for (const auto& node : cluster->nodes) settings->upstream_nodes.push_back(node.get());
  }
  for (size_t i = 0; i < config.listeners.size(); ++i) {
    settings->listeners.push_back(BuildListener(config, i, *settings));
  }
  auto routing = SetRouting(config, parts, *settings);
  if (!routing) return tl::unexpected(routing.error());
  auto admission = SetAdmission(config, *settings);
  if (!admission) return tl::unexpected(admission.error());
  return settings;
}

// As the nodes have them at start.
NodeAddresses AddressesOf(const session::Settings& settings) {
  NodeAddresses addresses(settings.clusters.size());
  for (size_t i = 0; i < addresses.size(); ++i) {
    const size_t listed = settings.nodes->clusters()[i].nodes.size();
    for (size_t k = 0; k < listed; ++k)
      addresses[i].push_back(settings.clusters[i]->nodes[k]->endpoint()->address);
  }
  return addresses;
}

}  // namespace

Built<std::shared_ptr<const tls::ServerContext>> BuildTls(
    const config::TlsConfig& config, std::shared_ptr<const tls::TicketKeys> ticket_keys) {
  if (config.certificates.empty()) return nullptr;
  tls::ServerSettings settings;
  settings.ticket_keys = std::move(ticket_keys);
  if (const std::string& file = config.ticket_key_file; !file.empty()) {
    auto keys = tls::TicketKeys::Load(file);
    if (!keys) return tl::unexpected("tls.ticket_key_file: " + file + " " + keys.error());
    settings.ticket_keys = std::move(*keys);
  }
  for (const config::CertificateConfig& files : config.certificates) {
    settings.certificates.push_back(
        {files.certificate, files.key.empty() ? files.certificate : files.key});
  }
  settings.version_min =
      config.min_version == config::TlsVersion::k13 ? tls::Version::kTls13 : tls::Version::kTls12;
  settings.session_tickets = config.session_tickets;
  settings.client_certificates = ModeOf(config.client_certificates);
  settings.client_ca_file = config.client_ca_file;
  settings.client_name = config.client_name == config::ClientName::kEmail
                             ? tls::UserName::kEmail
                             : tls::UserName::kCommonName;
  auto context = tls::ServerContext::Create(settings);
  if (!context) return tl::unexpected("tls: " + context.error());
  return std::move(*context);
}

Built<std::shared_ptr<const session::Settings>> BuildSettings(const config::Config& config) {
  auto tls = BuildTls(config.tls);
  if (!tls) return tl::unexpected(tls.error());
  return BuildSettings(config, std::move(*tls));
}

Built<std::shared_ptr<const session::Settings>> BuildSettings(
    const config::Config& config, std::shared_ptr<const tls::ServerContext> tls) {
  auto settings = std::make_shared<session::Settings>();
  settings->tls = std::move(tls);
  auto nodes = BuildFirstTable(config);
  if (!nodes) return tl::unexpected(nodes.error());
  settings->nodes = std::move(*nodes);
  auto clusters = BuildClusters(config, *settings->nodes);
  if (!clusters) return tl::unexpected(clusters.error());
  settings->clusters = std::move(*clusters);
  const NodeAddresses addresses = AddressesOf(*settings);
  const std::vector<std::string> user_maps = UserMapFiles(config);
  return Complete(config, {.addresses = addresses, .user_maps = user_maps}, std::move(settings));
}

Built<std::shared_ptr<const session::Settings>> RebuildSettings(const config::Config& config,
                                                                const session::Settings& before,
                                                                const NewParts& parts) {
  auto settings = std::make_shared<session::Settings>();
  settings->tls = parts.tls;
  std::vector<balancer::Cluster> clusters = before.nodes->clusters();
  for (size_t i = 0; i < clusters.size(); ++i) clusters[i].nodes = parts.nodes[i];
  auto table = BuildTable(std::move(clusters), before.nodes.get());
  if (!table) return tl::unexpected(table.error());
  settings->nodes = std::move(*table);
  settings->clusters = before.clusters;
  return Complete(config,
                  {.addresses = parts.addresses,
                   .user_maps = parts.user_maps,
                   .moves_before = before.moves.get()},
                  std::move(settings));
}

}  // namespace poplar::server
