#pragma once

#include <utility>

#include "proxy/io/proactor.h"
#include "proxy/io/sync.h"
#include "proxy/io/task.h"
#include "proxy/io/timer_wheel.h"

namespace poplar::session {

// A wait of one coroutine's for nothing but time, which others may cut short. One thread.
class Pause {
 public:
  explicit Pause(io::Proactor& proactor)
      : awake_(proactor.ready()),
        timer_(
            proactor.timers(), [](void* context) { static_cast<Pause*>(context)->awake_.Signal(); },
            this) {}

  io::Task<void> Until(io::Time at) {
    if (ended_) co_return;
    timer_.Arm(at);
    co_await awake_.Wait();
    timer_.Disarm();
  }

  // Ends this wait and all later ones.
  void End() {
    if (std::exchange(ended_, true) || !timer_.armed()) return;
    timer_.Disarm();
    awake_.Signal();
  }

 private:
  io::Event awake_;
  io::Timer timer_;
  bool ended_ = false;
};

}  // namespace poplar::session
