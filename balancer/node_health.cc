#include "balancer/node_health.h"

#include <algorithm>
#include <utility>

namespace poplar::balancer {
namespace {

constexpr uint32_t kAllPermille = 1000;

// "5 failures of sessions in a row" needs no more: counting stops where a counter would overflow.
void CountUp(uint32_t& counter) {
  if (counter != UINT32_MAX) ++counter;
}

std::string_view Quoted(std::string_view detail) {
  return detail.substr(0, kEvidenceDetailBytesMax);
}

std::string InWords(Duration length) {
  using std::chrono::duration_cast;
  using std::chrono::milliseconds;
  using std::chrono::seconds;
  if (length % seconds(1) == Duration::zero()) {
    return std::to_string(duration_cast<seconds>(length).count()) + " s";
  }
  return std::to_string(duration_cast<milliseconds>(length).count()) + " ms";
}

// "3 probes failed in a row, the last: timeout".
std::string InRow(uint32_t count, std::string_view one, std::string_view many,
                  std::string_view last) {
  std::string text = std::to_string(count).append(" ").append(count == 1 ? one : many);
  if (count > 1) text.append(" in a row");
  if (last.empty()) return text;
  return text.append(count > 1 ? ", the last: " : ": ").append(Quoted(last));
}

// "12 of 20 sessions in 30 s failed, the last: timeout".
std::string InWindow(const FailureWindow::Counts& seen, Duration window, std::string_view last) {
  std::string text = std::to_string(seen.failures) + " of " + std::to_string(seen.events) +
                     " sessions in " + InWords(window) + " failed";
  if (last.empty()) return text;
  return text.append(", the last: ").append(Quoted(last));
}

}  // namespace

std::string_view Name(AdminState state) {
  switch (state) {
    case AdminState::kUp:
      return "up";
    case AdminState::kDrain:
      return "drain";
    case AdminState::kDown:
      return "down";
  }
  return "?";
}

std::string_view Name(NodeState state) {
  switch (state) {
    case NodeState::kUp:
      return "up";
    case NodeState::kDown:
      return "down";
    case NodeState::kEjected:
      return "ejected";
  }
  return "?";
}

std::string_view Name(TransitionCause cause) {
  switch (cause) {
    case TransitionCause::kProbesFailed:
      return "probes_failed";
    case TransitionCause::kProbesSucceeded:
      return "probes_succeeded";
    case TransitionCause::kConsecutiveFailures:
      return "consecutive_failures";
    case TransitionCause::kFailureRatio:
      return "failure_ratio";
    case TransitionCause::kEjectionEnded:
      return "ejection_ended";
    case TransitionCause::kDiscovered:
      return "discovered";
    case TransitionCause::kGone:
      return "gone";
    case TransitionCause::kAgreed:
      return "agreed";
    case TransitionCause::kAdmin:
      return "admin";
  }
  return "?";
}

void NodeHealth::SetRules(const HealthRules& rules) {
  if (rules.failure_window != rules_.failure_window) window_ = FailureWindow(rules.failure_window);
  rules_ = rules;
}

std::optional<Transition> NodeHealth::OnProbe(bool ok, std::string_view detail, Moment now) {
  if (!rules_.probes) return std::nullopt;
  if (ok) {
    probes_failed_ = 0;
    first_failure_.reset();
    if (state_ == NodeState::kUp) return std::nullopt;
    CountUp(probes_succeeded_);
    if (probes_succeeded_ < rules_.rise || !ProbesProveTheNodeWell()) return std::nullopt;
    return Enter(NodeState::kUp, TransitionCause::kProbesSucceeded,
                 InRow(probes_succeeded_, "probe succeeded", "probes succeeded", {}), now);
  }
  probes_succeeded_ = 0;
  CountUp(probes_failed_);
  if (!first_failure_) first_failure_ = now;
  if (state_ == NodeState::kDown || probes_failed_ < rules_.fall) return std::nullopt;
  return Enter(NodeState::kDown, TransitionCause::kProbesFailed,
               InRow(probes_failed_, "probe failed", "probes failed", detail), now);
}

std::optional<Transition> NodeHealth::OnEvidence(Evidence evidence, std::string_view detail,
                                                 bool may_eject, Moment now, uint64_t user) {
  if (state_ != NodeState::kUp) return std::nullopt;
  if (evidence != Evidence::kServed) return OnFailure(evidence, detail, may_eject, now, user);
  failures_ = 0;
  failing_in_row_.Clear();
  failed_after_greeting_ = false;
  first_failure_.reset();
  window_.AddServed(now);
  return std::nullopt;
}

std::optional<Transition> NodeHealth::OnFailure(Evidence evidence, std::string_view detail,
                                                bool may_eject, Moment now, uint64_t user) {
  const bool after_greeting = evidence != Evidence::kUnreachable;
  CountUp(failures_);
  if (!first_failure_) first_failure_ = now;
  failing_in_row_.Add(user);
  if (window_.Sum(now).failures == 0) failing_in_window_.Clear();
  failing_in_window_.Add(user);
  failed_after_greeting_ |= after_greeting;
  window_.AddFailure(after_greeting, now);
  if (!may_eject) return std::nullopt;
  if (rules_.consecutive_failures > 0 && failures_ >= rules_.consecutive_failures &&
      failing_in_row_.enough()) {
    return Eject(TransitionCause::kConsecutiveFailures,
                 InRow(failures_, "failure of a session", "failures of sessions", detail),
                 failed_after_greeting_, now);
  }
  const FailureWindow::Counts seen = window_.Sum(now);
  if (rules_.failure_percent == 0 || seen.events < rules_.failure_events_min ||
      !failing_in_window_.enough() || seen.failures * 100 < seen.events * rules_.failure_percent) {
    return std::nullopt;
  }
  return Eject(TransitionCause::kFailureRatio, InWindow(seen, rules_.failure_window, detail),
               seen.after_greeting > 0, now);
}

std::optional<Transition> NodeHealth::OnTime(Moment now) {
  if (state_ != NodeState::kEjected || now < ejection_ends_) return std::nullopt;
  return Enter(NodeState::kUp, TransitionCause::kEjectionEnded,
               "was ejected for " + InWords(ejection_length_), now);
}

uint32_t NodeHealth::ReadyPermille(Moment now) const {
  if (state_ != NodeState::kUp) return 0;
  if (!returned_at_) return kAllPermille;
  const Duration back = std::max(now - *returned_at_, Duration::zero());
  if (back >= rules_.slow_start) return kAllPermille;
  // Through milliseconds, lest long slow starts overflow; a shorter one is over at once.
  const auto whole = std::chrono::duration_cast<std::chrono::milliseconds>(rules_.slow_start);
  const auto part = std::chrono::duration_cast<std::chrono::milliseconds>(back);
  if (whole.count() == 0) return kAllPermille;
  return static_cast<uint32_t>(part.count() * kAllPermille / whole.count());
}

Transition NodeHealth::Eject(TransitionCause cause, std::string evidence, bool needs_login,
                             Moment now) {
  ForgetOldEjections(now);
  ++ejections_;
  // Longer than the longest makes no difference now but would take longer to be forgotten.
  if (rules_.ejection_time * ejections_in_row_ < rules_.ejection_time_max) ++ejections_in_row_;
  ejection_length_ = std::min(rules_.ejection_time * ejections_in_row_, rules_.ejection_time_max);
  ejection_ends_ = now + ejection_length_;
  needs_login_ = needs_login;
  evidence.append("; ejected for ").append(InWords(ejection_length_));
  return Enter(NodeState::kEjected, cause, std::move(evidence), now);
}

Transition NodeHealth::Enter(NodeState state, TransitionCause cause, std::string evidence,
                             Moment now) {
  Transition transition{
      .from = state_, .to = state, .cause = cause, .evidence = std::move(evidence)};
  if (state_ == NodeState::kUp) {
    ForgetOldEjections(now);
    failing_since_ = std::min(now, first_failure_.value_or(now));
    probes_succeeded_ = 0;
  }
  if (state == NodeState::kUp) {
    // Back within the hold-down its users never left: slow start would send them away.
    if (now - failing_since_ >= rules_.hold_down) returned_at_ = now;
    first_failure_.reset();
    up_since_ = now;
    failures_ = 0;
    failed_after_greeting_ = false;
    failing_in_row_.Clear();
    window_.Clear();
  }
  state_ = state;
  return transition;
}

bool NodeHealth::ProbesProveTheNodeWell() const {
  if (state_ == NodeState::kDown) return true;
  return rules_.level >= (needs_login_ ? ProbeLevel::kLogin : ProbeLevel::kGreeting);
}

void NodeHealth::ForgetOldEjections(Moment now) {
  const Moment since = std::exchange(up_since_, now);
  if (rules_.ejection_time <= Duration::zero()) {
    ejections_in_row_ = 0;
    return;
  }
  const int64_t forgotten = (now - since) / rules_.ejection_time;
  ejections_in_row_ -= std::clamp(forgotten, int64_t{0}, ejections_in_row_);
}

NodeHealth::Past NodeHealth::past() const {
  return {state_,         failing_since_,   returned_at_, ejections_in_row_,
          ejection_ends_, ejection_length_, needs_login_};
}

void NodeHealth::Restore(const Past& past) {
  // Only probes would ever find a node well that probes found down.
  state_ = past.state == NodeState::kDown && !rules_.probes ? NodeState::kUp : past.state;
  failing_since_ = past.failing_since;
  returned_at_ = past.returned_at;
  ejections_in_row_ = past.ejections_in_row;
  ejection_ends_ = past.ejection_ends;
  ejection_length_ = past.ejection_length;
  needs_login_ = past.needs_login;
  first_failure_.reset();
  probes_failed_ = probes_succeeded_ = 0;
}

}  // namespace poplar::balancer
