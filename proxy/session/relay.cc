#include "proxy/session/relay.h"

#include <charconv>
#include <utility>

#include "proxy/pop3/capabilities.h"
#include "proxy/pop3/command.h"
#include "proxy/pop3/reply.h"

namespace poplar::session {
namespace {

// fetchmail takes whole messages by TOP n 99999999; nobody asks for so many lines to see but a
// part.
constexpr uint64_t kWholeMessageLines = 1'000'000;

bool RetrievesWholeMessage(const pop3::Command& command) {
  if (command.verb == pop3::Verb::kRetr) return true;
  if (command.verb != pop3::Verb::kTop) return false;
  const size_t blank = command.argument.rfind(' ');
  if (blank == std::string_view::npos) return false;
  const std::string_view digits = command.argument.substr(blank + 1);
  uint64_t lines = 0;
  const auto parsed = std::from_chars(digits.data(), digits.data() + digits.size(), lines);
  return parsed.ec == std::errc::result_out_of_range || lines >= kWholeMessageLines;
}

// These end with the login; a node that took one now would leave the protocol that we both speak.
bool BelongsBeforeLogin(pop3::Verb verb) {
  using pop3::Verb;
  return verb == Verb::kUser || verb == Verb::kPass || verb == Verb::kApop || verb == Verb::kAuth ||
         verb == Verb::kStls;
}

EndReason ReasonOf(const io::Error& error) {
  return error.code == EPROTO ? EndReason::kClientProtocol : EndReason::kClientReset;
}

}  // namespace

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

// --- client to node

io::Task<void> Relay::PumpCommands() {
  while (!ended_) {
    co_await TakeCommands();
    if (ended_ || quit_sent_) break;
    if (opaque_sent_) {
      co_await PumpBlindly();
      break;
    }
    input_.Release();
    io::Result<io::Buffer> more = co_await client_.Read();
    if (!more || more->empty()) {
      OnClientGone(more);
      break;
    }
    record_.bytes_from_client += more->size();
    idle_since_ = proactor_.Now();
    Watch();
    input_.Feed(std::move(*more));
  }
}

// All lines at hand, in as few writes as they fit.
io::Task<void> Relay::TakeCommands() {
  io::Buffer batch;
  while (!ended_ && !quit_sent_ && !opaque_sent_) {
    if (queue_.full()) {
      input_.Stow();
      co_await SendBatch(batch);
      co_await AnswerOwnInTurn();
      if (queue_.full() && !ended_) co_await room_.Wait();
      continue;
    }
    std::string_view line;
    const pop3::LineReader::Event event = input_.lines.Next(&line);
    if (event == pop3::LineReader::Event::kNeedMore) break;
    if (event == pop3::LineReader::Event::kTooLong) {
      OnBadCommand(pop3::kReplyLineTooLong);
    } else {
      co_await TakeCommand(line, batch);
    }
  }
  input_.Stow();
  co_await SendBatch(batch);
  co_await AnswerOwnInTurn();
}

io::Task<void> Relay::TakeCommand(std::string_view line, io::Buffer& batch) {
  ++record_.commands;
  const pop3::Command command = pop3::ParseCommand(line);
  if (batch.room().size() < line.size() + 2) {
    co_await SendBatch(batch);
    batch = co_await proactor_.buffers().Take(io::BufferUse::kSend);
  }
  if (node_lost_) {
    QueueOwnReply(pop3::kReplyNodeLost, node_lost_);
    co_return;
  }
  if (command.verb == pop3::Verb::kMalformed) {
    OnBadCommand(pop3::kReplyBadCommand);
    co_return;
  }
  if (BelongsBeforeLogin(command.verb)) {
    QueueOwnReply(pop3::kReplyAlreadyLoggedIn, std::nullopt);
    co_return;
  }
  if (command.verb == pop3::Verb::kQuit) {
    end_.park = MayPark(command);
    if (*end_.park == ParkResult::kParked) {
      parking_ = true;
      QueueOwnReply(pop3::kReplyQuit, EndReason::kQuit);
      co_return;
    }
  }
  batch.Append(line);
  batch.Append("\r\n");
  Queue({.verb = command.verb,
         .multi_line = pop3::ExpectsMultiLine(command),
         .retrieves = RetrievesWholeMessage(command)});
  quit_sent_ = command.verb == pop3::Verb::kQuit;
  opaque_sent_ = command.verb == pop3::Verb::kUnknown;
}

// DESIGN section 4: only a session that nobody can tell from one that has just begun.
ParkResult Relay::MayPark(const pop3::Command& quit) const {
  if (options_.max_snapshot_age == io::Duration::zero()) return ParkResult::kOff;
  if (deletes_marked_ > 0) return ParkResult::kDeletes;
  const bool complete = quit.argument.empty() && input_.lines.unread().empty();
  if (!queue_.empty() || !complete || client_done_) return ParkResult::kPipelined;
  if (trouble_seen_) return ParkResult::kSysError;
  if (draining_ || mode_changed_) return ParkResult::kRefused;
  const bool old = proactor_.Now() - options_.logged_in >= options_.max_snapshot_age;
  return old ? ParkResult::kTooOld : ParkResult::kParked;
}

// After a command whose answer we can't frame: bytes pass as they come, and nothing is understood.
io::Task<void> Relay::PumpBlindly() {
  record_.opaque = true;
  const std::string_view rest = input_.lines.TakeRest();
  io::Result<> sent = co_await node_.Write(rest);
  if (sent) record_.bytes_to_node += rest.size();
  input_.Release();
  while (sent && !ended_) {
    const io::Result<io::Buffer> more = co_await client_.Read();
    if (!more) break;
    if (more->empty()) {
      // As on a connection of its own: the node learns it, and what it still has to say passes.
      client_done_ = true;
      sent = co_await node_.ShutdownWrite();
      if (sent) co_return;
      break;
    }
    record_.bytes_from_client += more->size();
    idle_since_ = proactor_.Now();
    Watch();
    sent = co_await node_.Write(more->bytes());
    if (sent) record_.bytes_to_node += more->size();
  }
  End(EndReason::kOpaqueEnded);
}

io::Task<void> Relay::SendBatch(io::Buffer& batch) {
  if (batch.empty()) co_return;
  // A failure shows, with its cause, where the answers are read.
  const io::Result<> sent = co_await node_.Write(batch.bytes());
  if (sent) record_.bytes_to_node += batch.size();
  batch.Release();
}

void Relay::Queue(const PendingCommand& command) {
  const bool first = queue_.empty();
  PendingCommand stamped = command;
  stamped.sent = proactor_.Now();
  queue_.Push(stamped);
  if (!first) return;
  waiting_since_ = stamped.sent;
  Watch();
}

void Relay::QueueOwnReply(const std::string_view& reply, std::optional<EndReason> ends) {
  Queue({.verb = pop3::Verb::kMalformed, .ends = ends, .own_reply = &reply});
  // Whatever follows is discarded.
  if (ends) quit_sent_ = true;
}

void Relay::OnBadCommand(const std::string_view& reply) {
  if (++bad_commands_ < options_.bad_commands_max) {
    QueueOwnReply(reply, std::nullopt);
  } else {
    QueueOwnReply(pop3::kReplyTooManyBadCommands, EndReason::kTooManyBadCommands);
  }
}

void Relay::OnClientGone(const io::Result<io::Buffer>& last) {
  if (ended_) return;
  if (!last) return End(ReasonOf(last.error()), {}, true);
  // It may have closed its half only, and still wants the answers to what it asked.
  client_done_ = true;
  if (at_boundary()) End(EndReason::kClientEof);
}

// --- node to client

io::Task<void> Relay::PumpReplies() {
  while (!ended_ && !node_lost_) {
    const io::Result<io::Buffer> chunk = co_await node_.Read();
    if (ended_) {
      // It has spoken or gone at the very end: nobody's next session.
      if (parking_ && (chunk || !chunk.error().cancelled())) end_.park = ParkResult::kNodeClosed;
      break;
    }
    if (!chunk || chunk->empty()) {
      OnNodeGone(node_dropped_         ? EndReason::kNodeDown
                 : response_timed_out_ ? EndReason::kNodeResponseTimeout
                 : chunk               ? EndReason::kNodeEof
                                       : EndReason::kNodeReset);
      break;
    }
    record_.bytes_from_node += chunk->size();
    waiting_since_ = proactor_.Now();
    Watch();
    const io::Turn::Hold turn = co_await writer_.Take();
    co_await RelayReplies(chunk->bytes());
    room_.Signal();
  }
  room_.Signal();
}

// Frames what came and passes it on where it lies; only an answer of our own, or one that is
// filtered, cuts the write.
io::Task<void> Relay::RelayReplies(std::string_view bytes) {
  size_t sent = 0;  // bytes passed on
  size_t at = 0;    // bytes framed
  while (at < bytes.size() && !ended_ && !node_lost_) {
    if (!queue_.empty() && queue_.front().verb == pop3::Verb::kUnknown) opaque_ = true;
    if (opaque_) {
      at = bytes.size();
      idle_since_ = proactor_.Now();
      break;
    }
    if (own_reply_due()) {
      co_await AnswerOwn();
      continue;
    }
    if (queue_.empty()) {
      co_await WriteToClient(bytes.substr(sent, at - sent));
      // It speaks without being asked. While we wrote the client may have sent a command, which
      // waits by now.
      OnNodeGone(EndReason::kNodeProtocol);
      co_return;
    }
    if (!std::exchange(framing_, true)) framer_.Expect(queue_.front().multi_line);
    const pop3::ReplyFramer::Step step = framer_.Feed(bytes.substr(at));
    const bool held = queue_.front().verb == pop3::Verb::kCapa;
    if (held) {
      co_await WriteToClient(bytes.substr(sent, at - sent));
      sent = at + step.consumed;
    }
    if (framer_.fault() != pop3::ReplyFramer::Fault::kNone ||
        (held && !HoldReply(bytes.substr(at, step.consumed)))) {
      if (!held) co_await WriteToClient(bytes.substr(sent, at - sent));
      OnNodeGone(EndReason::kNodeProtocol);
      co_return;
    }
    at += step.consumed;
    if (!held && step.consumed > 0) reply_relayed_ = true;
    if (!step.complete) continue;
    const bool alone = held || draining_ || queue_.front().verb == pop3::Verb::kQuit;
    CountReply(queue_.front());
    const bool quit = queue_.front().verb == pop3::Verb::kQuit;
    queue_.Pop();
    framing_ = reply_relayed_ = false;
    if (!alone && !own_reply_due()) continue;
    const std::string_view unsent = bytes.substr(sent, at - sent);
    sent = at;
    co_await OnReplyComplete(unsent);
    if (quit) End(EndReason::kQuit);
  }
  co_await WriteToClient(bytes.substr(sent, at - sent));
  EndIfDue();
}

io::Task<void> Relay::OnReplyComplete(std::string_view unsent) {
  co_await WriteToClient(unsent);
  if (!held_capa_.empty()) {
    const std::string filtered = pop3::FilterAfterLogin(std::exchange(held_capa_, {}));
    co_await WriteToClient(filtered);
  }
  co_await AnswerOwn();
  if (draining_ && !quit_sent_) End(EndReason::kDraining, pop3::kReplyDraining);
}

io::Task<void> Relay::AnswerOwnInTurn() {
  if (!own_reply_due()) co_return;
  const io::Turn::Hold turn = co_await writer_.Take();
  co_await AnswerOwn();
  EndIfDue();
}

// Only with the turn to write.
io::Task<void> Relay::AnswerOwn() {
  while (!ended_ && own_reply_due()) {
    const PendingCommand command = queue_.front();
    queue_.Pop();
    co_await WriteToClient(*command.own_reply);
    if (command.ends) End(*command.ends);
  }
  room_.Signal();
}

bool Relay::HoldReply(std::string_view piece) {
  if (held_capa_.size() + piece.size() > pop3::kCapaReplyBytesMax) return false;
  held_capa_.append(piece);
  return true;
}

void Relay::CountReply(const PendingCommand& command) {
  const bool ok = framer_.ok();
  if (!ok) {
    const auto reply = pop3::ParseReply(framer_.status_line());
    trouble_seen_ |= reply && (reply->code == pop3::ResponseCode::kSysTemp ||
                               reply->code == pop3::ResponseCode::kSysPerm);
  }
  meter_.CommandAnswered(command.verb, ok, proactor_.Now() - command.sent);
  if (!ok) return;
  if (command.retrieves) {
    ++record_.messages;
    record_.message_bytes += framer_.body_bytes();
  }
  if (command.verb == pop3::Verb::kUtf8) mode_changed_ = true;
  if (command.verb == pop3::Verb::kLang && !command.multi_line) mode_changed_ = true;
  if (command.verb == pop3::Verb::kDele) ++deletes_marked_;
  if (command.verb == pop3::Verb::kRset) deletes_marked_ = 0;
  if (command.verb == pop3::Verb::kQuit) record_.deletes = deletes_marked_;
}

// The node is gone or makes no sense. What the client may still be told depends on where it stands
// (RFC 1939 sections 3 and 6): never half an answer with an end to it, never an answer to a QUIT
// that got none.
void Relay::OnNodeGone(EndReason reason) {
  if (ended_) return;
  if (opaque_) return End(EndReason::kOpaqueEnded);
  if (queue_.empty()) return LoseNode(reason);
  if (parking_) {
    end_.park = ParkResult::kNodeClosed;  // the client's QUIT is answered all the same
    return;
  }
  end_.node_failed = reason != EndReason::kNodeDown;
  const bool quit = queue_.front().verb == pop3::Verb::kQuit;
  if (reply_relayed_ || quit) return End(reason, {}, true);
  End(reason, pop3::kReplyNodeLost);
}

// Between commands: the client learns it with its next one. Until then nothing is wrong for it.
void Relay::LoseNode(EndReason reason) {
  if (client_done_) return End(EndReason::kClientEof);
  node_lost_ = reason;
  Watch();
}

// --- both

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
