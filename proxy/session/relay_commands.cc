// The relay's way up: from the client to the node.
#include <charconv>
#include <utility>

#include "proxy/pop3/command.h"
#include "proxy/pop3/reply.h"
#include "proxy/session/relay.h"

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

}  // namespace

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

}  // namespace poplar::session
