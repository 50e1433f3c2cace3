#include "tests/simulation/health_judge.h"

#include <algorithm>
#include <utility>

namespace poplar::simulation {
namespace {

using balancer::AdminState;
using balancer::NodeState;
using balancer::TransitionCause;
using upstream::NodeFailure;

// Ejections end when somebody looks, which keepers do once a second or so.
constexpr io::Duration kLookSlack = std::chrono::seconds(5);

}  // namespace

HealthJudge::HealthJudge(World& world, const SessionRules& rules, size_t nodes)
    : world_(world), rules_(rules), actor_(world.log().AddActor("health")), nodes_(nodes) {
  for (Node& node : nodes_) node.phases.push_back({world.Now()});
  panic_.emplace_back(world.Now(), false);
}

void HealthJudge::Require(bool condition, size_t node, const std::string& text) {
  if (!condition) world_.Fail(text + " (node " + std::to_string(node) + ")");
}

void HealthJudge::ProbeEnded(balancer::NodeId id, NodeFailure failure, io::Duration took) {
  const auto number = static_cast<size_t>(id);
  Node& node = nodes_[number];
  Require(!node.due, number, "a probe's result had no consequence");
  if (failure == NodeFailure::kCancelled || failure == NodeFailure::kNoDescriptor) return;
  Require(took <= rules_.probe_timeout + rules_.Paused() + std::chrono::seconds(1), number,
          "a probe took too long");
  const bool ok = failure == NodeFailure::kNone;
  world_.Log(actor_, ok ? "probe succeeds" : "probe fails", static_cast<int64_t>(number),
             static_cast<int64_t>(failure));
  if (!ok) ++probes_failed_;
  node.failed = ok ? 0 : node.failed + 1;
  if (ok) node.seen_well = world_.Now();
  node.succeeded = ok ? node.succeeded + 1 : 0;
  const NodeState state = node.phases.back().state;
  // Whether an ejection ends early depends on what caused it as well: allowed, not demanded.
  if (state != NodeState::kDown && node.failed >= rules_.health.fall) node.due = NodeState::kDown;
  if (state == NodeState::kDown && node.succeeded >= rules_.health.rise) node.due = NodeState::kUp;
}

void HealthJudge::NodeChanged(const balancer::Transition& transition) {
  const auto number = static_cast<size_t>(transition.node);
  Node& node = nodes_[number];
  const Phase before = node.phases.back();
  ++transitions_;
  world_.log().Note(world_.Now(), actor_,
                    "node " + std::to_string(number) + " is " + std::string(Name(transition.to)) +
                        "/" + std::string(Name(transition.admin_to)) + ": " + transition.evidence);
  Require(transition.from == before.state && transition.admin_from == before.admin, number,
          "a transition from where the node isn't");
  if (node.due) Require(transition.to == *node.due, number, "probes led to another state");
  node.due.reset();
  JudgeCause(number, transition);
  Phase phase{world_.Now(), transition.to, transition.admin_to, before.seen_well};
  if (before.state == NodeState::kUp && transition.to != NodeState::kUp) {
    node.succeeded = 0;
    phase.seen_well = node.seen_well;
  }
  if (before.state != NodeState::kUp && transition.to == NodeState::kUp)
    node.seen_well = world_.Now();
  node.phases.push_back(phase);
  NotePanic();
  if (on_change_) on_change_(transition.node);
}

// Where the current state began; the operator may have spoken since.
size_t HealthJudge::FirstOf(const Node& node) {
  size_t first = node.phases.size() - 1;
  while (first > 0 && node.phases[first - 1].state == node.phases.back().state) --first;
  return first;
}

void HealthJudge::JudgeCause(size_t number, const balancer::Transition& transition) {
  const Node& node = nodes_[number];
  const io::Duration lasted = world_.Now() - node.phases[FirstOf(node)].since;
  const balancer::HealthRules& health = rules_.health;
  const auto wanted =
      static_cast<size_t>(std::count_if(nodes_.begin(), nodes_.end(), [](const Node& one) {
        return one.phases.back().admin == AdminState::kUp;
      }));
  switch (transition.cause) {
    case TransitionCause::kProbesFailed:
      Require(transition.to == NodeState::kDown && node.failed >= health.fall, number,
              "out before enough probes failed");
      break;
    case TransitionCause::kProbesSucceeded:
      Require(transition.to == NodeState::kUp && node.succeeded >= health.rise, number,
              "back before enough probes succeeded");
      break;
    case TransitionCause::kConsecutiveFailures:
    case TransitionCause::kFailureRatio:
      Require(transition.to == NodeState::kEjected, number, "evidence has a wrong consequence");
      Require(Out() + 1 <= std::max<size_t>(1, wanted * health.ejected_percent_max / 100), number,
              "too many nodes ejected");
      break;
    case TransitionCause::kEjectionEnded:
      Require(transition.to == NodeState::kUp, number, "an ejection ended in a wrong state");
      Require(lasted >= health.ejection_time, number, "an ejection was too short");
      Require(lasted <= health.ejection_time_max + rules_.Paused() + kLookSlack, number,
              "an ejection was too long");
      break;
    case TransitionCause::kDiscovered:
    case TransitionCause::kGone:
      Require(false, number, "the list of nodes is fixed");
      break;
    case TransitionCause::kAdmin:
      Require(transition.to == node.phases.back().state, number,
              "the operator's word changed the node's health");
      break;
  }
}

// Of the nodes that the operator has up.
size_t HealthJudge::Out() const {
  return static_cast<size_t>(std::count_if(nodes_.begin(), nodes_.end(), [](const Node& node) {
    const Phase& now = node.phases.back();
    return now.admin == AdminState::kUp && now.state != NodeState::kUp;
  }));
}

// All nodes have one weight here.
void HealthJudge::NotePanic() {
  size_t wanted = 0;
  for (const Node& node : nodes_) wanted += node.phases.back().admin == AdminState::kUp ? 1 : 0;
  const size_t left = wanted - Out();
  const bool panic = wanted > 0 && left * 100 < wanted * rules_.health.panic_percent;
  if (panic_.back().second != panic) panic_.emplace_back(world_.Now(), panic);
}

bool HealthJudge::MayBeLeft(size_t number, io::Time from, io::Time to) const {
  if (!rules_.affinity) return true;
  for (size_t i = 0; i < panic_.size(); ++i) {
    const io::Time end = i + 1 < panic_.size() ? panic_[i + 1].first : to;
    if (panic_[i].second && panic_[i].first <= to && end >= from) return true;
  }
  const Node& node = nodes_[number];
  for (size_t i = 0; i < node.phases.size(); ++i) {
    const Phase& phase = node.phases[i];
    const io::Time end = i + 1 < node.phases.size() ? node.phases[i + 1].since : to;
    if (phase.since > to || end < from) continue;
    if (phase.admin != AdminState::kUp) return true;
    if (phase.state != NodeState::kUp ? LeftByHealth(node, i, std::min(end, to))
                                      : LeftInSlowStart(node, i, std::max(from, phase.since))) {
      return true;
    }
  }
  return false;
}

// Out for the hold-down by `at`.
bool HealthJudge::LeftByHealth(const Node& node, size_t phase, io::Time at) const {
  return node.phases[phase].seen_well + rules_.health.hold_down <= at;
}

// Back, and its users come home one after the other: those of them who had to leave.
bool HealthJudge::LeftInSlowStart(const Node& node, size_t phase, io::Time from) const {
  for (size_t i = phase; i > 0; --i) {
    const Phase& before = node.phases[i - 1];
    const Phase& after = node.phases[i];
    if (after.since + rules_.health.slow_start <= from) return false;
    if (before.admin != AdminState::kUp && after.admin == AdminState::kUp) return true;
    if (before.state != NodeState::kUp && after.state == NodeState::kUp) {
      if (before.seen_well + rules_.health.hold_down <= after.since) return true;
    }
  }
  return false;
}

bool HealthJudge::OutThroughout(size_t number, io::Time from, io::Time to) const {
  for (size_t i = 0; i < panic_.size(); ++i) {
    const io::Time end = i + 1 < panic_.size() ? panic_[i + 1].first : to;
    if (panic_[i].second && panic_[i].first <= to && end >= from) return false;
  }
  const Node& node = nodes_[number];
  for (size_t i = 0; i < node.phases.size(); ++i) {
    const io::Time end = i + 1 < node.phases.size() ? node.phases[i + 1].since : to;
    if (node.phases[i].since > to || end < from) continue;
    if (InService(node.phases[i])) return false;
  }
  return true;
}

void HealthJudge::JudgeEnd() {
  for (size_t i = 0; i < nodes_.size(); ++i) {
    Require(!nodes_[i].due, i, "a probe's result had no consequence");
  }
}

}  // namespace poplar::simulation
