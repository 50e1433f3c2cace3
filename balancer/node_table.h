#pragma once

#include <absl/container/flat_hash_map.h>
#include <absl/container/inlined_vector.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <vector>

#include "balancer/canonical_user.h"
#include "balancer/rendezvous.h"

namespace poplar::balancer {

// Numbers that stay with a cluster or node, found again by its name, through every rebuild of the
// table in one process; never reused for another. The first table numbers them densely from 0 in
// the order given. Where a cluster's nodes come and go the number is a seat's instead: see
// seating.h.
enum class ClusterId : uint32_t {};
enum class NodeId : uint32_t {};

// Addresses, TLS and timeouts of a node do not live here: proxy/upstream maps a NodeId to them.
struct Node {
  std::string name;       // unique within its cluster; what is hashed
  uint32_t weight = 100;  // 0..kMaxWeight
  uint32_t seat = 0;      // in a cluster that has seats
};

struct Cluster {
  std::string name;
  // Only then may a user be served by another than the first node; otherwise a dead node means a
  // temporary error for its users, never another or an empty maildrop.
  bool shared_storage = false;
  std::vector<Node> nodes;
  // Above 0: its nodes come and go, there may be none at the moment, and each sits on one of so
  // many seats, whose numbers are given out with the first table. The same in every rebuild.
  uint32_t seats = 0;
};

struct NodeTableError {
  enum class Kind {
    kUnnamedCluster,
    kDuplicateCluster,
    kEmptyCluster,
    kUnnamedNode,
    kDuplicateNode,
    kWeightTooLarge,
    kSeatTaken,  // by another node, or there is no such seat
  };
  Kind kind;
  std::string cluster;
  std::string node;  // empty for errors of a whole cluster

  friend bool operator==(const NodeTableError&, const NodeTableError&) = default;
};

// The nodes that may serve a user, best first; empty only while a cluster with seats has no node.
using Candidates = absl::InlinedVector<NodeId, 8>;

// An immutable snapshot, published whole by pointer swap; safe to read from any thread.
class NodeTable {
 public:
  // `previous`: the table this one replaces, from which names keep their ids; null at start.
  static tl::expected<std::shared_ptr<const NodeTable>, NodeTableError> Build(
      std::vector<Cluster> clusters, const NodeTable* previous = nullptr);

  NodeTable(const NodeTable&) = delete;
  NodeTable& operator=(const NodeTable&) = delete;

  std::optional<ClusterId> FindCluster(std::string_view name) const;

  // `cluster` must be of this table (or of an earlier one, and not removed since).
  Candidates Choose(ClusterId cluster, const CanonicalUser& user) const;

  // Null for an id that this table no longer holds. Pointers live as long as the table.
  const Cluster* FindCluster(ClusterId cluster) const;
  const Node* FindNode(NodeId node) const;

  const std::vector<Cluster>& clusters() const { return clusters_; }
  // Ids of clusters()[cluster_index].nodes, in their order.
  const std::vector<NodeId>& NodeIds(size_t cluster_index) const {
    return routes_[cluster_index].ids;
  }
  // Ids of all its seats, taken or not; where the cluster has none, as NodeIds.
  const std::vector<NodeId>& SeatIds(size_t cluster_index) const {
    const Route& route = routes_[cluster_index];
    return clusters_[cluster_index].seats == 0 ? route.ids : route.seats;
  }

 private:
  struct Route {
    ClusterId id{};
    std::vector<WeightedNode> nodes;  // names point into clusters_
    std::vector<NodeId> ids;
    std::vector<NodeId> seats;  // by their number in the cluster
  };

  explicit NodeTable(std::vector<Cluster> clusters);
  void Number(const NodeTable* previous);
  NodeId NumberOf(const std::string& key);
  const Route* FindRoute(ClusterId cluster) const;

  std::vector<Cluster> clusters_;  // never changed after construction
  std::vector<Route> routes_;      // parallel to clusters_
  // Every name ever numbered in this process, so that a node which comes back is itself again.
  absl::flat_hash_map<std::string, ClusterId> cluster_ids_;
  absl::flat_hash_map<std::string, NodeId> node_ids_;  // key: see the .cc
};

}  // namespace poplar::balancer
