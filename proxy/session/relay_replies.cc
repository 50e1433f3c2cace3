// The relay's way down: from the node to the client.
#include <utility>

#include "proxy/pop3/capabilities.h"
#include "proxy/pop3/reply.h"
#include "proxy/session/relay.h"

namespace poplar::session {

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

}  // namespace poplar::session
