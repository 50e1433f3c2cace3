#include "tests/simulation/health_judge.h"

#include <algorithm>
#include <utility>

namespace poplar::simulation {
namespace {

using balancer::NodeState;
using balancer::TransitionCause;
using upstream::NodeFailure;

// Ejections end when somebody looks, which keepers do once a second or so.
constexpr io::Duration kLookSlack = std::chrono::seconds(5);

}  // namespace

HealthJudge::HealthJudge(World& world, const SessionRules& rules, const Places& places)
    : world_(world),
      rules_(rules),
      places_(places),
      actor_(world.log().AddActor("health")),
      nodes_(places.names.size()),
      panic_(places.clusters.size()) {
  for (const Places::Cluster& cluster : places.clusters) {
    for (const size_t node : cluster.nodes)
      nodes_[node].phases.push_back({.since = world.Now(), .named = cluster.seats == 0});
  }
  for (auto& panic : panic_) panic.emplace_back(world.Now(), false);
}

void HealthJudge::Require(bool condition, size_t node, const std::string& text) {
  if (!condition) world_.Fail(text + " (node " + std::to_string(node) + ")");
}

void HealthJudge::ProbeEnded(balancer::NodeId id, NodeFailure failure, io::Duration took) {
  const std::optional<size_t> at = node_at_(id);
  if (!at) return;  // it has left its seat meanwhile
  const size_t number = *at;
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

// Who has sat down anew has a health without a past.
size_t HealthJudge::NodeOf(const balancer::Transition& transition) {
  const std::optional<size_t> number = node_at_(transition.node);
  if (!number) world_.Fail("a vacant seat has changed: " + transition.evidence);
  if (sat_down_.erase(transition.node) == 0) return *number;
  Node& node = nodes_[*number];
  Require(!node.phases.back().named, *number, "a node sits down that sits already");
  node.failed = node.succeeded = 0;
  node.due.reset();
  node.seen_well = world_.Now();
  node.phases.push_back({.since = world_.Now(), .seen_well = world_.Now(), .named = false});
  return *number;
}

void HealthJudge::NodeChanged(const balancer::Transition& transition) {
  const size_t number = NodeOf(transition);
  Node& node = nodes_[number];
  const Phase before = node.phases.back();
  world_.log().Note(world_.Now(), actor_,
                    "node " + std::to_string(number) + " is " + std::string(Name(transition.to)) +
                        "/" + std::string(Name(transition.admin_to)) + ": " + transition.evidence);
  Require(transition.from == before.state && transition.admin_from == before.admin, number,
          "a transition from where the node isn't");
  if (node.due) Require(transition.to == *node.due, number, "probes led to another state");
  node.due.reset();
  JudgeCause(number, transition);
  Phase phase{world_.Now(), transition.to, transition.admin_to, before.seen_well, before.named};
  if (transition.cause == TransitionCause::kDiscovered) phase.named = true;
  if (transition.cause == TransitionCause::kGone) phase.named = false;
  if (before.state == NodeState::kUp && transition.to != NodeState::kUp) {
    node.succeeded = 0;
    phase.seen_well = node.seen_well;
  }
  if (before.state != NodeState::kUp && transition.to == NodeState::kUp)
    node.seen_well = world_.Now();
  node.phases.push_back(phase);
  NotePanic(places_.ClusterOf(number));
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
  const balancer::HealthRules& health = rules_.health;
  const bool named = node.phases.back().named;
  const bool same = transition.to == node.phases.back().state;
  const bool by_names = transition.cause == TransitionCause::kDiscovered ||
                        transition.cause == TransitionCause::kGone;
  if (!by_names) ++transitions_;
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
    case TransitionCause::kEjectionEnded:
      JudgeEjection(number, transition);
      break;
    case TransitionCause::kDiscovered:
      ++found_;
      Require(places_.clusters[places_.ClusterOf(number)].seats > 0 && !named && same, number,
              "found, and it was there");
      break;
    case TransitionCause::kGone:
      ++gone_;
      Require(named && same, number, "gone, and it wasn't there");
      break;
    case TransitionCause::kAgreed:
      Require(false, number, "agreed on with other replicas, and there are none");
      break;
    case TransitionCause::kAdmin:
      Require(same, number, "the operator's word changed the node's health");
      break;
  }
}

void HealthJudge::JudgeEjection(size_t number, const balancer::Transition& transition) {
  const Node& node = nodes_[number];
  const io::Duration lasted = world_.Now() - node.phases[FirstOf(node)].since;
  const balancer::HealthRules& health = rules_.health;
  if (transition.cause == TransitionCause::kEjectionEnded) {
    Require(transition.to == NodeState::kUp, number, "an ejection ended in a wrong state");
    Require(lasted >= health.ejection_time, number, "an ejection was too short");
    Require(lasted <= health.ejection_time_max + rules_.Paused() + kLookSlack, number,
            "an ejection was too long");
    return;
  }
  Require(transition.to == NodeState::kEjected, number, "evidence has a wrong consequence");
  // One that is leaving takes part in no count.
  if (!node.phases.back().named) return;
  const size_t cluster = places_.ClusterOf(number);
  const size_t most = Wanted(cluster) * health.ejected_percent_max / 100;
  Require(Out(cluster) + 1 <= std::max<size_t>(1, most), number, "too many nodes ejected");
}

size_t HealthJudge::Wanted(size_t cluster) const {
  const std::vector<size_t>& nodes = places_.clusters[cluster].nodes;
  return static_cast<size_t>(std::count_if(nodes.begin(), nodes.end(), [this](size_t node) {
    return IsWanted(nodes_[node].phases.back());
  }));
}

// Of the nodes that are to be there.
size_t HealthJudge::Out(size_t cluster) const {
  const std::vector<size_t>& nodes = places_.clusters[cluster].nodes;
  return static_cast<size_t>(std::count_if(nodes.begin(), nodes.end(), [this](size_t node) {
    const Phase& now = nodes_[node].phases.back();
    return IsWanted(now) && now.state != NodeState::kUp;
  }));
}

// All nodes have one weight here.
void HealthJudge::NotePanic(size_t cluster) {
  const size_t wanted = Wanted(cluster);
  const size_t left = wanted - Out(cluster);
  const bool panic = wanted > 0 && left * 100 < wanted * rules_.health.panic_percent;
  auto& panics = panic_[cluster];
  if (panics.back().second != panic) panics.emplace_back(world_.Now(), panic);
}

bool HealthJudge::Panicked(size_t cluster, io::Time from, io::Time to) const {
  const auto& panics = panic_[cluster];
  for (size_t i = 0; i < panics.size(); ++i) {
    const io::Time end = i + 1 < panics.size() ? panics[i + 1].first : to;
    if (panics[i].second && panics[i].first <= to && end >= from) return true;
  }
  return false;
}

// Of those that reach into the time from `from` to `to`, which it is asked about one by one.
template <class Predicate>
bool HealthJudge::AnyPhase(const Node& node, io::Time from, io::Time to,
                           const Predicate& predicate) {
  for (size_t i = 0; i < node.phases.size(); ++i) {
    const io::Time end = i + 1 < node.phases.size() ? node.phases[i + 1].since : to;
    if (node.phases[i].since > to || end < from) continue;
    if (predicate(i, end)) return true;
  }
  return false;
}

bool HealthJudge::MayBeLeft(size_t number, io::Time from, io::Time to) const {
  if (!rules_.affinity || Panicked(places_.ClusterOf(number), from, to)) return true;
  const Node& node = nodes_[number];
  return AnyPhase(node, from, to, [&](size_t i, io::Time end) {
    const Phase& phase = node.phases[i];
    if (!IsWanted(phase)) return true;
    return phase.state != NodeState::kUp ? LeftByHealth(node, i, std::min(end, to))
                                         : LeftInSlowStart(node, i, std::max(from, phase.since));
  });
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
    if (!IsWanted(before) && IsWanted(after)) return true;
    if (before.state != NodeState::kUp && after.state == NodeState::kUp) {
      if (before.seen_well + rules_.health.hold_down <= after.since) return true;
    }
  }
  return false;
}

bool HealthJudge::OutThroughout(size_t number, io::Time from, io::Time to) const {
  if (Panicked(places_.ClusterOf(number), from, to)) return GoneThroughout(number, from, to);
  const Node& node = nodes_[number];
  return !AnyPhase(node, from, to,
                   [&node](size_t i, io::Time) { return InService(node.phases[i]); });
}

bool HealthJudge::GoneThroughout(size_t number, io::Time from, io::Time to) const {
  const Node& node = nodes_[number];
  return !AnyPhase(node, from, to, [&node](size_t i, io::Time) { return node.phases[i].named; });
}

void HealthJudge::JudgeEnd() {
  for (size_t i = 0; i < nodes_.size(); ++i) {
    Require(!nodes_[i].due, i, "a probe's result had no consequence");
  }
}

}  // namespace poplar::simulation
