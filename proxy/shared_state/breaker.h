#pragma once

#include "proxy/io/clock.h"

namespace poplar::shared_state {

// Whether the store is worth waiting for. Without it each login would pay the timeout while the
// store is slow; with it a few do, until the store has answered in time again. Pure; one thread.
class Breaker {
 public:
  static constexpr int kTimeoutsMax = 3;  // in a row
  static constexpr int kAnswersMin = 2;   // in time and in a row, of a store that was too slow

  explicit Breaker(io::Duration timeout) : timeout_(timeout) {}

  bool closed() const { return closed_; }

  // It was reached, and has answered.
  void OnConnected() {
    closed_ = true;
    timeouts_ = answers_ = 0;
  }
  void OnLost() { closed_ = false; }
  // Somebody gave up waiting.
  void OnTimeout() {
    answers_ = 0;
    if (++timeouts_ >= kTimeoutsMax) closed_ = false;
  }
  // Whatever was asked of it; it may have taken too long.
  void OnAnswer(io::Duration took) {
    if (took > timeout_) return OnTimeout();
    timeouts_ = 0;
    if (!closed_ && ++answers_ >= kAnswersMin) OnConnected();
  }

 private:
  const io::Duration timeout_;
  bool closed_ = false;
  int timeouts_ = 0;
  int answers_ = 0;
};

}  // namespace poplar::shared_state
