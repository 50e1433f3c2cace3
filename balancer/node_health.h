#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "balancer/failing_users.h"
#include "balancer/failure_window.h"
#include "balancer/node_table.h"
#include "balancer/time.h"

namespace poplar::balancer {

// What the operator wants of a node. kDrain: no new sessions, but those of users who have one there
// already. kDown: sessions are dropped too.
enum class AdminState : uint8_t { kUp, kDrain, kDown };

// What is known of a node.
enum class NodeState : uint8_t {
  kUp,
  kDown,     // probes failed `fall` times in a row
  kEjected,  // sessions saw it fail
};

// What a login or session saw of a node.
enum class Evidence : uint8_t {
  kServed,       // it answered a login as a working node does; a wrong password is such an answer
  kUnreachable,  // no connection, TLS or greeting; no credential was at stake
  kLoginFailed,  // no answer to a login, nonsense, or [SYS/...]
  kSessionLost,  // it went away or fell silent in the middle of a session
};

// How deep a probe looks.
enum class ProbeLevel : uint8_t { kConnect, kGreeting, kCapa, kLogin };

struct HealthRules {
  uint32_t rise = 2;  // successful probes in a row that bring a node back
  uint32_t fall = 3;  // failed ones that take it out
  ProbeLevel level = ProbeLevel::kCapa;
  bool probes = true;  // false: only evidence counts

  uint32_t consecutive_failures = 5;  // of evidence; 0: off
  uint32_t failure_percent = 50;      // of the evidence within the window; 0: off
  uint32_t failure_events_min = 20;   // fewer say nothing
  Duration failure_window = std::chrono::seconds(30);
  Duration ejection_time = std::chrono::seconds(30);  // times the number of ejections in a row
  Duration ejection_time_max = std::chrono::minutes(5);
  // Of a cluster's nodes that the operator has up, rounded down, but one at least. Evidence ejects
  // no node when that would put more of them out; what probes find is not limited.
  uint32_t ejected_percent_max = 50;

  // A node that is out keeps its users until it has been failing for so long (failing_since()).
  Duration hold_down = std::chrono::seconds(10);
  // Its users come back over so long, if it was out for the hold-down.
  Duration slow_start = std::chrono::seconds(30);
  uint32_t panic_percent = 30;  // less of the weight in service: health is not believed; 0: off
};

enum class TransitionCause : uint8_t {
  kProbesFailed,
  kProbesSucceeded,
  kConsecutiveFailures,
  kFailureRatio,
  kEjectionEnded,
  kDiscovered,  // it has come, or come back; of a cluster whose nodes come and go
  kGone,        // it takes no new users any more
  kAgreed,      // the replicas agree, whatever this one sees
  kAdmin,
};

std::string_view Name(AdminState state);
std::string_view Name(NodeState state);
std::string_view Name(TransitionCause cause);

// A change of a node's state, for the log and the metrics.
struct Transition {
  NodeId node{};
  NodeState from = NodeState::kUp;
  NodeState to = NodeState::kUp;
  AdminState admin_from = AdminState::kUp;
  AdminState admin_to = AdminState::kUp;
  TransitionCause cause = TransitionCause::kAdmin;
  std::string evidence;  // "3 probes failed in a row, the last: connect_refused"
};

// Longest `detail` that a transition's evidence quotes, in bytes; the rest is cut off.
inline constexpr size_t kEvidenceDetailBytesMax = 160;

// One node's health: a state machine fed by probes and by what sessions see. Pure; one thread at a
// time.
//
// Up -> Down: `fall` probes failed in a row. Down -> Up: `rise` succeeded in a row.
// Up -> Ejected: evidence. An ejection lasts ejection_time times the number of ejections in a row
// (which falls again by one for each ejection_time spent up), at most ejection_time_max; it ends
// early when `rise` probes in a row succeed that look as deep as the evidence did: a node that
// refused connections is proved well by a greeting, one that failed logins only by probes that log
// in. A probe of level kConnect sees neither TLS nor greeting, so it proves nothing: there, and
// without probes, an ejection always runs its time. Of mixed evidence the deepest counts.
// Ejected -> Down: `fall` probes failed in a row, and then `rise` bring the node back at whatever
// level: it was seen to be gone, and is back.
//
// Evidence about a node that is out neither extends nor shortens anything: sessions that were
// opened before still fail. After each return counting starts anew.
class NodeHealth {
 public:
  explicit NodeHealth(const HealthRules& rules) : rules_(rules), window_(rules.failure_window) {}

  // From now on these; what was counted so far counts by them.
  void SetRules(const HealthRules& rules);

  // `detail`: what failed. Ignored when the rules say that there are no probes.
  std::optional<Transition> OnProbe(bool ok, std::string_view detail, Moment now);
  // `may_eject`: false when too many nodes of the cluster are out already; the failure counts all
  // the same, and the next one asks again.
  // `user`: see FailingUsers.
  std::optional<Transition> OnEvidence(Evidence evidence, std::string_view detail, bool may_eject,
                                       Moment now, uint64_t user = 0);
  // Time passes: ejections end.
  std::optional<Transition> OnTime(Moment now);
  // The operator brings the node back: its users come over slow_start, as after an outage.
  void Return(Moment now) { returned_at_ = now; }

  NodeState state() const { return state_; }
  // Since when the node, which is out (not kUp), has been failing: by the first failure, of a probe
  // or a session, after it was last seen well.
  Moment failing_since() const { return failing_since_; }
  // The share of its users, in thousandths, that a node which came back takes already; 1000 when
  // slow start is over, when it was out for less than the hold-down, so that they never left, and
  // at the process's start; 0 while it is out.
  uint32_t ReadyPermille(Moment now) const;
  // Since the process's start.
  uint64_t ejections() const { return ejections_; }

  // What another process has to know to go on from here. Its moments must count from the same
  // origin.
  struct Past {
    NodeState state = NodeState::kUp;
    Moment failing_since{};
    std::optional<Moment> returned_at = {};
    int64_t ejections_in_row = 0;
    Moment ejection_ends{};
    Duration ejection_length{};
    bool needs_login = false;

    friend bool operator==(const Past&, const Past&) = default;
  };
  Past past() const;
  // Counting starts anew, as after each change of the state.
  void Restore(const Past& past);

 private:
  std::optional<Transition> OnFailure(Evidence evidence, std::string_view detail, bool may_eject,
                                      Moment now, uint64_t user);
  Transition Eject(TransitionCause cause, std::string evidence, bool needs_login, Moment now);
  Transition Enter(NodeState state, TransitionCause cause, std::string evidence, Moment now);
  bool ProbesProveTheNodeWell() const;
  void ForgetOldEjections(Moment now);

  HealthRules rules_;
  NodeState state_ = NodeState::kUp;
  Moment failing_since_{};
  std::optional<Moment> first_failure_;  // of a probe or session, since the node was seen well
  std::optional<Moment> returned_at_;    // slow start counts from here
  Moment up_since_{};                    // ejections are forgotten from here on

  uint32_t probes_failed_ = 0;     // in a row
  uint32_t probes_succeeded_ = 0;  // in a row, since the node went out

  uint32_t failures_ = 0;               // of evidence, in a row
  bool failed_after_greeting_ = false;  // any of those
  FailingUsers failing_in_row_;
  FailureWindow window_;
  FailingUsers failing_in_window_;

  uint64_t ejections_ = 0;
  int64_t ejections_in_row_ = 0;
  Moment ejection_ends_{};
  Duration ejection_length_{};
  bool needs_login_ = false;  // only a probe that logs in proves that what was seen is over
};

}  // namespace poplar::balancer
