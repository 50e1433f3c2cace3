#include "proxy/session/patience.h"

#include <utility>

namespace poplar::session {

Patience::Patience(io::Proactor& proactor, io::Stream& client, ClientInput& input, bool watches)
    : proactor_(proactor),
      client_(client),
      input_(input),
      awake_(proactor.ready()),
      timer_(
          proactor.timers(),
          [](void* context) { static_cast<Patience*>(context)->WakeUp(Wake::kTime); }, this),
      watches_(watches) {}

io::Task<Patience::Wake> Patience::Until(io::Time at) {
  if (ended_) co_return Wake::kEnded;
  if (client_error_) co_return Wake::kClientLeft;
  wake_.reset();
  waiting_ = true;
  timer_.Arm(at);
  co_await io::WhenBoth(proactor_.ready(), Watch(), Sleep());
  waiting_ = false;
  co_return *wake_;
}

io::Task<void> Patience::Sleep() {
  co_await awake_.Wait();
  timer_.Disarm();
  if (reading_) client_.CancelRead();
}

io::Task<void> Patience::Watch() {
  while (watches_ && !wake_ && input_.lines.unread().empty()) {
    input_.Release();
    reading_ = true;
    io::Result<io::Buffer> more = co_await client_.Read();
    reading_ = false;
    if (more && !more->empty()) {
      bytes_received_ += more->size();
      input_.Feed(std::move(*more));
      input_.Stow();
      continue;
    }
    if (!more && more.error().cancelled()) break;
    client_error_ = more ? 0 : more.error().code;
    WakeUp(Wake::kClientLeft);
  }
}

void Patience::WakeUp(Wake wake) {
  if (wake_) return;
  wake_ = wake;
  awake_.Signal();
}

void Patience::Signal() {
  if (waiting_) WakeUp(Wake::kSignal);
}

void Patience::End() {
  ended_ = true;
  if (waiting_) WakeUp(Wake::kEnded);
}

}  // namespace poplar::session
