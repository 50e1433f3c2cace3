// The relay's way up: from the client to the node.
#include <utility>

#include "proxy/pop3/command.h"
#include "proxy/pop3/reply.h"
#include "proxy/session/relay.h"

namespace poplar::session {
namespace {

constexpr std::string_view kOwnListingCommand = "UIDL\r\n";
// Beyond the client's line: its end, our command ahead of it, and the digits by which the number
// that the node has for a message may be longer than the client's.
constexpr size_t kOwnCommandBytesMax = 2 + kOwnListingCommand.size() + 10;

// A node may refuse a listing because it has trouble, or because it has none to give.
constexpr int kListingsRefusedMax = 3;

// These end with the login; a node that took one now would leave the protocol that we both speak.
bool BelongsBeforeLogin(pop3::Verb verb) {
  using pop3::Verb;
  return verb == Verb::kUser || verb == Verb::kPass || verb == Verb::kApop || verb == Verb::kAuth ||
         verb == Verb::kStls;
}

}  // namespace

io::Task<void> Relay::PumpCommands(std::string again) {
  if (!again.empty()) {
    const io::Result<> sent = co_await node_->Write(again);
    if (sent) record_.bytes_to_node += again.size();
  }
  co_await AnswerOwnInTurn();
  while (running() && !resting_) {
    if (std::exchange(noop_due_, false) && !node_lost_) co_await AskNoop();
    co_await TakeCommands();
    if (!running() || quit_sent_) break;
    if (opaque_sent_) {
      co_await PumpBlindly();
      break;
    }
    input_.Release();
    client_reading_ = true;
    Watch();
    io::Result<io::Buffer> more = co_await client_.Read();
    client_reading_ = false;
    const bool cancelled = !more && more.error().cancelled();
    if (cancelled && (lost_ || noop_due_ || resting_)) continue;
    noop_due_ = false;
    if (!more || more->empty()) {
      OnClientGone(more);
      break;
    }
    record_.bytes_from_client += more->size();
    idle_since_ = proactor_.Now();
    Watch();
    input_.Feed(std::move(*more));
  }
  if (lost_) input_.Stow();
}

// All lines at hand, in as few writes as they fit.
io::Task<void> Relay::TakeCommands() {
  io::Buffer batch;
  while (!ended_ && !quit_sent_ && !opaque_sent_ && (!lost_ || awaiting_)) {
    if (queue_.full()) {
      input_.Stow();
      co_await SendBatch(batch);
      co_await AnswerOwnInTurn();
      if (awaiting_) break;
      if (queue_.full() && running()) co_await traffic_->room.Wait();
      continue;
    }
    if (TooFast()) {
      co_await HoldCommands(batch);
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
  if (paced_ != nullptr) {
    paced_->commands_from = proactor_.Now() + paced_->pace.OnCommand(proactor_.Now());
  }
  const pop3::Command command = pop3::ParseCommand(line);
  if (!lost_ && batch.room().size() < line.size() + kOwnCommandBytesMax) {
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
  if (refuses_next_ && !lost_ && command.verb != pop3::Verb::kQuit) {
    QueueOwnReply(pop3::kReplyDraining, EndReason::kDraining);
    co_return;
  }
  if (BelongsBeforeLogin(command.verb)) {
    QueueOwnReply(pop3::kReplyAlreadyLoggedIn, std::nullopt);
    co_return;
  }
  if (KeepsMail(command.verb)) co_return;
  // Nobody could translate what a session says whose commands aren't understood.
  if ((mapped() || options_.unknown_refused) && command.verb == pop3::Verb::kUnknown) {
    QueueOwnReply(pop3::kReplyNotSupported, std::nullopt);
    co_return;
  }
  PendingCommand pending = Pending(command);
  if (lost_) {
    TakeWithoutNode(pending);
    co_return;
  }
  if (command.verb == pop3::Verb::kQuit) {
    end_.park = MayPark(command);
    if (*end_.park == ParkResult::kParked) {
      parking_ = true;
      QueueOwnReply(QuitReply(), EndReason::kQuit);
      co_return;
    }
  }
  if (options_.resumes && NamesMessages(pending)) AskForListing(pending, batch);
  if (!AppendCommand(pending, line, batch)) co_return;
  Queue(pending);
  quit_sent_ = quit_asked_ = command.verb == pop3::Verb::kQuit;
  opaque_sent_ = command.verb == pop3::Verb::kUnknown;
}

// To be asked of the session's next node.
void Relay::TakeWithoutNode(const PendingCommand& command) {
  if (!command.repeatable) return QueueOwnReply(pop3::kReplyNodeLost, end_.reason);
  // Ahead of it there may be a DELE that nobody has been asked yet.
  if (command.verb == pop3::Verb::kQuit && deletes_marked_ == 0 && queue_.empty()) {
    return QueueOwnReply(QuitReply(), EndReason::kQuit);
  }
  Queue(command);
  quit_sent_ = command.verb == pop3::Verb::kQuit;
}

// Once the client names messages by their numbers, another session can serve it only if these are
// known to mean the same. A client that asks for the listing itself is listened to; for one that
// doesn't we ask, in the same packet, and keep the answer to ourselves.
void Relay::AskForListing(PendingCommand& command, io::Buffer& batch) {
  if (listing_asked_) return;
  const bool asks = command.verb == pop3::Verb::kUidl && command.repeatable && command.message == 0;
  if (!asks && (!options_.pipelining || listings_refused_ >= kListingsRefusedMax)) return;
  listing_asked_ = true;
  if (kept_ == nullptr) kept_ = std::make_unique<Kept>(options_.listing_key);
  command.listing = asks;
  if (asks) return;
  PendingCommand own{.verb = pop3::Verb::kUidl, .multi_line = true};
  own.listing = own.hidden = true;
  batch.Append(kOwnListingCommand);
  Queue(own);
}

// False: it was answered here, because the node has no such message or no such command for it.
bool Relay::AppendCommand(PendingCommand& command, std::string_view line, io::Buffer& batch) {
  if (!mapped() || (!NamesMessages(command) && command.verb != pop3::Verb::kStat)) {
    batch.Append(line);
    batch.Append("\r\n");
    return true;
  }
  if (!command.repeatable) {
    QueueOwnReply(pop3::kReplyNotSupported, std::nullopt);
    return false;
  }
  if (!AskAgain(command)) {
    Queue(command);
    return false;
  }
  batch.Append(LineAtNode(command, AtNode(command.message), command.translated));
  return true;
}

// DESIGN section 4: only a session that nobody can tell from one that has just begun.
ParkResult Relay::MayPark(const pop3::Command& quit) const {
  if (max_snapshot_age_ == io::Duration::zero()) return ParkResult::kOff;
  if (deletes_marked_ > 0) return ParkResult::kDeletes;
  const bool complete = quit.argument.empty() && input_.lines.unread().empty();
  if (!queue_.empty() || !complete || client_done_) return ParkResult::kPipelined;
  if (trouble_seen_) return ParkResult::kSysError;
  if (draining_ || mode_changed_) return ParkResult::kRefused;
  const bool old = proactor_.Now() - logged_in_ >= max_snapshot_age_;
  return old ? ParkResult::kTooOld : ParkResult::kParked;
}

// After a command whose answer we can't frame: bytes pass as they come, and nothing is understood.
io::Task<void> Relay::PumpBlindly() {
  record_.opaque = true;
  const std::string_view rest = input_.lines.TakeRest();
  io::Result<> sent = co_await node_->Write(rest);
  if (sent) record_.bytes_to_node += rest.size();
  input_.Release();
  while (sent && !ended_) {
    const io::Result<io::Buffer> more = co_await client_.Read();
    if (!more) break;
    if (more->empty()) {
      // As on a connection of its own: the node learns it, and what it still has to say passes.
      client_done_ = true;
      sent = co_await node_->ShutdownWrite();
      if (sent) co_return;
      break;
    }
    record_.bytes_from_client += more->size();
    idle_since_ = proactor_.Now();
    Watch();
    sent = co_await node_->Write(more->bytes());
    if (sent) record_.bytes_to_node += more->size();
  }
  End(EndReason::kOpaqueEnded);
}

io::Task<void> Relay::SendBatch(io::Buffer& batch) {
  if (batch.empty()) co_return;
  // A failure shows, with its cause, where the answers are read.
  const io::Result<> sent = co_await node_->Write(batch.bytes());
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

// True: of a session that may not delete, and answered. Where a client is told yes, its QUIT is
// what fails (RFC 1939 section 6): so it has fetched all its mail by then, and knows that it is
// still there.
bool Relay::KeepsMail(pop3::Verb verb) {
  if (options_.deletes == admission::Deletes::kAllowed) return false;
  if (verb == pop3::Verb::kRset) marks_kept_ = false;
  if (verb == pop3::Verb::kUnknown) {
    QueueOwnReply(pop3::kReplyNotSupported, std::nullopt);
    return true;
  }
  if (verb != pop3::Verb::kDele) return false;
  const bool ok = options_.deletes == admission::Deletes::kKept;
  marks_kept_ |= ok;
  meter_.CommandAnswered(verb, ok);
  QueueOwnReply(ok ? pop3::kReplyDeleteKept : pop3::kReplyDeletesDenied, std::nullopt);
  return true;
}

const std::string_view& Relay::QuitReply() const {
  return marks_kept_ ? pop3::kReplyMarksMissed : pop3::kReplyQuit;
}

void Relay::OnClientGone(const io::Result<io::Buffer>& last) {
  if (ended_) return;
  if (!last) return End(ReasonOf(last.error()), {}, true);
  // It may have closed its half only, and still wants the answers to what it asked.
  client_done_ = true;
  if (at_boundary()) End(EndReason::kClientEof);
}

}  // namespace poplar::session
