#pragma once

#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "proxy/upstream/observer.h"
#include "tests/simulation/session_rules.h"
#include "tests/simulation/world.h"

namespace poplar::simulation {

// Holds the nodes' states to the rules, by the results of probes and the operator's words as they
// came in, and remembers who was out when. Every check fails the world by itself.
class HealthJudge final : public upstream::Observer {
 public:
  HealthJudge(World& world, const SessionRules& rules, size_t nodes);

  void ProbeEnded(balancer::NodeId node, upstream::NodeFailure failure, io::Duration took) override;
  void NodeChanged(const balancer::Transition& transition) override;
  void WarmOpened(balancer::NodeId, upstream::NodeFailure) override {}
  void ParkedEnded(balancer::NodeId, upstream::ParkedEnd) override {}

  // Told of each transition, after it was judged.
  void set_on_change(std::function<void(balancer::NodeId)> on_change) {
    on_change_ = std::move(on_change);
  }

  // Whether at some moment from `from` to `to` the rules let a user leave the node for another.
  bool MayBeLeft(size_t node, io::Time from, io::Time to) const;
  // Whether it was out of service all the time.
  bool OutThroughout(size_t node, io::Time from, io::Time to) const;
  // Every result that had to have a consequence has had it.
  void JudgeEnd();
  uint64_t transitions() const { return transitions_; }
  uint64_t probes_failed() const { return probes_failed_; }

 private:
  // From `since` to the next one of the node's.
  struct Phase {
    io::Time since{};
    balancer::NodeState state = balancer::NodeState::kUp;
    balancer::AdminState admin = balancer::AdminState::kUp;
    io::Time seen_well{};  // before it went out; it has been failing since a moment after that
  };
  struct Node {
    std::vector<Phase> phases;  // the last is the current one
    uint32_t failed = 0;        // probes in a row
    io::Time seen_well{};       // by a probe, or let in again
    uint32_t succeeded = 0;
    std::optional<balancer::NodeState> due;  // the last probe's result leads there at once
  };

  void Require(bool condition, size_t node, const std::string& text);
  void JudgeCause(size_t number, const balancer::Transition& transition);
  size_t Out() const;
  void NotePanic();
  static size_t FirstOf(const Node& node);
  bool LeftByHealth(const Node& node, size_t phase, io::Time at) const;
  bool LeftInSlowStart(const Node& node, size_t phase, io::Time from) const;
  static bool InService(const Phase& phase) {
    return phase.state == balancer::NodeState::kUp && phase.admin == balancer::AdminState::kUp;
  }

  World& world_;
  const SessionRules& rules_;
  int actor_;
  std::function<void(balancer::NodeId)> on_change_;
  std::vector<Node> nodes_;
  std::vector<std::pair<io::Time, bool>> panic_;  // since when there is one, or none
  uint64_t transitions_ = 0;
  uint64_t probes_failed_ = 0;
};

}  // namespace poplar::simulation
