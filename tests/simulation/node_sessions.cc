#include "tests/simulation/node_sessions.h"

#include <algorithm>
#include <utility>

namespace poplar::simulation {
namespace {

// Longest that a command may be on its way to a node that Poplar has given up meanwhile.
constexpr io::Duration kFlight = std::chrono::seconds(10);
// From the end of a session's grace to that of its connection.
constexpr io::Duration kCutTakes = std::chrono::seconds(5);

}  // namespace

NodeSessions::NodeSessions(SessionLedger& ledger, const Network& network, const HealthJudge& health,
                           const SessionRules& rules, const Places& places)
    : ledger_(ledger),
      world_(ledger.world()),
      network_(network),
      health_(health),
      rules_(rules),
      places_(places) {}

NodeSession& NodeSessions::OnAccepted(size_t user, std::string_view name,
                                      const Whereabouts& where) {
  ledger_.OnNodeAccepted(user, name);
  const size_t node = where.node;
  NodeSession& session = sessions_.emplace_back();
  session.user = user;
  session.name = name;
  session.node = node;
  session.at = where.at;
  session.peer = where.peer;
  session.accepted = world_.Now();
  // A login that Poplar has given up is accepted for nobody.
  if (!IsOpen(session)) return session;
  for (const NodeSession& other : sessions_) {
    const bool elsewhere = other.user == user && other.node != node;
    if (rules_.affinity && elsewhere && IsOpen(other)) {
      const bool moved = places_.ClusterOf(other.node) != places_.ClusterOf(node);
      world_.Fail("a user is on two nodes at once" + std::string(moved ? ", of two clusters" : "") +
                  ": " + std::string(name) + " on " + std::to_string(other.node) + " and " +
                  std::to_string(node));
    }
  }
  const auto [last, first] = last_node_.try_emplace({user, places_.ClusterOf(node)}, node);
  if (!first) session.came_from = std::exchange(last->second, node);
  return session;
}

void NodeSessions::OnTag(NodeSession& session, size_t number) {
  Attempt& attempt = ledger_.At(number);
  if (attempt.user != session.user) {
    ledger_.Fail(attempt, "served on another user's session: " + session.name);
  }
  if (attempt.name != session.name) {
    ledger_.Fail(attempt, "served on a session of another credential: " + session.name);
  }
  const size_t last = std::exchange(session.attempt, number);
  if (last == number) return;
  JudgeCluster(session, attempt);
  if (last != 0) {
    ++reused_;
    JudgeReuse(session, ledger_.At(last), attempt);
  } else {
    session.first_tag = world_.Now();
    JudgeNode(session, attempt);
    JudgeGone(session, attempt);
    JudgeAddress(session, attempt, DecidedFrom(session, attempt));
  }
  JudgeCount(session);
}

void NodeSessions::JudgeReuse(const NodeSession& session, const Attempt& last,
                              const Attempt& next) {
  if (session.quit) ledger_.Fail(next, "served on a session that had its QUIT");
  if (!last.quit_sent) ledger_.Fail(next, "served on a session whose client sent no QUIT");
  // Where numbers are translated such a command is refused, and the session stays understood.
  if (last.sent_unknown_command && !rules_.resumes())
    ledger_.Fail(next, "served on an opaque session");
  if (!last.must_be_deleted.empty()) ledger_.Fail(next, "served on a session with deletes");
  if (!rules_.parks()) ledger_.Fail(next, "served on a parked session, and parking is off");
  // The view was taken before its first client could say a word, and found before its last one had
  // the answer to PASS.
  if (next.pass_sent >= *session.first_tag + rules_.pool.max_snapshot_age) {
    ledger_.Fail(next, "served on a session whose view is too old");
  }
  if (health_.OutThroughout(session.node, next.pass_sent, world_.Now())) {
    ledger_.Fail(next, "served on a parked session of a node that is out of service");
  }
  JudgeAddress(session, next, next.pass_sent);
}

// Nobody comes to the cluster that the user's move has left.
void NodeSessions::JudgeCluster(const NodeSession& session, const Attempt& by) {
  if (moves_ == nullptr) return;
  const io::Time from = by.node_seen ? *by.node_seen - kFlight : by.pass_sent;
  if (moves_->EverIn(session.user, places_.ClusterOf(session.node), from, world_.Now())) return;
  ledger_.Fail(by, "served in the cluster that its user had left: " +
                       places_.clusters[places_.ClusterOf(session.node)].name);
}

// Nobody comes to a node that isn't named any more, but for those whose session is there.
void NodeSessions::JudgeGone(const NodeSession& session, const Attempt& by) {
  const io::Time from = DecidedFrom(session, by);
  const io::Time to = std::max(from, session.accepted);
  if (!health_.GoneThroughout(session.node, from, to) || WasThere(session, from)) return;
  ledger_.Fail(by, "a session began on a node that had left: " + places_.names[session.node]);
}

// Whether another session of its user's has been on its node since then.
bool NodeSessions::WasThere(const NodeSession& session, io::Time since) const {
  const auto seen = last_seen_.find({session.user, session.node});
  if (seen != last_seen_.end() && seen->second >= since) return true;
  return std::any_of(sessions_.begin(), sessions_.end(), [&session](const NodeSession& other) {
    return &other != &session && other.user == session.user && other.node == session.node;
  });
}

// Nobody is served where the node was before.
void NodeSessions::JudgeAddress(const NodeSession& session, const Attempt& by, io::Time from) {
  if (discovery_ == nullptr) return;
  const auto address = discovery_->AddressSince(session.node, from);
  if (!address || *address == session.at) return;
  ledger_.Fail(by, "served where its node no longer is: " + session.at.Text());
}

// A session whose user has been moved away ends, at a boundary or when its grace is over.
void NodeSessions::JudgeDeparture(const NodeSession& session) const {
  if (moves_ == nullptr || !session.first_tag || session.quit) return;
  const auto gone = moves_->GoneSince(session.user, places_.ClusterOf(session.node));
  if (!gone) return;
  io::Duration longest = rules_.timeouts.move_grace + rules_.Paused() + kCutTakes;
  // A parked one's node may take its time for the QUIT.
  if (ledger_.At(session.attempt).quit_sent) longest += rules_.upstream.response;
  if (world_.Now() <= std::max(*gone, *session.first_tag) + longest || !IsOpen(session)) return;
  ledger_.Fail(ledger_.At(session.attempt), "served on although its user has been moved away");
}

// From when on the user's node was looked for: by this login, or by an earlier one that it followed
// and that came to nothing; where a session is resumed, since its node was last heard.
io::Time NodeSessions::DecidedFrom(const NodeSession& session, const Attempt& by) const {
  if (by.node_seen) return *by.node_seen - kFlight;
  // Accepted before, it served somebody whose session was resumed there, and who never said so.
  io::Time from = by.pass_sent;
  if (session.accepted < from) from = session.accepted - rules_.LongestLogin();
  for (const Attempt& other : std::as_const(ledger_).attempts()) {
    if (other.user != by.user || other.id == by.id || other.logged_in) continue;
    if (!other.first_pass_sent) continue;
    if (other.pass_sent + rules_.LongestLogin() < by.pass_sent) continue;
    from = std::min(from, *other.first_pass_sent);
  }
  return from;
}

void NodeSessions::JudgeNode(const NodeSession& session, const Attempt& by) {
  if (!session.came_from || *session.came_from == session.node || !rules_.affinity) return;
  ++moved_;
  if (!rules_.shared_storage) ledger_.Fail(by, "a user has moved, and the storage isn't shared");
  // Home again is always right.
  const std::vector<size_t>& order = orders_[session.user];
  const auto rank = [&order](size_t node) { return std::find(order.begin(), order.end(), node); };
  if (rank(session.node) < rank(*session.came_from)) return;
  if (!health_.MayBeLeft(*session.came_from, DecidedFrom(session, by), session.accepted)) {
    ledger_.Fail(by, "a user has moved from node " + std::to_string(*session.came_from) + " to " +
                         std::to_string(session.node) + " before its time");
  }
}

// Those that serve a client for sure.
void NodeSessions::JudgeCount(const NodeSession& session) {
  if (rules_.login.user_sessions_max == 0 || !rules_.affinity) return;
  const auto serves = [&](const NodeSession& one) {
    if (one.user != session.user || one.attempt == 0 || !IsOpen(one)) return false;
    const Attempt& client = ledger_.At(one.attempt);
    return !client.quit_sent && !client.left;
  };
  const auto count = static_cast<size_t>(std::count_if(sessions_.begin(), sessions_.end(), serves));
  if (count > rules_.login.user_sessions_max) {
    ledger_.Fail(ledger_.At(session.attempt), std::to_string(count) + " sessions of one user");
  }
}

void NodeSessions::OnQuit(NodeSession& session, const std::set<std::string>& marked) {
  session.quit = true;
  bool known = false;
  for (Attempt& attempt : ledger_.attempts()) {
    if (!MayServe(session, attempt) || !SessionLedger::MayCommit(attempt, marked)) continue;
    ++attempt.quits_at_nodes;
    known = true;
  }
  if (known) return;
  // One session too many of its user's: the node was asked for no more than its word on the
  // password.
  const bool limited = rules_.login.user_sessions_max > 0 && rules_.affinity;
  if (session.attempt == 0 && limited && marked.empty()) return;
  if (session.attempt == 0)
    world_.Fail("a node got a QUIT in a session of which no client knows: " + session.name);
  const Attempt& attempt = ledger_.At(session.attempt);
  ledger_.Fail(attempt, attempt.quit_sent ? "a node is to delete what the client didn't delete"
                                          : "a node got a QUIT that the client didn't send");
}

// Whom it was told that it serves; but a session may be resumed there, in a new one or in a parked
// one, and end before its client says who it is.
bool NodeSessions::MayServe(const NodeSession& session, const Attempt& attempt) const {
  if (session.attempt == attempt.id) return true;
  if (!rules_.resumes() || attempt.user != session.user || attempt.name != session.name)
    return false;
  return session.attempt == 0 || ledger_.At(session.attempt).quit_sent;
}

void NodeSessions::OnGoodbye(NodeSession& session) {
  for (Attempt& attempt : ledger_.attempts())
    attempt.node_answered_quit |= attempt.quit_sent && MayServe(session, attempt);
}

void NodeSessions::OnTraffic(NodeSession& session) {
  if (session.attempt == 0) return;
  JudgeDeparture(session);
  ledger_.At(session.attempt).node_seen = world_.Now();
}

void NodeSessions::OnEnd(NodeSession& session) {
  last_seen_[{session.user, session.node}] = world_.Now();
  sessions_.remove_if([&session](const NodeSession& one) { return &one == &session; });
}

}  // namespace poplar::simulation
