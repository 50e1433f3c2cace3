#include "proxy/server/discoveries.h"

#include <algorithm>

#include "proxy/config/address_text.h"
#include "proxy/server/build_nodes.h"

namespace poplar::server {
namespace {

upstream::AddressFamily FamilyOf(config::Family family) {
  switch (family) {
    case config::Family::kAny:
      return upstream::AddressFamily::kAny;
    case config::Family::kIpv4:
      return upstream::AddressFamily::kIpv4;
    case config::Family::kIpv6:
      return upstream::AddressFamily::kIpv6;
  }
  return upstream::AddressFamily::kAny;
}

tl::expected<upstream::DiscoveryOptions, std::string> OptionsOf(
    const config::Config& config, const config::ClusterConfig& cluster) {
  const config::DiscoveryConfig& from = cluster.discovery;
  upstream::DiscoveryOptions options{.name = from.srv,
                                     .service = !from.srv.empty(),
                                     .family = FamilyOf(from.family),
                                     .ttl_min = from.ttl_min,
                                     .ttl_max = from.ttl_max};
  if (!options.service) {
    const auto asked = config::ParseHostPort(from.dns);
    if (!asked) return tl::unexpected("cluster " + cluster.name + ": " + asked.error());
    options.name = asked->host;
    options.port = asked->port;
  }
  auto pattern = BuildDiscoveredPattern(config, cluster);
  if (!pattern) return tl::unexpected(pattern.error());
  options.pattern = std::move(*pattern);
  return options;
}

}  // namespace

tl::expected<std::unique_ptr<Discoveries>, std::string> Discoveries::Build(
    const config::Config& config) {
  auto discoveries = std::make_unique<Discoveries>();
  for (size_t i = 0; i < config.clusters.size(); ++i) {
    const config::ClusterConfig& cluster = config.clusters[i];
    if (!cluster.discovery.enabled()) continue;
    auto options = OptionsOf(config, cluster);
    if (!options) return tl::unexpected(options.error());
    auto resolver = discoveries->resolvers_.For(cluster.discovery.name_servers);
    if (!resolver)
      return tl::unexpected("cluster " + cluster.name + ": discovery: " + resolver.error());
    discoveries->tasks_.push_back({i, *resolver, std::move(*options)});
  }
  return discoveries;
}

void Discoveries::Connect(NewestSettings& newest, const balancer::Affinity& affinity, Log& log,
                          std::function<void(balancer::NodeId)> on_sat_down) {
  newest_ = &newest;
  affinity_ = &affinity;
  log_ = &log;
  on_sat_down_ = std::move(on_sat_down);
}

bool Discoveries::answered() const {
  return std::all_of(tasks_.begin(), tasks_.end(),
                     [](const Task& task) { return task.running->status().answered; });
}

void Discoveries::Stop() { resolvers_.Stop(); }

void Discoveries::SatDown(balancer::NodeId seat) { on_sat_down_(seat); }

void Discoveries::Publish(const upstream::Cluster& cluster,
                          const std::vector<upstream::DiscoveredNode>& nodes) {
  newest_->SetNodes(cluster.id, nodes);
}

bool Discoveries::IsForgotten(balancer::NodeId seat) const {
  return !newest_->Knows(seat) && !affinity_->AnyOn(seat);
}

void Discoveries::Note(std::string_view text, bool is_trouble) {
  if (is_trouble) {
    log_->Warning(text);
  } else {
    log_->Info(text);
  }
}

}  // namespace poplar::server
