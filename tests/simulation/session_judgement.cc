// How a story is judged when it is over: whether everybody got what was due, and whether Poplar's
// own records say the same as its clients and nodes.
#include <algorithm>
#include <string>

#include "tests/simulation/session_story.h"

namespace poplar::simulation {

using std::chrono::seconds;

bool SessionStory::NodesMayFail() const {
  const bool dropped = disasters_.drops_nodes() && climate_ != Climate::kMortal;
  return !network_.faults().lossless() || bad_nodes_ || disasters_.nodes_fail() || dropped ||
         somebody_stalls_ || mistake_ != SessionMistake::kNone;
}

bool SessionStory::SessionsMayBeLost(const Attempt& attempt) const {
  return NodesMayFail() || (climate_ == Climate::kMortal && (slow() || attempt.excused));
}

bool SessionStory::LoginsMayFail() const {
  if (poplar_.discovery() != nullptr && poplar_.discovery()->was_short()) return true;
  // The nodes that are left while one is dead may all be drained, or have left.
  if (climate_ == Climate::kMortal) {
    return NodesMayFail() || slow() || disasters_.drains_nodes() || places_.discovers();
  }
  return NodesMayFail() || slow() || rules_.logins_may_fail() || disasters_.drains_nodes() ||
         rules_.timeouts.login < seconds(30) || rules_.health.probes;
}

bool SessionStory::slow() const {
  const Faults& faults = network_.faults();
  return Piece() < 64 || faults.stall > 0 || faults.bytes_per_second > 0 || !rules_.pauses.empty();
}

bool SessionStory::fair() const {
  return !NodesMayFail() && !slow() && !disasters_.stops_poplar() && !doomed_vanishes_ &&
         rules_.timeouts.login >= seconds(30);
}

void SessionStory::JudgeClients() {
  if (!fair()) return;
  for (const SessionClient& client : clients_) {
    const SessionTemper temper = client.plan().temper;
    const bool stays = temper == SessionTemper::kSteady || temper == SessionTemper::kSlow ||
                       temper == SessionTemper::kHalfCloses;
    // Who talks on behind QUIT is read to the end for a moment only, and may be reset after it.
    if (!stays || !client.plan().quits || client.plan().talks_on) continue;
    // Who isn't let in, or mistypes, may be thrown out before QUIT.
    const bool refused = LoginsMayFail() && !client.last_attempt().logged_in;
    if (refused || client.plan().mistypes > 0) continue;
    const auto& attempts = client.attempts();
    const auto excused = [](const Attempt* attempt) { return attempt->excused; };
    if (std::any_of(attempts.begin(), attempts.end(), excused)) continue;
    if (!client.satisfied())
      ledger_.Fail(client.last_attempt(), "a client of a fair world didn't get its answers");
    if (!LoginsMayFail() && !client.served())
      ledger_.Fail(client.last_attempt(), "a client of a fair world didn't get its mail");
  }
}

// Where nodes only die and come back: what it asked can't be asked twice, or the node took mail
// with it that a client let it take too early, or that others took meanwhile.
bool SessionStory::Excused(const session::Record& record, const Attempt& attempt) const {
  if (EndedByMove(record)) return true;
  if (climate_ != Climate::kMortal) return false;
  if (record.opaque || attempt.missed_mark) return true;
  // An empty maildrop is not believed at once.
  if (record.not_resumed == "different" || record.not_resumed == "deadline")
    return attempt.hurried || ledger_.ChangedByOthers(attempt);
  return attempt.sent_last || attempt.sent_unknown_command;
}

void SessionStory::JudgeRecords() {
  uint64_t resumed = 0;
  uint64_t not_resumed = 0;
  for (const session::Record& record : poplar_.records()) {
    JudgeRecord(record);
    resumed += record.resumes;
    not_resumed += record.not_resumed.empty() ? 0 : 1;
  }
  const BalancedMeter::Totals& counted = poplar_.totals();
  world_.Require(resumed == counted.resumed, "the records tell of other resumptions");
  world_.Require(not_resumed == counted.not_resumed, "the records tell of other lost sessions");
}

void SessionStory::JudgeRecord(const session::Record& record) {
  Attempt* attempt = ledger_.FindByAddress(record.client);
  if (attempt == nullptr) world_.Fail("a record of a client that isn't there");
  attempt->excused = Excused(record, *attempt);
  if (!ReasonFits(record, *attempt)) {
    ledger_.Fail(*attempt, "the reason doesn't fit: " + std::string(session::Name(record.reason)) +
                               " \"" + std::string(record.failure) + "\", not resumed: \"" +
                               std::string(record.not_resumed) + "\"");
  }
  if (attempt->logged_in && record.user != mail_.users()[attempt->user].name) {
    ledger_.Fail(*attempt, "the record names another user: " + record.user);
  }
  JudgeResumption(record, *attempt);
  JudgeMoved(record, *attempt);
  if (record.login && *record.login > rules_.LongestLogin()) {
    ledger_.Fail(*attempt, "a login took " + std::to_string(io::Seconds(*record.login)) + " s");
  }
  if (record.snapshot && *record.snapshot >= rules_.pool.max_snapshot_age)
    ledger_.Fail(*attempt, "a view was too old when it was taken");
  if (attempt->logged_in && !record.logged_in) ledger_.Fail(*attempt, "the record knows no login");
  if (record.reason != session::EndReason::kQuit || !attempt->saw_end || attempt->node_lied) return;
  if (record.bytes_to_client != attempt->bytes_received) {
    ledger_.Fail(*attempt, "the record counts other bytes than the client");
  }
  if (!attempt->logged_in || attempt->sent_unknown_command) return;
  if (record.messages != attempt->messages)
    ledger_.Fail(*attempt, "the record counts other messages");
  if (attempt->quit_answered && record.deletes != attempt->must_be_deleted.size()) {
    ledger_.Fail(*attempt, "the record counts other deletes");
  }
  if (record.parked && !attempt->must_be_deleted.empty())
    ledger_.Fail(*attempt, "parked with deletes pending");
}

void SessionStory::JudgeResumption(const session::Record& record, const Attempt& attempt) {
  if (record.resumes > 0 && !rules_.resumes()) ledger_.Fail(attempt, "resumed, and that is off");
  if (attempt.missed && record.resumes == 0)
    ledger_.Fail(attempt, "a message vanished from a session that was never resumed");
  if (!WhyNotFits(record, attempt)) {
    ledger_.Fail(attempt,
                 "not resumed for a reason that doesn't fit: " + std::string(record.not_resumed));
  }
  // Nor does a node that only leaves the name servers' answers lose its sessions.
  if (record.resumes > 0 && fair() && climate_ != Climate::kMortal && !disasters_.drops_nodes() &&
      poplar_.health().transitions() == 0)
    ledger_.Fail(attempt, "resumed, and nothing was wrong with its node");
  const bool lost = session::SideOf(record.reason) == session::Side::kNode && record.logged_in;
  const bool unrepeatable = attempt.sent_last || attempt.sent_unknown_command;
  if (lost && record.not_resumed.empty() && !unrepeatable)
    ledger_.Fail(attempt, "lost its node, and the record doesn't say why it wasn't resumed");
}

bool SessionStory::WhyNotFits(const session::Record& record, const Attempt& attempt) const {
  const std::string_view why = record.not_resumed;
  if (why.empty()) return true;
  if (why == "off") return !rules_.resumes();
  if (!rules_.resumes()) return false;
  if (why == "opaque") return attempt.sent_unknown_command;
  if (why == "unrepeatable") return attempt.sent_last || attempt.sent_unknown_command;
  if (why == "moved") return WasMoved(record, attempt);
  if (why == "ended") {
    return poplar_.drained() || poplar_.aborted() || record.reason == session::EndReason::kMoved;
  }
  if (climate_ == Climate::kMortal && !NodesMayFail() && !slow()) return attempt.excused;
  if (why == "deadline") return record.stalled >= rules_.resume.deadline;
  if (why == "no_view") return bad_nodes_ || ledger_.TroublesOf(attempt) > 0;
  return why == "different";
}

bool SessionStory::ReasonFits(const session::Record& record, const Attempt& attempt) const {
  using session::EndReason;
  const session::Timeouts& timeouts = rules_.timeouts;
  const bool network_resets = network_.faults().reset > 0;
  switch (record.reason) {
    case EndReason::kQuit:
      return attempt.quit_sent;
    case EndReason::kClientEof:
      return attempt.left;
    case EndReason::kClientReset:
      return attempt.left || network_resets;
    case EndReason::kLoginTimeout:
      return !record.logged_in && record.total >= timeouts.login;
    case EndReason::kClientIdle:
      return record.logged_in && record.total >= timeouts.client_idle;
    case EndReason::kClientWriteStall:
      return record.total >= timeouts.client_write_stall;
    case EndReason::kTooManyBadCommands:
      return attempt.bad_commands_sent > 0 || attempt.wrong_password || LoginsMayFail() ||
             EndedByMove(record);
    case EndReason::kTooManyFailedLogins:
      return attempt.wrong_password && !record.logged_in;
    case EndReason::kOpaqueEnded:
      return record.opaque && attempt.sent_unknown_command;
    case EndReason::kNodeUnavailable:
      return !record.logged_in && (LoginsMayFail() || EndedByMove(record));
    case EndReason::kNodeEof:
    case EndReason::kNodeReset:
      return record.logged_in && SessionsMayBeLost(attempt);
    case EndReason::kNodeProtocol:
      return record.logged_in && bad_nodes_;
    case EndReason::kNodeResponseTimeout:
      // A node that is known to be sick has less time.
      return record.logged_in && (rules_.resumes() ? NodesMayFail() || slow()
                                                   : record.total >= rules_.upstream.response);
    case EndReason::kNodeTrouble:
      return record.logged_in && rules_.resumes() && NodesMayFail();
    case EndReason::kNodeOut: {
      const bool out = climate_ != Climate::kMortal && poplar_.health().transitions() > 0;
      return record.logged_in && rules_.resumes() && (out || SessionsMayBeLost(attempt));
    }
    case EndReason::kNodeDown:
      return record.logged_in && SessionsMayBeLost(attempt) && poplar_.dropped_node();
    case EndReason::kMoved:
      return record.logged_in && WasMoved(record, attempt);
    case EndReason::kDraining:
      return poplar_.drained();
    case EndReason::kShutdown:
      return poplar_.aborted();
    case EndReason::kProxyHeader:  // no load balancer here
    case EndReason::kLoop:
    case EndReason::kKicked:
    case EndReason::kClaimLost:       // no other replicas
    case EndReason::kTooManyGuesses:  // and everybody is let in
    case EndReason::kNotAdmitted:
    case EndReason::kCrowdedOut:
    case EndReason::kUnexpectedTls:
    case EndReason::kClientProtocol:  // these are TLS's, and there is none here
    case EndReason::kNotTls:
    case EndReason::kTlsHandshakeFailed:
    case EndReason::kTlsHandshakeTimeout:
      return false;
  }
  return false;
}

}  // namespace poplar::simulation
