#include "proxy/server/node_views.h"

#include <algorithm>
#include <optional>
#include <utility>

namespace poplar::server {
namespace {

metrics::NodeState StateOf(balancer::NodeState state) {
  switch (state) {
    case balancer::NodeState::kUp:
      return metrics::NodeState::kUp;
    case balancer::NodeState::kDown:
      return metrics::NodeState::kDown;
    case balancer::NodeState::kEjected:
      return metrics::NodeState::kEjected;
  }
  return metrics::NodeState::kUp;
}

metrics::AdminState AdminOf(balancer::AdminState state) {
  switch (state) {
    case balancer::AdminState::kUp:
      return metrics::AdminState::kUp;
    case balancer::AdminState::kDrain:
      return metrics::AdminState::kDrain;
    case balancer::AdminState::kDown:
      return metrics::AdminState::kDown;
  }
  return metrics::AdminState::kUp;
}

std::optional<double> SecondsOf(int64_t nanos) {
  if (nanos == 0) return std::nullopt;
  return io::Seconds(io::Duration(nanos));
}

metrics::NodeView ViewNode(const session::Settings& settings,
                           balancer::ClusterHealth::NodeStatus status) {
  const upstream::Node& node = settings.NodeOf(status.node);
  const auto endpoint = node.endpoint();
  const balancer::NodePool::Counts counts = node.pool.counts();
  // Counted under one lock: what is idle is among what is in use.
  const uint32_t idle = counts.warm + counts.parked;
  return {.label = metrics::Node{static_cast<uint16_t>(status.node)},
          .name = std::string(NameInCluster(*endpoint)),
          .address = endpoint->address.Text(),
          .state = StateOf(status.state),
          .admin = AdminOf(status.admin),
          .leaving = status.leaving,
          .in_service = status.in_service,
          .ready_permille = status.ready_permille,
          .weight = status.weight,
          .sessions = status.sessions,
          .ejections = status.ejections,
          .slots = node.pool.limits().size,
          .in_use = counts.in_use - idle,
          .warm = counts.warm,
          .parked = counts.parked,
          .waiting = counts.waiting,
          .probe_seconds = SecondsOf(node.probe_took.load()),
          .evidence = std::move(status.evidence)};
}

}  // namespace

std::vector<metrics::ClusterView> ViewNodes(const session::Settings& settings, io::Time now) {
  std::vector<metrics::ClusterView> views;
  for (size_t i = 0; i < settings.clusters.size(); ++i) {
    const upstream::Cluster& cluster = *settings.clusters[i];
    metrics::ClusterView view{.label = metrics::Cluster{static_cast<uint16_t>(i)},
                              .name = cluster.name,
                              .panic = cluster.health.panicking(now.time_since_epoch()),
                              .nodes = {}};
    for (auto& status : cluster.health.Status(now.time_since_epoch())) {
      view.nodes.push_back(ViewNode(settings, std::move(status)));
    }
    views.push_back(std::move(view));
  }
  return views;
}

}  // namespace poplar::server
