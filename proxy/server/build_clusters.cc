#include "proxy/server/build_clusters.h"

#include <algorithm>
#include <utility>

#include "proxy/config/effective.h"
#include "proxy/config/password_file.h"

namespace poplar::server {
namespace {

template <class T>
using Built = tl::expected<T, std::string>;

// Nobody sits there yet.
std::shared_ptr<const upstream::Endpoint> VacantEndpoint(const config::ClusterConfig& cluster) {
  auto endpoint = std::make_shared<upstream::Endpoint>();
  endpoint->name = cluster.name + "/-";
  return endpoint;
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

// Seats beyond the listed nodes are vacant at first.
std::vector<balancer::ClusterHealth::Member> MembersOf(const std::vector<NodePlan>& nodes,
                                                       const std::vector<balancer::NodeId>& seats) {
  std::vector<balancer::ClusterHealth::Member> members;
  members.reserve(seats.size());
  for (size_t i = 0; i < seats.size(); ++i) {
    if (i < nodes.size()) {
      members.push_back({seats[i], nodes[i].weight, nodes[i].admin});
    } else {
      members.push_back({.node = seats[i], .seat = balancer::Seating::State::kVacant});
    }
  }
  return members;
}

void AddNodes(const config::Config& config, const config::ClusterConfig& from,
              const ClusterPlan& plan, const std::vector<balancer::NodeId>& seats,
              upstream::Cluster& cluster) {
  for (size_t i = 0; i < seats.size(); ++i) {
    if (i < plan.nodes.size()) {
      const NodePlan& node = plan.nodes[i];
      cluster.nodes.push_back(std::make_unique<upstream::Node>(seats[i], node.endpoint, node.limits,
                                                               node.wait_timeout));
      continue;
    }
    const config::NodeConfig& node = from.discovery.node.all;
    cluster.nodes.push_back(std::make_unique<upstream::Node>(
        seats[i], VacantEndpoint(from), PoolLimitsOf(config, from, node),
        config::EffectivePool(config, from, node).wait_timeout));
  }
}

Built<ClusterPlan> PlanCluster(const config::Config& config, const config::ClusterConfig& from) {
  const config::HealthConfig health = config::EffectiveHealth(config, from);
  ClusterPlan plan{.health = RulesOf(health), .terms = std::make_shared<upstream::ClusterTerms>()};
  auto probe = ProbeOf("cluster " + from.name, health);
  if (!probe) return tl::unexpected(probe.error());
  plan.terms->probe = std::move(*probe);
  auto master = MasterOf("cluster " + from.name, from.master_user);
  if (!master) return tl::unexpected(master.error());
  plan.terms->master = std::move(*master);
  plan.terms->login = {static_cast<uint32_t>(from.user_sessions), from.in_use_retries,
                       from.in_use_backoff};
  const config::ResumeConfig resume = config::EffectiveResume(config, from);
  plan.terms->resume = {resume.enabled, resume.deadline};
  auto nodes = PlanNodes(config, from);
  if (!nodes) return tl::unexpected(nodes.error());
  plan.nodes = std::move(*nodes);
  return plan;
}

}  // namespace

uint32_t SeatsOf(const config::ClusterConfig& cluster) {
  if (cluster.discovery.enabled()) return static_cast<uint32_t>(cluster.discovery.max_nodes);
  const size_t listed = cluster.nodes.size();
  return static_cast<uint32_t>(listed + std::max(listed, kSpareSeatsMin));
}

Built<std::vector<ClusterPlan>> PlanClusters(const config::Config& config) {
  std::vector<ClusterPlan> plans;
  for (const config::ClusterConfig& cluster : config.clusters) {
    auto plan = PlanCluster(config, cluster);
    if (!plan) return tl::unexpected(plan.error());
    plans.push_back(std::move(*plan));
  }
  return plans;
}

Built<std::vector<std::shared_ptr<upstream::Cluster>>> BuildClusters(
    const config::Config& config, const balancer::NodeTable& table) {
  auto plans = PlanClusters(config);
  if (!plans) return tl::unexpected(plans.error());
  std::vector<std::shared_ptr<upstream::Cluster>> clusters;
  for (size_t i = 0; i < config.clusters.size(); ++i) {
    const config::ClusterConfig& from = config.clusters[i];
    ClusterPlan& plan = (*plans)[i];
    const std::vector<balancer::NodeId>& seats = table.SeatIds(i);
    auto cluster = std::make_shared<upstream::Cluster>(
        *table.FindCluster(from.name), from.name,
        balancer::ClusterRules{from.shared_storage, from.affinity == config::Affinity::kUser},
        plan.health, MembersOf(plan.nodes, seats));
    cluster->set_terms(std::move(plan.terms));
    AddNodes(config, from, plan, seats, *cluster);
    clusters.push_back(std::move(cluster));
  }
  return clusters;
}

}  // namespace poplar::server
