// What Poplar's records may say of users who were moved to another cluster, or back.
#include <algorithm>
#include <string>

#include "tests/simulation/session_story.h"

namespace poplar::simulation {
namespace {

// Sockets shut down, coroutines unwound.
constexpr io::Duration kUnwinding = std::chrono::seconds(10);

bool WaitedTooLong(const session::Record& record) {
  return std::string_view(record.failure).starts_with("move_wait:");
}

}  // namespace

// By the name of the node at which it was last.
size_t SessionStory::ClusterOf(const session::Record& record) const {
  const std::string name = record.node.substr(0, record.node.find('/'));
  const auto found = std::find_if(places_.clusters.begin(), places_.clusters.end(),
                                  [&name](const auto& cluster) { return cluster.name == name; });
  if (found == places_.clusters.end()) world_.Fail("a record names no cluster: " + record.node);
  return static_cast<size_t>(found - places_.clusters.begin());
}

// Whether the session's user was to be elsewhere at some time of it.
bool SessionStory::WasMoved(const session::Record& record, const Attempt& attempt) const {
  return moves_ != nullptr &&
         moves_->EverElsewhere(attempt.user, ClusterOf(record), record.accepted,
                               record.accepted + record.total);
}

bool SessionStory::EndedByMove(const session::Record& record) {
  return record.reason == session::EndReason::kMoved || record.not_resumed == "moved" ||
         WaitedTooLong(record);
}

void SessionStory::JudgeMoved(const session::Record& record, const Attempt& attempt) {
  const session::Timeouts& timeouts = rules_.timeouts;
  const io::Time end = record.accepted + record.total;
  if (WaitedTooLong(record)) {
    // Who was in the way had been told in time, or hadn't yet taken the answer to PASS.
    const io::Time from = record.accepted - timeouts.move_grace - timeouts.client_write_stall -
                          rules_.upstream.response - rules_.Paused() - kUnwinding;
    if (moves_ == nullptr || !moves_->Changed(attempt.user, from, end))
      ledger_.Fail(attempt, "a login waited for a move, and its user was in none");
    // With several logins the record's failure may be an earlier one's.
    const bool only = attempt.first_pass_sent == attempt.pass_sent;
    const bool in_time = record.login && *record.login < timeouts.move_wait;
    if (only && in_time && record.total < timeouts.login)
      ledger_.Fail(attempt, "a login was given up before its time to wait was over");
  }
  if (record.reason != session::EndReason::kMoved) return;
  // Of an opaque session nobody knows where its answers end, and who left can't tell.
  if (attempt.told_of_move || !attempt.saw_end || attempt.node_lied || record.opaque) return;
  if (attempt.sent_unknown_command || !network_.faults().lossless() || doomed_vanishes_) return;
  const io::Time began = end - timeouts.move_grace;
  if (!moves_->EverElsewhere(attempt.user, ClusterOf(record), record.accepted, began))
    ledger_.Fail(attempt, "cut off before its grace was over");
}

}  // namespace poplar::simulation
