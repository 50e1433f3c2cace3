#include "proxy/server/node_observer.h"

#include "metrics/instruments.h"

namespace poplar::server {
namespace {

metrics::Node NodeLabel(balancer::NodeId node) {
  return metrics::Node{static_cast<uint16_t>(node)};
}

metrics::Success SuccessLabel(upstream::NodeFailure failure) {
  return failure == upstream::NodeFailure::kNone ? metrics::Success::kOk : metrics::Success::kError;
}

metrics::TransitionCause CauseLabel(balancer::TransitionCause cause) {
  switch (cause) {
    case balancer::TransitionCause::kProbesFailed:
      return metrics::TransitionCause::kProbesFailed;
    case balancer::TransitionCause::kProbesSucceeded:
      return metrics::TransitionCause::kProbesSucceeded;
    case balancer::TransitionCause::kConsecutiveFailures:
      return metrics::TransitionCause::kConsecutiveFailures;
    case balancer::TransitionCause::kFailureRatio:
      return metrics::TransitionCause::kFailureRatio;
    case balancer::TransitionCause::kEjectionEnded:
      return metrics::TransitionCause::kEjectionEnded;
    case balancer::TransitionCause::kDiscovered:
      return metrics::TransitionCause::kDiscovered;
    case balancer::TransitionCause::kGone:
      return metrics::TransitionCause::kGone;
    case balancer::TransitionCause::kAgreed:
      return metrics::TransitionCause::kAgreed;
    case balancer::TransitionCause::kAdmin:
      return metrics::TransitionCause::kAdmin;
  }
  return metrics::TransitionCause::kAdmin;
}

metrics::ParkedOutcome EndLabel(upstream::ParkedEnd end) {
  switch (end) {
    case upstream::ParkedEnd::kExpired:
      return metrics::ParkedOutcome::kExpired;
    case upstream::ParkedEnd::kEvicted:
      return metrics::ParkedOutcome::kEvicted;
    case upstream::ParkedEnd::kDrained:
      return metrics::ParkedOutcome::kDrained;
  }
  return metrics::ParkedOutcome::kDrained;
}

}  // namespace

void NodeObserver::ProbeEnded(balancer::NodeId node, upstream::NodeFailure failure,
                              io::Duration took) {
  shard_.Add(metrics::kNodeProbes, NodeLabel(node), SuccessLabel(failure));
  shard_.Observe(metrics::kNodeProbeDuration, took, SuccessLabel(failure));
}

void NodeObserver::NodeChanged(const balancer::Transition& transition) {
  shard_.Add(metrics::kNodeTransitions, NodeLabel(transition.node), CauseLabel(transition.cause));
  log_.NodeChanged(settings_->NodeOf(transition.node).endpoint()->name, transition);
  if (on_change_) on_change_(transition.node);
}

void NodeObserver::WarmOpened(balancer::NodeId node, upstream::NodeFailure failure,
                              io::Duration took) {
  shard_.Add(metrics::kPoolWarmOpened, NodeLabel(node), SuccessLabel(failure));
  shard_.Observe(metrics::kPoolWarmOpen, took, SuccessLabel(failure));
}

void NodeObserver::ParkedEnded(balancer::NodeId node, upstream::ParkedEnd end) {
  shard_.Add(metrics::kPoolParkedOutcomes, NodeLabel(node), EndLabel(end));
}

}  // namespace poplar::server
