#pragma once

#include <cstdint>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "balancer/node_health.h"
#include "balancer/node_table.h"
#include "balancer/seating.h"
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
// every call is safe from any thread and takes one short lock. Every node named must be a member.
// Threads read their clocks before they get the lock, so moments may come slightly out of order.
class ClusterHealth {
 public:
  struct Member {
    NodeId node{};
    uint32_t weight = 100;
    AdminState admin = AdminState::kUp;
    // Of a seat (seating.h): a vacant one is in no count and no status, and what is said of its
    // health is nobody's; a leaving one is like a drained node, but takes part in no count either.
    Seating::State seat = Seating::State::kPresent;
  };

  struct NodeStatus {
    NodeId node{};
    NodeState state = NodeState::kUp;
    AdminState admin = AdminState::kUp;
    uint32_t weight = 100;
    bool leaving = false;
    bool in_service = true;  // takes new users
    uint32_t ready_permille = 1000;
    uint32_t sessions = 0;
    uint64_t ejections = 0;
    std::string evidence;  // of the last change; empty: there was none
  };

  ClusterHealth(const ClusterRules& rules, const HealthRules& health,
                const std::vector<Member>& members);

  // The operator says others.
  void SetRules(const HealthRules& health);

  // --- evidence in

  std::optional<Transition> OnProbe(NodeId node, bool ok, std::string_view detail, Moment now);
  // `user`: whose login or session it was; see FailingUsers.
  std::optional<Transition> OnEvidence(NodeId node, Evidence evidence, std::string_view detail,
                                       Moment now, uint64_t user = 0);
  // A node that comes back by the operator's word takes its users over slow_start, like any other.
  std::optional<Transition> SetAdmin(NodeId node, AdminState state, Moment now);
  // Time passes; call it for every node once a second or so.
  std::optional<Transition> OnTime(NodeId node, Moment now);

  // --- from one process to the next

  NodeHealth::Past PastOf(NodeId node) const;
  void Restore(NodeId node, const NodeHealth::Past& past);

  // --- seats, of clusters whose nodes come and go

  // Somebody has sat down on a vacant seat, with a fresh health and the operator's word for it, or
  // is back on one that it was leaving. In service at once; `slowly`: its users come over
  // slow_start, as they do to a node that was added to a running cluster.
  Transition Arrive(NodeId node, uint32_t weight, bool slowly, std::string evidence, Moment now);
  void SetWeight(NodeId node, uint32_t weight);
  // It takes no new users any more.
  Transition Leave(NodeId node, std::string evidence);
  // Nothing of its users is left there.
  void Vacate(NodeId node);
  Seating::State seat(NodeId node) const;

  // --- what replicas agree on (agreement.h), where they do

  struct Agreed {
    bool out = false;
    Moment since{};    // it has been failing, by the first who saw it
    Moment changed{};  // when they agreed
  };
  // A node that is out by agreement takes no new users and holds its own for hold_down from
  // `since` on, whatever this replica sees; who has a session there stays. One that came back takes
  // its users over slow_start from `changed` on. In by agreement changes nothing of what this
  // replica sees. Nothing: there is no agreement any more.
  std::optional<Transition> SetAgreed(NodeId node, const std::optional<Agreed>& agreed, Moment now);
  // Whether this replica by itself thinks that the node is out, and since when it has been failing.
  std::optional<Moment> FailingSince(NodeId node) const;

  // --- decisions out

  // `order`: the user's nodes, best first; all of them members. `user_hash`: any well-mixed number
  // that is the user's own and always the same (slow start lets users home by it). `tried`: the
  // nodes that this login found unreachable.
  //
  // With affinity, the first node of the order that is in service and admits the user. A node that
  // the operator drained is passed over at once; one that health took out holds its users for
  // hold_down, since sessions of theirs may still live there; one in slow start admits a growing
  // share of its users, the others go to the next as they did while it was out, and come to it when
  // there is no next. A node that is in service is not passed over for having been tried: the login
  // tries again until the node is out for the hold-down, or its deadline passes.
  //
  // Without affinity: the first of the order that is in service, not tried, and below 1.25 times
  // its fair share of the sessions, which grows with slow start.
  //
  // Without shared storage: order's first or nobody, without waiting.
  //
  // In a panic health is not believed: the first of the order that was not tried.
  // Nodes of weight 0 are spares: the order has them last.
  Choice Choose(const Candidates& order, uint64_t user_hash, std::span<const NodeId> tried,
                Moment now) const;

  // Whether the node takes new users: up, by agreement too (or panic), and not drained.
  bool InService(NodeId node, Moment now) const;
  // Whether it serves those whom a session of theirs holds there: up (or panic), and not taken down
  // by the operator; a drained one does, and so does one that is leaving.
  bool Serves(NodeId node) const;
  AdminState admin(NodeId node) const;
  Duration hold_down() const;

  // --- load, for clusters without affinity, and for the status

  void SessionBegan(NodeId node);
  void SessionEnded(NodeId node);
  uint32_t sessions(NodeId node) const;

  // In the order of the members given, without vacant seats.
  std::vector<NodeStatus> Status(Moment now) const;
  // Less than panic_percent of the weight is in service, of the nodes that the operator has up.
  // When none of those that have a weight is in service, the spares are counted instead: spares
  // that stand in for everybody are no reason to panic.
  bool panicking(Moment now) const;

 private:
  struct Entry {
    Member member;  // its admin state is the current one
    NodeHealth health;
    uint32_t sessions = 0;
    std::string evidence;
    std::optional<Agreed> agreed = {};

    bool up() const {
      return health.state() == NodeState::kUp && !(agreed.has_value() && agreed->out);
    }
    Moment failing_since() const {
      return health.state() == NodeState::kUp && agreed ? agreed->since : health.failing_since();
    }
  };

  // All with mutex_ held.
  const Entry& Find(NodeId node) const;
  Entry& Find(NodeId node);
  bool MayEject(const Entry& entry) const;
  std::optional<Transition> Complete(Entry& entry, std::optional<Transition> transition);
  Transition Moved(Entry& entry, TransitionCause cause, std::string evidence);
  void Recount();
  static bool Wanted(const Entry& entry);
  bool InService(const Entry& entry) const;
  uint32_t ReadyPermille(const Entry& entry, Moment now) const;
  Choice FirstUntried(std::span<const NodeId> order, std::span<const NodeId> tried) const;
  Choice ByAffinity(std::span<const NodeId> order, uint64_t user_hash, Moment now) const;
  Choice ByLoad(std::span<const NodeId> order, std::span<const NodeId> tried, bool spares,
                Moment now) const;

  const ClusterRules rules_;
  mutable std::mutex mutex_;
  HealthRules health_rules_;  // guarded by mutex_, as all below
  std::vector<Entry> entries_;
  std::vector<uint32_t> by_id_;  // indexes of entries_, sorted by node; never changes
  // What follows from all states together; Recount keeps it.
  uint32_t wanted_ = 0;  // nodes that are there and that the operator has up
  uint32_t out_ = 0;     // of those, the ones that health took out
  bool panicking_ = false;
};

}  // namespace poplar::balancer
