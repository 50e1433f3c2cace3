#include "tests/simulation/session_ledger.h"

#include <algorithm>

namespace poplar::simulation {

Attempt& SessionLedger::Begin(size_t user, size_t spelling) {
  Attempt& attempt = attempts_.emplace_back();
  attempt.id = attempts_.size();
  attempt.user = user;
  attempt.name = mail_.Spelled(user, spelling);
  attempt.node_lied = lied_to_.contains(user);
  return attempt;
}

Attempt& SessionLedger::At(size_t id) {
  if (id == 0 || id > attempts_.size()) world_.Fail("a node was told a number that nobody wrote");
  return attempts_[id - 1];
}

Attempt* SessionLedger::FindByAddress(const io::Address& client) {
  const auto found = std::find_if(attempts_.begin(), attempts_.end(),
                                  [&client](const Attempt& a) { return a.address == client; });
  return found == attempts_.end() ? nullptr : &*found;
}

void SessionLedger::OnNodeAccepted(size_t user, std::string_view name) {
  accepted_.emplace(user, name);
}

bool SessionLedger::NodeAccepted(const Attempt& attempt) const {
  return accepted_.contains({attempt.user, attempt.name});
}

void SessionLedger::LieTo(size_t user) {
  lied_to_.insert(user);
  for (Attempt& attempt : attempts_) attempt.node_lied |= attempt.user == user;
}

uint64_t SessionLedger::TroublesOf(const Attempt& attempt) const {
  const auto found = troubles_.find(attempt.user);
  return found == troubles_.end() ? 0 : found->second;
}

bool SessionLedger::MayCommit(const Attempt& attempt, const std::set<std::string>& marked) {
  return attempt.logged_in && attempt.quit_sent &&
         std::includes(attempt.may_be_deleted.begin(), attempt.may_be_deleted.end(), marked.begin(),
                       marked.end());
}

io::Time SessionLedger::OldestView(const Attempt& attempt) const {
  const io::Duration parked = rules_.parks() ? rules_.pool.max_snapshot_age : io::Duration(0);
  return attempt.pass_sent - parked - rules_.stale;
}

bool SessionLedger::TakenByOthers(const Attempt& attempt, const OriginalMessage& message) const {
  if (mail_.StillThere(attempt.user, message.unique_id)) return false;
  if (message.expunged) return true;
  return std::any_of(attempts_.begin(), attempts_.end(), [&](const Attempt& other) {
    return other.id != attempt.id && other.may_be_deleted.contains(message.unique_id);
  });
}

bool SessionLedger::ChangedByOthers(const Attempt& attempt) const {
  const auto& messages = mail_.users()[attempt.user].messages;
  return std::any_of(messages.begin(), messages.end(), [&](const OriginalMessage& message) {
    return message.arrived > io::Time() || TakenByOthers(attempt, message);
  });
}

bool SessionLedger::MayBeUnknown(const Attempt& attempt, const OriginalMessage& message) const {
  return message.arrived > io::Time() && message.arrived + rules_.stale > attempt.pass_sent;
}

bool SessionLedger::MayMiss(const Attempt& attempt, const OriginalMessage& message) const {
  if (rules_.resumes() && MayBeUnknown(attempt, message)) return true;
  if (!rules_.resumes() || mail_.StillThere(attempt.user, message.unique_id)) return false;
  return attempt.quit_sent || TakenByOthers(attempt, message);
}

bool SessionLedger::MayMissMark(const Attempt& attempt) const {
  return rules_.resumes() &&
         std::any_of(attempt.marked.begin(), attempt.marked.end(), [&](const std::string& id) {
           const OriginalMessage& message = *mail_.Find(attempt.user, id);
           return MayBeUnknown(attempt, message) || TakenByOthers(attempt, message);
         });
}

void SessionLedger::OnQuitAnswered(Attempt& attempt) {
  attempt.quit_answered = true;
  if (attempt.node_lied) return;
  attempt.must_be_deleted = attempt.marked;
  const bool commits = !attempt.marked.empty();
  if (!attempt.node_answered_quit && (commits || !rules_.answers_quit()))
    Fail(attempt, "+OK to a QUIT that no node answered so");
  for (const std::string& unique_id : attempt.must_be_deleted) {
    if (!mail_.StillThere(attempt.user, unique_id)) continue;
    // A node that doesn't know it yet looks like one where the node before it has deleted it.
    const bool unknown = MayBeUnknown(attempt, *mail_.Find(attempt.user, unique_id));
    if (unknown && attempt.quits_at_nodes > 1) continue;
    Fail(attempt, "+OK to QUIT, but a deleted message is still there");
  }
}

void SessionLedger::JudgeDeletions() {
  for (size_t user = 0; user < mail_.users().size(); ++user) {
    for (const OriginalMessage& message : mail_.users()[user].messages) {
      if (message.expunged || mail_.StillThere(user, message.unique_id)) continue;
      const bool wanted = std::any_of(attempts_.begin(), attempts_.end(), [&](const Attempt& a) {
        return a.user == user && a.may_be_deleted.contains(message.unique_id);
      });
      if (!wanted) {
        world_.Fail("message " + message.unique_id + " of " + mail_.users()[user].name +
                    " was deleted, and no client deleted it and sent QUIT");
      }
    }
  }
}

void SessionLedger::Note(const Attempt& attempt, const std::string& text) {
  world_.log().Note(world_.Now(), actor_, std::to_string(attempt.id) + " " + text);
}

void SessionLedger::Fail(const Attempt& attempt, std::string_view text) {
  world_.Fail(std::string(text) + " (attempt " + std::to_string(attempt.id) + ", client " +
              attempt.address.Text() + ", user " + mail_.users()[attempt.user].name + ")");
}

}  // namespace poplar::simulation
