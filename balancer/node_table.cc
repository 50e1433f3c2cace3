#include "balancer/node_table.h"

#include <absl/container/flat_hash_set.h>

#include <cassert>
#include <utility>

namespace poplar::balancer {
namespace {

using Kind = NodeTableError::Kind;

// NUL cannot be part of a configured name that anyone could type.
std::string KeyOf(const Cluster& cluster, const Node& node) {
  return cluster.name + '\0' + node.name;
}

std::string KeyOfSeat(const Cluster& cluster, uint32_t seat) {
  return cluster.name + '\0' + '\0' + std::to_string(seat);
}

std::optional<NodeTableError> FindErrorIn(const Cluster& cluster) {
  if (cluster.name.empty()) return NodeTableError{Kind::kUnnamedCluster, {}, {}};
  if (cluster.nodes.empty() && cluster.seats == 0)
    return NodeTableError{Kind::kEmptyCluster, cluster.name, {}};
  absl::flat_hash_set<std::string> names;
  absl::flat_hash_set<uint32_t> seats;
  for (const Node& node : cluster.nodes) {
    if (node.name.empty()) return NodeTableError{Kind::kUnnamedNode, cluster.name, {}};
    if (!names.insert(node.name).second) {
      return NodeTableError{Kind::kDuplicateNode, cluster.name, node.name};
    }
    if (node.weight > kMaxWeight) {
      return NodeTableError{Kind::kWeightTooLarge, cluster.name, node.name};
    }
    if (cluster.seats > 0 && (node.seat >= cluster.seats || !seats.insert(node.seat).second)) {
      return NodeTableError{Kind::kSeatTaken, cluster.name, node.name};
    }
  }
  return std::nullopt;
}

std::optional<NodeTableError> FindError(const std::vector<Cluster>& clusters) {
  absl::flat_hash_set<std::string> names;
  for (const Cluster& cluster : clusters) {
    if (auto error = FindErrorIn(cluster)) return error;
    if (!names.insert(cluster.name).second) {
      return NodeTableError{Kind::kDuplicateCluster, cluster.name, {}};
    }
  }
  return std::nullopt;
}

}  // namespace

tl::expected<std::shared_ptr<const NodeTable>, NodeTableError> NodeTable::Build(
    std::vector<Cluster> clusters, const NodeTable* previous) {
  if (auto error = FindError(clusters)) return tl::unexpected(std::move(*error));
  std::shared_ptr<NodeTable> table(new NodeTable(std::move(clusters)));
  table->Number(previous);
  return table;
}

NodeTable::NodeTable(std::vector<Cluster> clusters) : clusters_(std::move(clusters)) {
  routes_.resize(clusters_.size());
  for (size_t i = 0; i < clusters_.size(); ++i) {
    for (const Node& node : clusters_[i].nodes) {
      routes_[i].nodes.emplace_back(node.name, node.weight);
    }
  }
}

void NodeTable::Number(const NodeTable* previous) {
  if (previous != nullptr) {
    cluster_ids_ = previous->cluster_ids_;
    node_ids_ = previous->node_ids_;
  }
  for (size_t i = 0; i < clusters_.size(); ++i) {
    const Cluster& cluster = clusters_[i];
    const ClusterId next_cluster{static_cast<uint32_t>(cluster_ids_.size())};
    routes_[i].id = cluster_ids_.try_emplace(cluster.name, next_cluster).first->second;
    for (uint32_t seat = 0; seat < cluster.seats; ++seat)
      routes_[i].seats.push_back(NumberOf(KeyOfSeat(cluster, seat)));
    for (const Node& node : cluster.nodes) {
      routes_[i].ids.push_back(cluster.seats > 0 ? routes_[i].seats[node.seat]
                                                 : NumberOf(KeyOf(cluster, node)));
    }
  }
}

NodeId NodeTable::NumberOf(const std::string& key) {
  const NodeId next{static_cast<uint32_t>(node_ids_.size())};
  return node_ids_.try_emplace(key, next).first->second;
}

const NodeTable::Route* NodeTable::FindRoute(ClusterId cluster) const {
  for (const Route& route : routes_) {
    if (route.id == cluster) return &route;
  }
  return nullptr;
}

std::optional<ClusterId> NodeTable::FindCluster(std::string_view name) const {
  for (size_t i = 0; i < clusters_.size(); ++i) {
    if (clusters_[i].name == name) return routes_[i].id;
  }
  return std::nullopt;
}

const Cluster* NodeTable::FindCluster(ClusterId cluster) const {
  const Route* route = FindRoute(cluster);
  return route == nullptr ? nullptr : &clusters_[static_cast<size_t>(route - routes_.data())];
}

const Node* NodeTable::FindNode(NodeId node) const {
  for (size_t i = 0; i < routes_.size(); ++i) {
    for (size_t j = 0; j < routes_[i].ids.size(); ++j) {
      if (routes_[i].ids[j] == node) return &clusters_[i].nodes[j];
    }
  }
  return nullptr;
}

Candidates NodeTable::Choose(ClusterId cluster, const CanonicalUser& user) const {
  const Route* route = FindRoute(cluster);
  assert(route != nullptr);
  const Cluster& rules = clusters_[static_cast<size_t>(route - routes_.data())];
  if (route->nodes.empty()) return {};
  if (!rules.shared_storage) {
    return Candidates{route->ids[FirstChoice(user.text(), route->nodes)]};
  }
  absl::InlinedVector<Placed, 32> order(route->nodes.size());
  OrderNodes(user.text(), route->nodes, {order.data(), order.size()});
  Candidates candidates;
  candidates.reserve(order.size());
  for (const Placed& entry : order) candidates.push_back(route->ids[entry.index]);
  return candidates;
}

}  // namespace poplar::balancer
