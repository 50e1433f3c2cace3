// How the relay keeps to a pace. It only ever waits; what waits is held by back-pressure.
#include "proxy/session/relay.h"

namespace poplar::session {

bool Relay::TooFast() const {
  return paced_ != nullptr && proactor_.Now() < paced_->commands_from &&
         !input_.lines.unread().empty();
}

// What came before must not wait for what may come only later.
io::Task<void> Relay::HoldCommands(io::Buffer& batch) {
  input_.Stow();
  co_await SendBatch(batch);
  co_await AnswerOwnInTurn();
  if (ended_) co_return;
  meter_.HeldBack(Pacing::kCommands);
  co_await paced_->commands.Until(paced_->commands_from);
}

// After bytes that were passed on, until they are paid for. Neither end is to blame for
// its silence meanwhile.
io::Task<void> Relay::Breathe(size_t bytes) {
  const io::Duration pause = paced_->pace.OnBytes(bytes, proactor_.Now());
  if (pause == io::Duration::zero() || !running() || node_lost_) co_return;
  meter_.HeldBack(Pacing::kBytes);
  paced_->breathing = true;
  Watch();
  co_await paced_->replies.Until(proactor_.Now() + pause);
  paced_->breathing = false;
  waiting_since_ = idle_since_ = proactor_.Now();
  Watch();
}

}  // namespace poplar::session
