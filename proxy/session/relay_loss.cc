// What the relay does when its node is lost: an end that the client can't mistake, or what is
// needed to go on in another session of the same maildrop.
#include <algorithm>
#include <charconv>
#include <utility>

#include "proxy/pop3/reply.h"
#include "proxy/session/relay.h"

namespace poplar::session {

using pop3::Verb;

// The node is gone or makes no sense. What the client may still be told depends on where it stands
// (RFC 1939 sections 3 and 6): never half an answer with an end to it, never an answer to a QUIT
// that got none.
void Relay::OnNodeGone(EndReason reason) {
  if (ended_) return;
  if (opaque_) return End(EndReason::kOpaqueEnded);
  const bool owed = !queue_.empty();
  queue_.DropHidden();
  const bool idle = queue_.empty();
  if (idle && client_done_) return End(EndReason::kClientEof);
  if (parking_) {
    end_.park = ParkResult::kNodeClosed;  // the client's QUIT is answered all the same
    return;
  }
  end_.node_failed = owed && reason != EndReason::kNodeDown && reason != EndReason::kNodeOut;
  end_.lost = MayResume();
  if (*end_.lost == ResumeResult::kResumed) return Suspend(reason);
  if (idle) {
    // The client learns it with its next command. Until then nothing is wrong for it.
    node_lost_ = reason;
    return Watch();
  }
  const bool abrupt = reply_relayed_ || queue_.front().verb == Verb::kQuit;
  End(reason, abrupt ? io::StaticText() : io::StaticText(pop3::kReplyNodeLost), abrupt);
}

// Both pumps end, and the session looks for another node.
void Relay::Suspend(EndReason reason) {
  last_loss_ = reason;
  if (AnswerQuit()) return;
  lost_ = true;
  end_.reason = reason;
  ++losses_;
  if (!queue_.empty() && stalled_since_ == kNever) stalled_since_ = proactor_.Now();
  node_->Abort();
  client_.CancelRead();
  MakeRoom();
  Watch();
}

// A QUIT with nothing to commit needs no node.
bool Relay::AnswerQuit() {
  if (queue_.empty() || queue_.front().verb != Verb::kQuit || deletes_marked_ > 0) return false;
  queue_.front().own_reply = &QuitReply();
  queue_.front().ends = EndReason::kQuit;
  node_->Abort();
  return true;
}

void Relay::GiveUp() {
  const bool abrupt = reply_relayed_ || (!queue_.empty() && queue_.front().verb == Verb::kQuit);
  End(last_loss_, abrupt ? io::StaticText() : io::StaticText(pop3::kReplyNodeLost), abrupt);
}

ResumeResult Relay::MayResume() const {
  if (!options_.resumes) return ResumeResult::kOff;
  if (opaque_ || opaque_sent_) return ResumeResult::kOpaque;
  if (mode_changed_) return ResumeResult::kMode;
  const bool known = kept_ != nullptr && kept_->view.known();
  const bool being_told =
      !queue_.empty() && queue_.front().listing && !queue_.front().hidden && kept_->reader.valid();
  if (numbers_told_ && !known && !being_told) return ResumeResult::kNoView;
  const auto can_be_asked_again = [](const PendingCommand& command) {
    return command.repeatable || command.hidden || command.own_reply != nullptr;
  };
  const auto pending = queue_.all();
  const bool all = std::all_of(pending.begin(), pending.end(), can_be_asked_again);
  return all ? ResumeResult::kResumed : ResumeResult::kUnrepeatable;
}

// --- without a node

io::Task<bool> Relay::AwaitCommand() {
  Traffic traffic(proactor_.ready(), proactor_.Now());
  traffic_ = &traffic;
  awaiting_ = true;
  Watch();
  while (!ended_) {
    co_await TakeCommands();
    if (ended_ || !queue_.empty()) break;
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
  awaiting_ = false;
  traffic_ = nullptr;
  if (stalled_since_ == kNever) stalled_since_ = proactor_.Now();
  Watch();
  co_return !ended_;
}

// What is under way may name messages, of which it has to know next time.
bool Relay::needs_listing() const {
  if (kept_ != nullptr || told_count_) return true;
  const auto pending = queue_.all();
  return std::any_of(pending.begin(), pending.end(), NamesMessages);
}

Relay::Fit Relay::Refit(const std::vector<uint64_t>& listing) {
  if (kept_ == nullptr) kept_ = std::make_unique<Kept>(options_.listing_key);
  pop3::MaildropView& view = kept_->view;
  if (!view.known()) {
    if (told_count_) view.LearnCount(*told_count_);
    // What the client has of a listing that was cut off.
    if (reply_relayed_ && queue_.front().listing) view.Learn(kept_->reader.Take(), false);
  }
  listing_asked_ = true;
  if (view.Refit(listing) == pop3::MaildropView::Fit::kDifferent) return Fit::kDifferent;
  NoteMissedMarks();
  // But for a QUIT that was done before its answer was lost.
  if (view.size() > view.marks() && view.vanished() == view.size()) return Fit::kEmpty;
  const bool in_message = reply_relayed_ && queue_.front().message != 0;
  return !in_message || AtNode(queue_.front().message) != 0 ? Fit::kFits : Fit::kDifferent;
}

// A marked message that is gone was taken by the node that we lost, if that one had been sent the
// QUIT; else by somebody else, or this node doesn't know of it yet: nobody can tell.
void Relay::NoteMissedMarks() {
  const bool missed = MarksAtNode().size() < kept_->view.marks();
  if (!missed || !quit_asked_) marks_missed_ = missed;
}

std::vector<uint32_t> Relay::MarksAtNode() const {
  return kept_ == nullptr ? std::vector<uint32_t>() : kept_->view.MarksAtNode();
}

// --- with the next node

void Relay::Reopen() {
  reopens_ = true;
  end_ = {};
  noop_due_ = false;
  framing_ = response_timed_out_ = node_dropped_ = node_out_ = node_left_ = false;
  repeating_ = reply_relayed_;
  if (kept_ != nullptr) kept_->filter.reset();
}

// What it is to be asked.
std::string Relay::AskAgain() {
  std::string lines;
  bool asks_quit = false;
  for (PendingCommand& command : queue_.all()) {
    if (command.own_reply == nullptr && AskAgain(command)) {
      lines += LineAtNode(command, AtNode(command.message), command.translated);
      asks_quit |= command.verb == Verb::kQuit;
    }
  }
  // Not sooner: AskAgain has to know what nodes before this one were asked.
  quit_asked_ |= asks_quit;
  return lines;
}

// False: the node can't be asked, since the message has vanished; it is answered here.
bool Relay::AskAgain(PendingCommand& command) {
  command.listing = false;
  const bool lists = command.verb == Verb::kList || command.verb == Verb::kUidl;
  command.translated = mapped() && (lists || command.verb == Verb::kStat);
  command.multi_line = command.verb == Verb::kRetr || command.verb == Verb::kTop ||
                       command.verb == Verb::kCapa || (lists && command.message == 0) ||
                       (command.translated && command.verb == Verb::kStat);
  if (command.message == 0 || AtNode(command.message) != 0) return true;
  // With the QUIT under way too, the node that we lost may have done it: then it is done.
  const bool done =
      command.verb == Verb::kDele && quit_asked_ && !kept_->view.marked(command.message);
  command.own_reply = done ? &pop3::kReplyNoop : &pop3::kReplyNoSuchMessage;
  command.multi_line = false;
  if (done) CountMarks(command);
  return false;
}

// --- what is learned on the way

void Relay::LearnListing(bool ok) {
  if (ok && kept_->reader.valid()) return kept_->view.Learn(kept_->reader.Take(), true);
  if (ok) return;
  listing_asked_ = false;
  ++listings_refused_;
}

// From the answer to STAT. With messages marked it counts only a part.
void Relay::LearnCount() {
  if (told_count_ || deletes_marked_ > 0) return;
  const auto reply = pop3::ParseReply(traffic_->framer.status_line());
  if (!reply) return;
  const size_t begin = std::min(reply->text.find_first_not_of(' '), reply->text.size());
  uint32_t count = 0;
  const char* end = reply->text.data() + reply->text.size();
  const auto [stopped, error] = std::from_chars(reply->text.data() + begin, end, count);
  if (error == std::errc()) told_count_ = count;
}

void Relay::CountMarks(const PendingCommand& command) {
  if (command.verb == Verb::kDele) {
    ++deletes_marked_;
    if (command.message == 0) mode_changed_ = true;
    if (kept_ != nullptr) kept_->view.Mark(command.message);
  }
  if (command.verb == Verb::kRset) {
    deletes_marked_ = 0;
    marks_missed_ = false;
    if (kept_ != nullptr) kept_->view.UnmarkAll();
  }
}

}  // namespace poplar::session
