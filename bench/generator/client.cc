#include "bench/generator/client.h"

#include <algorithm>

namespace poplar::bench {
namespace {

// No server of any scenario is allowed as long for one answer.
constexpr std::chrono::seconds kPatience(30);

char shared_buffer[256 * 1024];  // one thread; nothing stays in it

}  // namespace

Client::Progress Client::Begin(const sockaddr_storage& source, const Dialogue& dialogue, Time due,
                               bool counts, Time now) {
  dialogue_ = dialogue;
  replies_ = {};
  state_ = State::kConnecting;
  step_ = 0;
  counts_ = counts;
  resumed_ = false;
  due_ = message_from_ = due;
  begun_ = last_byte_ = now;
  longest_wait_ = {};
  auto wire = Wire::Open(settings_.server, source, settings_.context, &ticket_, settings_.resume);
  if (!wire) return Fail(Failure::kConnect);
  wire_ = std::make_unique<Wire>(std::move(*wire));
  return Progress::kGoesOn;
}

Client::Progress Client::OnReady(Time now) { return busy() ? Advance(now) : Progress::kEnded; }

Client::Progress Client::Advance(Time now) {
  if (state_ == State::kConnecting) {
    if (wire_->ConnectError() != 0) return Fail(Failure::kConnect);
    state_ = State::kHandshake;
  }
  if (state_ == State::kHandshake) {
    const TlsResult result = wire_->Handshake();
    if (result == TlsResult::kAgain) return Progress::kGoesOn;
    if (result != TlsResult::kDone) return Fail(Failure::kTls);
    resumed_ = wire_->resumed();
    tally_.StepDone("connected", now - begun_, counts_);
    state_ = State::kTalking;
    BeginStep(0, now);
  }
  return Talk();
}

// An answer may be there at once: each read has a moment of its own.
Client::Progress Client::Talk() {
  for (;;) {
    if (!unsent_.empty()) {
      const TlsResult sent = wire_->Write(unsent_);
      if (sent == TlsResult::kClosed || sent == TlsResult::kFailed) return Fail(Failure::kClosed);
    }
    size_t got = 0;
    const TlsResult result = wire_->Read(shared_buffer, sizeof(shared_buffer), got);
    if (result == TlsResult::kAgain) return held() ? Progress::kHeld : Progress::kGoesOn;
    const Time now = std::chrono::steady_clock::now();
    if (result != TlsResult::kDone)
      return state_ == State::kLeaving ? End(now) : Fail(Failure::kClosed);
    longest_wait_ = std::max<std::chrono::nanoseconds>(longest_wait_, now - last_byte_);
    last_byte_ = now;
    tally_.Received(got);
    if (state_ != State::kTalking || !replies_.Feed({shared_buffer, got}))
      return Fail(Failure::kStray);
    if (replies_.refused()) return Fail(Failure::kRefused);
    if (!replies_.done()) continue;
    const Progress progress = OnAnswered(now);
    if (progress == Progress::kEnded) return progress;
  }
}

Client::Progress Client::OnAnswered(Time now) {
  tally_.StepDone(step().name, now - begun_, counts_);
  if (step().name == "RETR") MessageCame(now);
  if (step().name == "PASS") tally_.StepDone("due to logged in", now - due_, counts_);
  if (step_ + 1 < dialogue_.size()) {
    BeginStep(step_ + 1, now);
    return Progress::kGoesOn;
  }
  state_ = settings_.hold && step().name != "QUIT" ? State::kHeld : State::kLeaving;
  return Progress::kGoesOn;
}

// What its session waited for before belongs to the first message, so that all of them together
// took as long as the user waited.
void Client::MessageCame(Time now) {
  tally_.StepDone("message", now - message_from_, counts_);
  if (settings_.journal != nullptr && counts_) settings_.journal->Came(now, now - message_from_);
  message_from_ = now;
}

void Client::BeginStep(size_t index, Time now) {
  step_ = index;
  begun_ = last_byte_ = now;
  unsent_ = step().commands;
  replies_.Expect(step().answers);
}

Client::Progress Client::Release(Time now) {
  if (!held()) return Progress::kGoesOn;
  dialogue_.push_back(QuitStep());
  state_ = State::kTalking;
  BeginStep(dialogue_.size() - 1, now);
  return Talk();
}

Client::Progress Client::Look(Time now) {
  if (!busy() || held() || now - last_byte_ < kPatience) return Progress::kGoesOn;
  return Fail(Failure::kTimeout);
}

Client::Progress Client::Fail(Failure failure) {
  static const std::string kConnecting = "connecting";
  const bool talking = state_ != State::kConnecting && state_ != State::kHandshake;
  const Time now = std::chrono::steady_clock::now();
  tally_.SessionFailed(failure, talking ? step().name : kConnecting, now - due_, counts_);
  if (settings_.journal != nullptr && counts_) {
    for (size_t i = step_; i < dialogue_.size(); ++i)
      if (dialogue_[i].name == "RETR") settings_.journal->Lost(now);
  }
  wire_.reset();
  return Progress::kEnded;
}

// The server has closed, as after QUIT it should: its side has the TIME_WAIT, and ports last.
Client::Progress Client::End(Time now) {
  wire_->Finish();
  wire_.reset();
  tally_.SessionDone(now - due_, resumed_, counts_);
  tally_.Stalled(longest_wait_, counts_);
  return Progress::kEnded;
}

}  // namespace poplar::bench
