#pragma once

#include "proxy/io/proactor.h"
#include "proxy/io/sync.h"

namespace poplar::upstream {

// Wakes a coroutine at a time, or earlier when somebody rings. One thread.
class Alarm {
 public:
  explicit Alarm(io::Proactor& proactor)
      : rung_(proactor.ready()), timer_(proactor.timers(), &Alarm::OnTime, this) {}

  // Remembered, once, while nobody waits.
  void Ring() { rung_.Signal(); }

  // `co_await alarm.Until(time)`. It may return early for an earlier ring: look at the clock.
  io::Event::Awaiter Until(io::Time time) {
    timer_.Arm(time);
    return rung_.Wait();
  }

 private:
  static void OnTime(void* context) { static_cast<Alarm*>(context)->Ring(); }

  io::Event rung_;
  io::Timer timer_;
};

}  // namespace poplar::upstream
