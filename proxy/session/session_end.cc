// How a session ends, by itself or at others' word; and the small parts that all of it uses.
#include <algorithm>
#include <utility>

#include "proxy/io/deadline.h"
#include "proxy/session/session.h"

namespace poplar::session {
namespace {

// After our last word the client may still be sending. Closing at once would make the kernel answer
// that with a reset, which can take our word with it; so we read on for a moment.
constexpr io::Duration kLingerTime = std::chrono::seconds(1);
constexpr size_t kLingerBytes = size_t{64} * 1024;

}  // namespace

io::Task<void> Session::Close() {
  LeaveNode();
  input_.Release();
  if (abrupt_) co_return;
  io::Deadline deadline(proactor(), settings_->timeouts.client_write_stall, *client_);
  if (!finished_) {
    const std::string_view farewell = farewell_;
    const io::Result<> said = co_await client_->Finish(farewell);
    if (!said) co_return;
    record_.bytes_to_client += farewell.size();
  }
  co_await Linger();
}

io::Task<void> Session::Linger() {
  if (record_.reason == EndReason::kClientEof) co_return;
  io::Deadline deadline(proactor(), kLingerTime, *client_);
  for (size_t bytes = 0; bytes < kLingerBytes;) {
    const io::Result<io::Buffer> last = co_await client_->Read();
    if (!last || last->empty()) break;
    bytes += last->size();
  }
}

void Session::Drain(EndReason reason) {
  if (draining_) return;
  draining_ = reason;
  if (relay_ != nullptr) {
    relay_->Drain(reason);
  } else if (login_ != nullptr) {
    login_->Drain();
  } else if (reading_command_) {
    client_->CancelRead();
  }
}

void Session::BeginLeaving(io::Duration silence) {
  if (relay_ != nullptr) relay_->RefuseNextIfSilent(silence);
}

void Session::LeaveIfSilent(io::Time since, io::Duration silence) {
  const bool owes_command = relay_ != nullptr ? relay_->at_boundary() : reading_command_;
  if (!owes_command) return;
  const io::Time silent_since = relay_ != nullptr ? relay_->idle_since() : reading_since_;
  if (proactor().Now() - std::max(silent_since, since) >= silence) Drain();
}

void Session::Abort(EndReason reason) {
  if (relay_ != nullptr) relay_->Abort(reason);
  abrupt_ = true;
  End(reason);
  if (login_ != nullptr) login_->Abort();
  if (resume_ != nullptr) resume_->Abort();
  client_->Abort();
  if (upstream_.connection != nullptr) upstream_.connection->Abort();
}

void Session::GiveWay() {
  place_.LeaveUnauthenticated();
  abrupt_ = true;
  End(EndReason::kCrowdedOut);
  client_->Abort();
}

void Session::DropNode(balancer::NodeId node) {
  if (relay_ != nullptr && node_ == node) relay_->DropNode();
}

void Session::LookAtNode(balancer::NodeId node) {
  if (relay_ != nullptr && node_ == node) relay_->SetNodeOut(!cluster().health.Serves(node));
  if (login_ != nullptr) login_->LookAtNode(node);
  if (resume_ != nullptr) resume_->LookAtNode(node);
}

void Session::LookAtMoves() {
  if (!turn_ || relay_ == nullptr || departure_ != nullptr) return;
  const balancer::Moves& moves = *moves_;
  if (moves.ClusterOf(*turn_) == where_.cluster) return;
  record_.move = moves.rule(turn_->move).name;
  departure_ = std::make_unique<Departure>(
      moves.counts(turn_->move), proactor().timers(),
      [](void* context) { static_cast<Session*>(context)->CutOff(); }, this,
      proactor().Now() + settings_->timeouts.move_grace);
  relay_->Drain(EndReason::kMoved);
}

// Its time to come to a boundary is over. What its client has of an answer is no whole one, and
// marks are void.
void Session::CutOff() {
  if (relay_ == nullptr) return;
  relay_->Abort(EndReason::kMoved);
  if (resume_ != nullptr) resume_->Abort();
}

// --- from outside

SessionState Session::state() const {
  if (ended_) return SessionState::kEnding;
  if (relay_ != nullptr)
    return relay_->at_boundary() ? SessionState::kIdle : SessionState::kRelaying;
  if (login_ != nullptr) return SessionState::kLoggingIn;
  const bool awaits_tls = listener_.tls != nullptr && !secure_;
  return awaits_tls && (listener_.tls_at_once || record_.stls) ? SessionState::kHandshake
                                                               : SessionState::kAuthorizing;
}

std::optional<io::Time> Session::idle_since() const {
  return relay_ == nullptr ? std::nullopt : std::optional(relay_->idle_since());
}

// --- small parts

io::Task<bool> Session::Say(std::string_view line) {
  if (line.empty()) co_return !ended_;
  io::Deadline deadline(proactor(), settings_->timeouts.client_write_stall, *client_);
  const io::Result<> said = co_await client_->Write(line);
  if (said) record_.bytes_to_client += line.size();
  if (said && !deadline.expired()) co_return true;
  abrupt_ = true;
  End(deadline.expired() ? EndReason::kClientWriteStall : EndReason::kClientReset);
  co_return false;
}

void Session::End(EndReason reason) {
  if (std::exchange(ended_, true)) return;
  const bool left = reason == EndReason::kQuit || SideOf(reason) == Side::kClient;
  record_.reason =
      left && !record_.logged_in && node_was_unavailable_ ? EndReason::kNodeUnavailable : reason;
}

void Session::JoinNode(NodeSession session, balancer::NodeId node) {
  upstream_ = std::move(session);
  upstream_.connection->HandOver();
  node_ = node;
  environment_.meter.NodeSessionBegan(node_);
  cluster().health.SessionBegan(node_);
  counted_on_node_ = true;
}

// Closes without QUIT, which would commit deletes: that is the client's own to say.
void Session::LeaveNode() {
  if (std::exchange(counted_on_node_, false)) {
    environment_.meter.NodeSessionEnded(node_);
    cluster().health.SessionEnded(node_);
  }
  upstream_.connection.reset();
  upstream_.lease.Release();
}

}  // namespace poplar::session
