#pragma once

#include <cstdint>
#include <mutex>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "balancer/node_health.h"
#include "balancer/node_table.h"
#include "balancer/time.h"

namespace poplar::balancer {

struct ClusterRules {
  bool shared_storage = false;
  // Any node serves anybody at any time: then load moves users (bounded load, factor 1.25 over the
  // same order of preference), and there is neither affinity nor hold-down.
  bool affinity = true;
};

// Where a login may go now.
struct Choice {
  enum class Kind : uint8_t {
    kGo,    // to `node`
    kWait,  // `node` is out, but not for long enough that its users may move: ask again at `until`
    kNone,  // nowhere: -ERR [SYS/TEMP]
  };
  Kind kind = Kind::kNone;
  NodeId node{};
  Moment until{};
};

// The health of a cluster's nodes and what follows from it for a login. Shared by all workers;
// every call is safe from any thread and takes one short lock.
class ClusterHealth {
 public:
  struct Member {
    NodeId node{};
    uint32_t weight = 100;
    AdminState admin = AdminState::kUp;
  };

  struct NodeStatus {
    NodeId node{};
    NodeState state = NodeState::kUp;
    AdminState admin = AdminState::kUp;
    bool in_service = true;  // takes new users
    uint32_t ready_permille = 1000;
    uint32_t sessions = 0;
    uint64_t ejections = 0;
  };

  ClusterHealth(const ClusterRules& rules, const HealthRules& health, std::vector<Member> members);

  // --- evidence in

  std::optional<Transition> OnProbe(NodeId node, bool ok, std::string_view detail, Moment now);
  std::optional<Transition> OnEvidence(NodeId node, Evidence evidence, std::string_view detail,
                                       Moment now);
  std::optional<Transition> SetAdmin(NodeId node, AdminState state, Moment now);
  // Time passes; call it for every node once a second or so.
  std::optional<Transition> OnTime(NodeId node, Moment now);

  // --- decisions out

  // `order`: the user's nodes, best first. `user_hash`: any well-mixed number that is the user's
  // own (slow start lets users home by it). `tried`: the nodes that this login found unreachable.
  // With affinity a node that is in service is not passed over for having been tried: the login
  // tries again until the node is out for the hold-down, or its deadline passes.
  Choice Choose(const Candidates& order, uint64_t user_hash, std::span<const NodeId> tried,
                Moment now);

  // Whether the node takes new users: up (or panic), and not drained.
  bool InService(NodeId node, Moment now) const;
  AdminState admin(NodeId node) const;

  // --- load, for clusters without affinity, and for the status

  void SessionBegan(NodeId node);
  void SessionEnded(NodeId node);

  std::vector<NodeStatus> Status(Moment now) const;
  bool panicking(Moment now) const;

 private:
  mutable std::mutex mutex_;
};

}  // namespace poplar::balancer
