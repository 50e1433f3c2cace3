#include "proxy/session/relay.h"

#include <algorithm>
#include <utility>

#include "proxy/session/farewell.h"
#include "proxy/session/settings.h"

namespace poplar::session {
namespace {

// Longer than a client at work takes for its next command, as a rule; the pumps end and begin anew
// for as much as a short command costs.
constexpr io::Duration kRestsAfter = std::chrono::milliseconds(250);

}  // namespace

Relay::Relay(io::Proactor& proactor, io::Stream& client, ClientInput& input,
             const RelayOptions& options, const admission::PaceRules& pace, Record& record,
             Meter& meter)
    : proactor_(proactor),
      client_(client),
      input_(input),
      options_(options),
      record_(record),
      meter_(meter),
      timer_(
          proactor.timers(), [](void* context) { static_cast<Relay*>(context)->OnTimer(); }, this),
      paced_(pace ? std::make_unique<Paced>(pace, proactor) : nullptr) {}

void Relay::Join(const NodeSide& node) {
  node_ = &node.stream;
  if (paced_ != nullptr) node_->TakeLittle();  // little by little
  node_id_ = node.id;
  node_response_ = io::Configured(node.response);
  node_keepalive_ = io::Configured(node.keepalive);
  logged_in_ = node.logged_in;
  max_snapshot_age_ = io::Configured(node.max_snapshot_age);
  waiting_since_ = idle_since_ = proactor_.Now();
  if (std::exchange(lost_, false)) Reopen();
  if (node.down) DropNode();
  if (node.out) SetNodeOut(true);
}

io::Task<void> Relay::Run() {
  if (resting_) co_await EndRest();
  std::string again;
  if (std::exchange(reopens_, false)) again = AskAgain();
  Traffic traffic(proactor_.ready(), proactor_.Now());
  traffic_ = &traffic;
  Watch();
  co_await io::WhenBoth(proactor_.ready(), PumpCommands(std::move(again)), PumpReplies());
  traffic_ = nullptr;
  resting_ = resting_ && running();
  if (!resting_) node_ = nullptr;
}

// Whether nobody owes anything, so that both pumps only wait for a peer's next word.
bool Relay::MayRest() const {
  return client_reading_ && at_boundary() && running() && !node_lost_ && !opaque_ &&
         !client_done_ && (paced_ == nullptr || !paced_->breathing);
}

void Relay::BeginRest() {
  resting_ = true;
  client_.CancelRead();
  node_->CancelRead();
  Watch();
}

// Both pumps have ended; what came in the last moment is for them.
void Relay::Rest(io::Waker whom) {
  rest_ended_ = whom;
  client_reading_ = true;
  const bool silent = input_.lines.unread().empty() && MayRest() && !noop_due_ &&
                      client_.LookOut(client_lookout_) && node_->LookOut(node_lookout_);
  if (!silent) rest_ended_.Wake();
}

io::Task<void> Relay::EndRest() {
  if (client_lookout_.in_flight()) client_.CancelRead();
  if (node_lookout_.in_flight()) node_->CancelRead();
  io::Event ended(proactor_.ready());
  while (client_lookout_.in_flight() || node_lookout_.in_flight()) {
    rest_ended_ = io::Waker::Of(ended);
    co_await ended.Wait();
  }
  client_reading_ = resting_ = false;
}

void Relay::Drain(EndReason reason) {
  if (!draining_) draining_ = reason;
  if (opaque_ || opaque_sent_) return End(*draining_, {}, true);
  if (at_boundary()) EndDrained();
}

void Relay::RefuseNextIfSilent(io::Duration silence) {
  refuses_next_ = at_boundary() && proactor_.Now() - idle_since_ >= silence;
}

void Relay::Abort(EndReason reason) { End(reason, {}, true); }

void Relay::DropNode() {
  if (!running() || node_lost_ || node_ == nullptr) return;
  node_dropped_ = true;
  node_->Abort();
}

void Relay::SetNodeOut(bool out) {
  if (std::exchange(node_out_, out) == out || !running() || node_lost_ || node_ == nullptr) return;
  if (MayResume() != ResumeResult::kResumed) return;
  if (out && queue_.empty()) {
    node_left_ = true;
    node_->Abort();
  } else {
    Watch();
  }
}

io::Task<void> Relay::WriteToClient(std::string_view bytes, Behind behind) {
  if (bytes.empty() || ended_) co_return;
  client_writing_ = true;
  Watch();
  io::Result<> written;
  switch (behind) {
    case Behind::kMaybe:
      written = co_await client_.Write(bytes);
      break;
    case Behind::kMore:
      written = co_await client_.WriteMore(bytes);
      break;
    case Behind::kNothing:
      written = co_await client_.Finish(bytes);
      break;
  }
  client_writing_ = false;
  waiting_since_ = idle_since_ = proactor_.Now();
  stalled_since_ = kNever;
  losses_ = 0;
  if (!written) {
    End(ReasonOf(written.error()), {}, true);
    co_return;
  }
  record_.bytes_to_client += bytes.size();
  end_.finished = behind == Behind::kNothing;
  Watch();
}

EndReason Relay::ReasonOf(const io::Error& error) {
  return error.code == EPROTO ? EndReason::kClientProtocol : EndReason::kClientReset;
}

void Relay::End(EndReason reason, io::StaticText farewell, bool abrupt) {
  if (ended_) return;
  ended_ = true;
  end_.reason = reason;
  end_.farewell = farewell;
  end_.abrupt = abrupt;
  if (lost_) end_.lost.reset();
  if (reason != EndReason::kQuit) end_.park.reset();
  if (node_ != nullptr) {
    if (parking_ && end_.park) {
      node_->CancelRead();
    } else {
      node_->Abort();
    }
  }
  if (abrupt) {
    client_.Abort();
  } else {
    client_.CancelRead();
  }
  MakeRoom();
  if (paced_ != nullptr) {
    paced_->commands.End();
    paced_->replies.End();
  }
  Watch();
}

// The last answer under way is written: now goes the client that has left, or that we drain.
void Relay::EndIfDue() {
  if (!at_boundary()) return;
  if (client_done_) return End(EndReason::kClientEof);
  if (draining_) EndDrained();
}

void Relay::EndDrained() { End(*draining_, FarewellOf(*draining_)); }

void Relay::Watch() {
  if (client_writing_) {
    timer_.Arm(proactor_.Now() + options_.client_write_stall);
  } else if (ended_ || (lost_ && !awaiting_) || (paced_ != nullptr && paced_->breathing)) {
    timer_.Disarm();
  } else if (!queue_.empty() && !opaque_ && !node_lost_ && !lost_) {
    const bool hurry = node_out_ && MayResume() == ResumeResult::kResumed;
    const io::Duration most = node_response_;
    timer_.Arm(waiting_since_ + (hurry ? std::min(most, kSickNodeResponse) : most));
  } else {
    io::Time due = idle_since_ + options_.client_idle;
    if (keeps_node_awake()) due = std::min(due, waiting_since_ + node_keepalive_);
    // Counted from the last rest, too: what ended it need not be a command.
    if (!resting_ && MayRest())
      due = std::min(due, std::max(idle_since_, traffic_->begun) + kRestsAfter);
    timer_.Arm(due);
  }
}

void Relay::OnTimer() {
  if (client_writing_) {
    if (!ended_) End(EndReason::kClientWriteStall, {}, true);
    client_.Abort();
  } else if (!queue_.empty() && !opaque_ && !node_lost_ && !lost_) {
    response_timed_out_ = true;
    node_->Abort();
  } else if (proactor_.Now() >= idle_since_ + options_.client_idle) {
    // RFC 1939 section 3: the session closes without a word, and without UPDATE.
    End(EndReason::kClientIdle);
  } else if (keeps_node_awake() && proactor_.Now() >= waiting_since_ + node_keepalive_) {
    KeepNodeAwake();
  } else if (!resting_ && MayRest()) {
    BeginRest();
  } else {
    Watch();
  }
}

bool Relay::keeps_node_awake() const {
  return node_keepalive_ > io::Duration::zero() && running() && !opaque_ && !opaque_sent_ &&
         !node_lost_ && node_ != nullptr;
}

// The node's patience may be shorter than ours (RFC 1939 section 3 asks for 10 minutes, Courier has
// 5): the client's own idle time goes on all the same.
void Relay::KeepNodeAwake() {
  waiting_since_ = proactor_.Now();
  noop_due_ = (client_reading_ || resting_) && keeps_node_awake();
  if (noop_due_) client_.CancelRead();
  Watch();
}

io::Task<void> Relay::AskNoop() {
  constexpr std::string_view kNoop = "NOOP\r\n";
  Queue({.verb = pop3::Verb::kNoop, .hidden = true});
  // A failure shows, with its cause, where the answers are read.
  const io::Result<> sent = co_await node_->Write(kNoop);
  if (sent) record_.bytes_to_node += kNoop.size();
}

}  // namespace poplar::session
