#pragma once

#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "proxy/upstream/observer.h"
#include "tests/simulation/places.h"
#include "tests/simulation/session_rules.h"
#include "tests/simulation/world.h"

namespace poplar::simulation {

// Holds the nodes' states to the rules, by the results of probes and the operator's words as they
// came in, and remembers who was out when, and who had left. Every check fails the world by itself.
class HealthJudge final : public upstream::Observer {
 public:
  HealthJudge(World& world, const SessionRules& rules, const Places& places);

  // Which node Poplar has at one of its ids; nothing: the seat is vacant.
  using NodeAt = std::function<std::optional<size_t>(balancer::NodeId)>;
  void set_node_at(NodeAt node_at) { node_at_ = std::move(node_at); }
  // Another node is about to sit down on the seat, or the same one anew.
  void OnSatDown(balancer::NodeId seat) { sat_down_.insert(seat); }

  void ProbeEnded(balancer::NodeId node, upstream::NodeFailure failure, io::Duration took) override;
  void NodeChanged(const balancer::Transition& transition) override;
  void WarmOpened(balancer::NodeId, upstream::NodeFailure, io::Duration) override {}
  void ParkedEnded(balancer::NodeId, upstream::ParkedEnd) override {}

  // Told of each transition, after it was judged.
  void set_on_change(std::function<void(balancer::NodeId)> on_change) {
    on_change_ = std::move(on_change);
  }

  // Whether at some moment from `from` to `to` the rules let a user leave the node for another.
  bool MayBeLeft(size_t node, io::Time from, io::Time to) const;
  // Whether it was out of service all the time.
  bool OutThroughout(size_t node, io::Time from, io::Time to) const;
  // Whether it was in no answer of the name servers' all the time.
  bool GoneThroughout(size_t node, io::Time from, io::Time to) const;
  // Every result that had to have a consequence has had it.
  void JudgeEnd();
  // Of their health, and by the operator.
  uint64_t transitions() const { return transitions_; }
  uint64_t found() const { return found_; }
  uint64_t gone() const { return gone_; }
  uint64_t probes_failed() const { return probes_failed_; }

 private:
  // From `since` to the next one of the node's.
  struct Phase {
    io::Time since{};
    balancer::NodeState state = balancer::NodeState::kUp;
    balancer::AdminState admin = balancer::AdminState::kUp;
    io::Time seen_well{};  // before it went out; it has been failing since a moment after that
    bool named = true;     // else its users go elsewhere, and its sessions stay
  };
  struct Node {
    std::vector<Phase> phases;  // the last is the current one
    uint32_t failed = 0;        // probes in a row
    io::Time seen_well{};       // by a probe, or let in again
    uint32_t succeeded = 0;
    std::optional<balancer::NodeState> due;  // the last probe's result leads there at once
  };

  void Require(bool condition, size_t node, const std::string& text);
  size_t NodeOf(const balancer::Transition& transition);
  void JudgeCause(size_t number, const balancer::Transition& transition);
  void JudgeEjection(size_t number, const balancer::Transition& transition);
  size_t Wanted(size_t cluster) const;
  size_t Out(size_t cluster) const;
  void NotePanic(size_t cluster);
  bool Panicked(size_t cluster, io::Time from, io::Time to) const;
  static size_t FirstOf(const Node& node);
  bool LeftByHealth(const Node& node, size_t phase, io::Time at) const;
  bool LeftInSlowStart(const Node& node, size_t phase, io::Time from) const;
  static bool InService(const Phase& phase) {
    return phase.state == balancer::NodeState::kUp && IsWanted(phase);
  }
  static bool IsWanted(const Phase& phase) {
    return phase.named && phase.admin == balancer::AdminState::kUp;
  }
  template <class Predicate>
  static bool AnyPhase(const Node& node, io::Time from, io::Time to, const Predicate& predicate);

  World& world_;
  const SessionRules& rules_;
  const Places& places_;
  int actor_;
  std::function<void(balancer::NodeId)> on_change_;
  NodeAt node_at_;
  std::vector<Node> nodes_;
  std::set<balancer::NodeId> sat_down_;  // and weren't heard of since
  // Since when there is a panic, or none; by cluster.
  std::vector<std::vector<std::pair<io::Time, bool>>> panic_;
  uint64_t transitions_ = 0;
  uint64_t found_ = 0;
  uint64_t gone_ = 0;
  uint64_t probes_failed_ = 0;
};

}  // namespace poplar::simulation
