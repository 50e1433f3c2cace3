// The relay's way down: from the node to the client.
#include <utility>

#include "proxy/pop3/capabilities.h"
#include "proxy/pop3/reply.h"
#include "proxy/session/relay.h"

namespace poplar::session {

io::Task<void> Relay::PumpReplies() {
  while (running() && !node_lost_ && !resting_) {
    io::Result<io::Buffer> chunk = co_await node_->Read();
    if (resting_ && !chunk && chunk.error().cancelled()) break;
    if (ended_) {
      // It has spoken or gone at the very end: nobody's next session.
      if (parking_ && (chunk || !chunk.error().cancelled())) end_.park = ParkResult::kNodeClosed;
      break;
    }
    if (!chunk || chunk->empty()) {
      OnNodeGone(node_dropped_         ? EndReason::kNodeDown
                 : response_timed_out_ ? EndReason::kNodeResponseTimeout
                 : node_left_          ? EndReason::kNodeOut
                 : chunk               ? EndReason::kNodeEof
                                       : EndReason::kNodeReset);
      break;
    }
    record_.bytes_from_node += chunk->size();
    waiting_since_ = traffic_->chunk_came = proactor_.Now();
    Watch();
    {
      const io::Turn::Hold turn = co_await traffic_->writer.Take();
      co_await RelayReplies(chunk->bytes());
    }
    MakeRoom();
    if (paced_ == nullptr) continue;
    const size_t bytes = chunk->size();
    chunk->Release();
    co_await Breathe(bytes);
  }
  co_await AnswerOwnInTurn();
  MakeRoom();
}

// Frames what came and passes it on where it lies; only an answer of our own, or one that is
// changed, cuts the write.
io::Task<void> Relay::RelayReplies(std::string_view bytes) {
  size_t sent = 0;  // bytes passed on
  size_t at = 0;    // bytes framed
  while (at < bytes.size() && running() && !node_lost_) {
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
    if (!std::exchange(framing_, true)) BeginReply();
    const pop3::ReplyFramer::Step step = traffic_->framer.Feed(bytes.substr(at));
    const std::string_view piece = bytes.substr(at, step.consumed);
    const Passage passage = Pass(piece, step.complete);
    if (passage.kind == Passage::Kind::kInPlace) {
      at += piece.size();
      if (!piece.empty()) reply_relayed_ = true;
    } else {
      co_await WriteToClient(bytes.substr(sent, at - sent));
      sent = at += piece.size();
      if (!co_await PassInstead(passage)) co_return;
    }
    if (!step.complete) continue;
    const bool quit = queue_.front().verb == pop3::Verb::kQuit;
    const bool alone = sent == at || draining_ || quit;
    CountReply(queue_.front());
    queue_.Pop();
    framing_ = reply_relayed_ = repeating_ = false;
    if (kept_ != nullptr) kept_->progress.End();
    if (sent == at) Watch();  // no write is to come that would
    if (!alone && !own_reply_due()) continue;
    const std::string_view unsent = bytes.substr(sent, at - sent);
    sent = at;
    co_await OnReplyComplete(unsent, quit ? Behind::kNothing : Behind::kMaybe);
    if (quit) End(EndReason::kQuit);
  }
  co_await WriteToClient(bytes.substr(sent, at - sent),
                         more_is_there() ? Behind::kMore : Behind::kMaybe);
  EndIfDue();
}

void Relay::BeginReply() {
  if (!repeating_) queue_.front().answer_began = traffic_->chunk_came;
  traffic_->framer.Expect(queue_.front().multi_line);
  if (kept_ == nullptr || !queue_.front().multi_line) return;
  if (repeating_) {
    kept_->progress.BeginRepeat();
  } else {
    kept_->progress.Begin();
  }
}

io::Task<void> Relay::OnReplyComplete(std::string_view unsent, Behind behind) {
  co_await WriteToClient(unsent, behind);
  co_await AnswerOwn();
  if (draining_ && !quit_sent_) EndDrained();
}

// False: the node, or the session, is lost with it.
io::Task<bool> Relay::PassInstead(const Passage& passage) {
  switch (passage.kind) {
    case Passage::Kind::kInPlace:
    case Passage::Kind::kHeld:
      break;
    case Passage::Kind::kInstead:
      co_await WriteToClient(passage.bytes);
      if (!passage.bytes.empty()) reply_relayed_ = true;
      traffic_->aside = {};
      break;
    case Passage::Kind::kTrouble:
      ++queue_.front().troubles;
      OnNodeGone(EndReason::kNodeTrouble);
      co_return false;
    case Passage::Kind::kDifferent:
      end_.lost = ResumeResult::kDifferent;
      End(last_loss_, {}, true);
      co_return false;
    case Passage::Kind::kFault:
      OnNodeGone(EndReason::kNodeProtocol);
      co_return false;
  }
  co_return true;
}

// What the client gets of a piece of the front command's answer. A status line passes whole or not
// at all: so an answer has either begun for the client, with a status that stands, or may still
// come from another node.
Relay::Passage Relay::Pass(std::string_view piece, bool complete) {
  using Kind = Passage::Kind;
  PendingCommand& command = queue_.front();
  if (traffic_->framer.fault() != pop3::ReplyFramer::Fault::kNone) return {Kind::kFault, {}};
  const bool filtered = command.verb == pop3::Verb::kCapa;
  if (!traffic_->framer.status_known() || filtered) {
    if (traffic_->aside.size() + piece.size() > pop3::kCapaReplyBytesMax) return {Kind::kFault, {}};
    traffic_->aside.append(piece);
    if (!complete) return {Kind::kHeld, {}};
    traffic_->aside = pop3::FilterAfterLogin(traffic_->aside, options_.capabilities);
    return {Kind::kInstead, traffic_->aside};
  }
  const bool was_held = !traffic_->aside.empty();
  if (was_held) piece = traffic_->aside.append(piece);
  const bool ok = traffic_->framer.ok();
  if (complete && !ok && IsTrouble(command)) return {Kind::kTrouble, {}};
  if (command.verb == pop3::Verb::kQuit && ok && (marks_missed_ || marks_kept_))
    return {Kind::kInstead, pop3::kReplyMarksMissed};
  if (ok && NamesMessages(command) && !command.hidden) numbers_told_ = true;
  if (command.listing && ok) kept_->reader.Feed(piece);
  if (command.hidden) return {Kind::kInstead, {}};
  if (repeating_ && !ok) return {Kind::kDifferent, {}};
  if (command.translated) return Translate(piece, complete);
  if (kept_ == nullptr || !ok || !command.multi_line) {
    return {was_held ? Kind::kInstead : Kind::kInPlace, piece};
  }
  if (repeating_) return Repeat(piece, complete);
  kept_->progress.Sent(piece);
  return {was_held ? Kind::kInstead : Kind::kInPlace, piece};
}

// Of an answer that was cut off the client gets what it hasn't got.
Relay::Passage Relay::Repeat(std::string_view piece, bool complete) {
  const std::optional<std::string_view> rest = kept_->progress.Repeat(piece);
  if (!rest || (complete && !kept_->progress.caught_up())) return {Passage::Kind::kDifferent, {}};
  return {Passage::Kind::kInstead, *rest};
}

// The node's numbers into the client's.
Relay::Passage Relay::Translate(std::string_view piece, bool complete) {
  const PendingCommand& command = queue_.front();
  if (!traffic_->framer.ok()) return {Passage::Kind::kInstead, piece};
  if (!command.multi_line) {
    const std::string line(piece.substr(0, piece.find_last_not_of("\r\n") + 1));
    traffic_->aside = pop3::FilterListingLine(line, kept_->view);
    return {Passage::Kind::kInstead, traffic_->aside};
  }
  if (!kept_->filter) kept_->filter.emplace(kept_->view);
  std::string translated;
  if (!kept_->filter->Feed(piece, &translated)) return {Passage::Kind::kFault, {}};
  if (command.verb == pop3::Verb::kStat) {
    translated.clear();
    if (complete) {
      translated = "+OK " + std::to_string(kept_->filter->count()) + " " +
                   std::to_string(kept_->filter->octets()) + "\r\n";
    }
  }
  if (complete) kept_->filter.reset();
  traffic_->aside = std::move(translated);
  if (command.verb == pop3::Verb::kStat) return {Passage::Kind::kInstead, traffic_->aside};
  if (repeating_) return Repeat(traffic_->aside, complete);
  if (!traffic_->aside.empty()) kept_->progress.Sent(traffic_->aside);
  return {Passage::Kind::kInstead, traffic_->aside};
}

// Whether the node only can't just now; another, or the same one in a moment, may do better. Asked
// of two more sessions at most: then the node is believed.
bool Relay::IsTrouble(const PendingCommand& command) const {
  constexpr uint8_t kTroublesMax = 2;
  if (!options_.resumes || command.hidden || command.troubles >= kTroublesMax) return false;
  const auto reply = pop3::ParseReply(traffic_->framer.status_line());
  return reply && reply->code == pop3::ResponseCode::kSysTemp &&
         MayResume() == ResumeResult::kResumed;
}

io::Task<void> Relay::AnswerOwnInTurn() {
  if (!own_reply_due()) co_return;
  const io::Turn::Hold turn = co_await traffic_->writer.Take();
  co_await AnswerOwn();
  EndIfDue();
}

// Only with the turn to write.
io::Task<void> Relay::AnswerOwn() {
  while (!ended_ && own_reply_due()) {
    const PendingCommand command = queue_.front();
    queue_.Pop();
    co_await WriteToClient(*command.own_reply, command.ends ? Behind::kNothing : Behind::kMaybe);
    if (command.ends) End(*command.ends);
  }
  MakeRoom();
}

void Relay::CountReply(const PendingCommand& command) {
  const bool ok = traffic_->framer.ok();
  if (!ok) {
    const auto reply = pop3::ParseReply(traffic_->framer.status_line());
    trouble_seen_ |= reply && (reply->code == pop3::ResponseCode::kSysTemp ||
                               reply->code == pop3::ResponseCode::kSysPerm);
  }
  if (command.listing) LearnListing(ok);
  if (command.hidden) return;
  const io::Duration took = proactor_.Now() - command.sent;
  meter_.CommandAnswered(node_id_, command.verb, ok, {command.answer_began - command.sent, took});
  if (!ok) return;
  if (command.retrieves) {
    meter_.MessageRetrieved(traffic_->framer.body_bytes(), took);
    ++record_.messages;
    record_.message_bytes += traffic_->framer.body_bytes();
  }
  if (command.verb == pop3::Verb::kUtf8) mode_changed_ = true;
  if (command.verb == pop3::Verb::kLang && !command.multi_line) mode_changed_ = true;
  if (command.verb == pop3::Verb::kQuit)
    record_.deletes = marks_missed_ ? static_cast<uint32_t>(MarksAtNode().size()) : deletes_marked_;
  if (options_.resumes && command.verb == pop3::Verb::kStat) LearnCount();
  CountMarks(command);
}

}  // namespace poplar::session
