#include "proxy/session/relay.h"

#include <utility>

#include "proxy/pop3/reply.h"

namespace poplar::session {

Relay::Relay(io::Proactor& proactor, io::Stream& client, io::Stream& node, ClientInput& input,
             const RelayOptions& options, Record& record, Meter& meter)
    : proactor_(proactor),
      client_(client),
      node_(node),
      input_(input),
      options_(options),
      record_(record),
      meter_(meter),
      writer_(proactor.ready()),
      room_(proactor.ready()),
      timer_(
          proactor.timers(), [](void* context) { static_cast<Relay*>(context)->OnTimer(); }, this) {
}

io::Task<RelayEnd> Relay::Run() {
  waiting_since_ = idle_since_ = proactor_.Now();
  Watch();
  co_await io::WhenBoth(proactor_.ready(), PumpCommands(), PumpReplies());
  co_return end_;
}

void Relay::Drain() {
  draining_ = true;
  if (opaque_ || opaque_sent_) return End(EndReason::kDraining, {}, true);
  if (at_boundary()) End(EndReason::kDraining, pop3::kReplyDraining);
}

void Relay::Abort() { End(EndReason::kShutdown, {}, true); }

void Relay::DropNode() {
  if (ended_ || node_lost_) return;
  node_dropped_ = true;
  node_.Abort();
}

io::Task<void> Relay::WriteToClient(std::string_view bytes) {
  if (bytes.empty() || ended_) co_return;
  client_writing_ = true;
  Watch();
  const io::Result<> written = co_await client_.Write(bytes);
  client_writing_ = false;
  waiting_since_ = idle_since_ = proactor_.Now();
  if (!written) {
    End(ReasonOf(written.error()), {}, true);
    co_return;
  }
  record_.bytes_to_client += bytes.size();
  Watch();
}

EndReason Relay::ReasonOf(const io::Error& error) {
  return error.code == EPROTO ? EndReason::kClientProtocol : EndReason::kClientReset;
}

void Relay::End(EndReason reason, std::string_view farewell, bool abrupt) {
  if (ended_) return;
  ended_ = true;
  end_.reason = reason;
  end_.farewell = farewell;
  end_.abrupt = abrupt;
  if (reason != EndReason::kQuit) end_.park.reset();
  if (parking_ && end_.park) {
    node_.CancelRead();
  } else {
    node_.Abort();
  }
  if (abrupt) {
    client_.Abort();
  } else {
    client_.CancelRead();
  }
  room_.Signal();
  Watch();
}

// The last answer under way is written: now goes the client that has left, or that we drain.
void Relay::EndIfDue() {
  if (!at_boundary()) return;
  if (client_done_) return End(EndReason::kClientEof);
  if (draining_) End(EndReason::kDraining, pop3::kReplyDraining);
}

void Relay::Watch() {
  if (client_writing_) {
    timer_.Arm(proactor_.Now() + options_.client_write_stall);
  } else if (ended_) {
    timer_.Disarm();
  } else if (!queue_.empty() && !opaque_ && !node_lost_) {
    timer_.Arm(waiting_since_ + options_.node_response);
  } else {
    timer_.Arm(idle_since_ + options_.client_idle);
  }
}

void Relay::OnTimer() {
  if (client_writing_) {
    if (!ended_) End(EndReason::kClientWriteStall, {}, true);
    client_.Abort();
  } else if (!queue_.empty() && !opaque_ && !node_lost_) {
    response_timed_out_ = true;
    node_.Abort();
  } else {
    // RFC 1939 section 3: the session closes without a word, and without UPDATE.
    End(EndReason::kClientIdle);
  }
}

}  // namespace poplar::session
