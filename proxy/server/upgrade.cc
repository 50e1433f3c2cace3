#include "proxy/server/upgrade.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "proxy/handover/ticket_file.h"

namespace poplar::server {
namespace {

using handover::FrameKind;
using handover::FrameOf;
using handover::FramesOf;
using handover::Tag;

constexpr io::Duration kSendPatience = std::chrono::seconds(10);

template <class Facts>
std::vector<std::string> Frames(FrameKind kind, Tag tag, const std::vector<Facts>& facts) {
  std::vector<handover::Fields> records;
  records.reserve(facts.size());
  for (const Facts& each : facts) records.push_back(FieldsOf(each));
  return FramesOf(kind, tag, records);
}

}  // namespace

void Upgrade::Start(const handover::Program& program, io::Time now) {
  deadline_ = now + kPatience;
  auto ends = io::ProcessChannel::Open();
  if (!ends) return Fail("no channel to a new process: " + ends.error().Text());
  channel_ = std::move(ends->first);
  auto child = program.Start(ends->second.descriptor());
  if (!child) return Fail(program.path() + " can't be started: " + child.error().Text());
  child_ = *child;
  log_.Info("upgrade: " + program.path() + " is started as process " + std::to_string(pid()));
  if (const auto sent = Prepare(); !sent)
    Fail("nothing can be told to the new process: " + sent.error().Text());
}

io::Result<> Upgrade::Prepare() {
  auto sent = SendSockets();
  const auto keys = server_.ticket_keys();
  if (sent && keys != nullptr) {
    const io::Descriptor file = handover::WriteTicketFile(*keys);
    if (file) sent = channel_.Send(FrameOf(FrameKind::kTicketKeys), kSendPatience, {file.get()});
  }
  if (sent) sent = channel_.Send(FrameOf(FrameKind::kPrepare), kSendPatience);
  return sent;
}

// Some at a time: a message carries so many descriptors and no more.
io::Result<> Upgrade::SendSockets() {
  const std::vector<Listeners::Handed> sockets = server_.Sockets();
  for (size_t first = 0; first < sockets.size(); first += io::ProcessChannel::kDescriptorsMax) {
    const size_t end = std::min(sockets.size(), first + io::ProcessChannel::kDescriptorsMax);
    handover::Fields fields;
    std::vector<int> descriptors;
    for (size_t i = first; i < end; ++i) {
      fields.Nested(Tag::kSocket, FieldsOf(sockets[i].facts));
      descriptors.push_back(sockets[i].descriptor);
    }
    const auto sent =
        channel_.Send(FrameOf(FrameKind::kSockets, fields), kSendPatience, descriptors);
    if (!sent) return sent;
  }
  return {};
}

io::Result<> Upgrade::SendAll(const std::vector<std::string>& frames) {
  for (const std::string& frame : frames) {
    if (const auto sent = channel_.Send(frame, kSendPatience); !sent) return sent;
  }
  return {};
}

Upgrade::State Upgrade::Look(io::Time now) {
  if (state_ == State::kPreparing || state_ == State::kTakingOver) Listen();
  if (state_ == State::kPreparing && std::exchange(prepared_, false)) OnPrepared(now);
  if ((state_ == State::kPreparing || state_ == State::kTakingOver) && now >= deadline_) {
    Fail("the new process was not ready within " +
         std::to_string(std::chrono::duration_cast<std::chrono::seconds>(kPatience).count()) +
         " s");
  }
  if (state_ == State::kStopping && (!child_ || child_->Ended())) GoOn();
  return state_;
}

void Upgrade::Listen() {
  for (;;) {
    const auto message = channel_.Receive(io::Duration::zero());
    if (!message && message.error().code == ETIMEDOUT) break;
    if (!message) {
      const auto end = child_->Ended();
      return Fail("the new process " + end.value_or("has closed its channel") +
                  "; it may have said more in its log, or on standard error");
    }
    const auto frame = handover::ParseFrame(message->bytes);
    if (!frame) continue;
    if (frame->kind == FrameKind::kFailed)
      return Fail(std::string(TextIn(frame->fields, Tag::kText)));
    if (frame->kind == FrameKind::kPrepared) prepared_ = true;
    if (frame->kind == FrameKind::kServing && state_ == State::kTakingOver) {
      server_.HandOver(std::move(channel_));
      state_ = State::kDone;
      return;
    }
  }
}

void Upgrade::OnPrepared(io::Time now) {
  on_prepared_(pid());
  state_ = State::kTakingOver;
  deadline_ = now + kTakeOverPatience;
  suspended_ = true;
  const handover::Memories memories = server_.Suspend();
  auto sent = SendAll(Frames(FrameKind::kNodes, Tag::kNode, memories.nodes));
  if (sent) sent = SendAll(Frames(FrameKind::kMoves, Tag::kMove, memories.moves));
  if (sent) sent = SendAll(Frames(FrameKind::kUsers, Tag::kUser, memories.users));
  if (sent) sent = channel_.Send(FrameOf(FrameKind::kServe), kSendPatience);
  if (!sent) Fail("nothing can be told to the new process: " + sent.error().Text());
}

void Upgrade::Fail(std::string why) {
  if (state_ == State::kStopping || state_ == State::kFailed || state_ == State::kDone) return;
  failure_ = std::move(why);
  channel_.Shutdown();
  if (child_) child_->Kill();
  state_ = State::kStopping;
}

void Upgrade::GoOn() {
  state_ = State::kFailed;
  log_.Error("upgrade: " + failure_ + ". This process goes on as before.");
  if (!std::exchange(suspended_, false)) return;
  if (const auto resumed = server_.Resume(); !resumed) log_.Error(resumed.error());
}

}  // namespace poplar::server
