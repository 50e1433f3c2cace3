#include "proxy/server/build_settings.h"

#include <utility>
#include <vector>

#include "proxy/pop3/reply.h"
#include "proxy/server/build_clusters.h"

namespace poplar::server {
namespace {

template <class T>
using Built = tl::expected<T, std::string>;

Built<std::shared_ptr<const balancer::NodeTable>> BuildNodes(const config::Config& config) {
  std::vector<balancer::Cluster> clusters;
  for (const config::ClusterConfig& from : config.clusters) {
    balancer::Cluster cluster{from.name, from.shared_storage, {}};
    for (const config::NodeConfig& node : from.nodes) {
      cluster.nodes.push_back({node.name, static_cast<uint32_t>(node.weight)});
    }
    clusters.push_back(std::move(cluster));
  }
  auto table = balancer::NodeTable::Build(std::move(clusters));
  if (!table)
    return tl::unexpected("clusters: " + table.error().cluster + " " + table.error().node +
                          " is not valid");
  return std::move(*table);
}

Built<std::shared_ptr<const tls::ServerContext>> BuildTls(const config::TlsConfig& config) {
  tls::ServerSettings settings;
  for (const config::CertificateConfig& files : config.certificates) {
    settings.certificates.push_back(
        {files.certificate, files.key.empty() ? files.certificate : files.key});
  }
  settings.version_min =
      config.min_version == config::TlsVersion::k13 ? tls::Version::kTls13 : tls::Version::kTls12;
  settings.session_tickets = config.session_tickets;
  auto context = tls::ServerContext::Create(settings);
  if (!context) return tl::unexpected("tls: " + context.error());
  return std::move(*context);
}

void SetTimes(const config::Config& config, session::Settings& settings) {
  const config::TimeoutsConfig& from = config.timeouts;
  settings.timeouts = {.tls_handshake = from.tls_handshake,
                       .login = from.login,
                       .client_idle = from.client_idle,
                       .client_write_stall = from.client_write_stall};
}

session::ListenerSettings BuildListener(const config::Config& config, size_t index,
                                        const session::Settings& settings) {
  const config::ListenerConfig& from = config.listeners[index];
  const bool secure = from.tls == config::ListenerTls::kImplicit;
  const std::string& cluster = from.cluster.empty() ? config.clusters.front().name : from.cluster;
  session::ListenerSettings listener{.name = from.name,
                                     .index = index,
                                     .tls = secure ? settings.tls : nullptr,
                                     .cluster = *settings.nodes->FindCluster(cluster)};
  listener.authorization = {.bad_commands_max = config.limits.bad_commands,
                            .failed_logins_max = config.limits.failed_logins,
                            .login_allowed = secure || from.allow_cleartext_passwords,
                            .greeting = pop3::kGreeting};
  return listener;
}

}  // namespace

tl::expected<std::shared_ptr<const session::Settings>, std::string> BuildSettings(
    const config::Config& config) {
  std::shared_ptr<const tls::ServerContext> tls;
  if (!config.tls.certificates.empty()) {
    auto built = BuildTls(config.tls);
    if (!built) return tl::unexpected(built.error());
    tls = std::move(*built);
  }
  return BuildSettings(config, std::move(tls));
}

tl::expected<std::shared_ptr<const session::Settings>, std::string> BuildSettings(
    const config::Config& config, std::shared_ptr<const tls::ServerContext> tls) {
  auto settings = std::make_shared<session::Settings>();
  SetTimes(config, *settings);
  settings->bad_commands_max = config.limits.bad_commands;
  settings->canonical.default_domain = config.default_domain;
  auto nodes = BuildNodes(config);
  if (!nodes) return tl::unexpected(nodes.error());
  settings->nodes = std::move(*nodes);
  auto clusters = BuildClusters(config, *settings->nodes);
  if (!clusters) return tl::unexpected(clusters.error());
  settings->clusters = std::move(*clusters);
  for (const auto& cluster : settings->clusters) {
    for (const auto& node : cluster->nodes) settings->upstream_nodes.push_back(node.get());
  }
  settings->tls = std::move(tls);
  for (size_t i = 0; i < config.listeners.size(); ++i) {
    settings->listeners.push_back(BuildListener(config, i, *settings));
  }
  return settings;
}

}  // namespace poplar::server
