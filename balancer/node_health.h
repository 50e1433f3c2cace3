#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

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
  uint32_t ejected_percent_max = 50;  // of a cluster's nodes, rounded down, but one at least

  Duration hold_down = std::chrono::seconds(10);   // out for so long before its users move
  Duration slow_start = std::chrono::seconds(30);  // its users come back over so long
  uint32_t panic_percent = 30;  // less of the weight in service: health is not believed; 0: off
};

enum class TransitionCause : uint8_t {
  kProbesFailed,
  kProbesSucceeded,
  kConsecutiveFailures,
  kFailureRatio,
  kEjectionEnded,
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

// One node's health: a state machine fed by probes and by what sessions see. Pure; one thread at a
// time.
//
// Up -> Down: `fall` probes failed in a row. Down -> Up: `rise` succeeded in a row.
// Up -> Ejected: evidence. An ejection lasts ejection_time times the number of ejections in a row
// (which falls again by one for each ejection_time spent up), at most ejection_time_max; it ends
// early when `rise` probes in a row succeed that look as deep as the evidence did: a node that
// refused connections is proved well by a greeting, one that failed logins only by probes that log
// in. An ejected node whose probes fail is Down.
class NodeHealth {
 public:
  explicit NodeHealth(const HealthRules& rules) : rules_(rules) {}

  // `may_eject`: false when too many nodes of the cluster are out already. `detail`: what failed.
  std::optional<Transition> OnProbe(bool ok, std::string_view detail, Moment now);
  std::optional<Transition> OnEvidence(Evidence evidence, std::string_view detail, bool may_eject,
                                       Moment now);
  // Time passes: ejections end.
  std::optional<Transition> OnTime(Moment now);

  NodeState state() const { return state_; }
  // Since when the node has been out (not kUp); only while it is.
  Moment out_since() const { return out_since_; }
  // The share of its users, in thousandths, that a node which came back takes already; 1000 when
  // slow start is over, and at the process's start.
  uint32_t ReadyPermille(Moment now) const;

 private:
  HealthRules rules_;
  NodeState state_ = NodeState::kUp;
  Moment out_since_{};
};

}  // namespace poplar::balancer
