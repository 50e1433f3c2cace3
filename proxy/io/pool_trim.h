#pragma once

#include "proxy/io/buffer.h"
#include "proxy/io/clock.h"
#include "proxy/io/frame_pool.h"
#include "proxy/io/timer_wheel.h"

namespace poplar::io {

// Has a worker's buffer pool, and its thread's coroutine frames, give back once a second what
// nobody wanted.
class PoolTrim {
 public:
  PoolTrim(BufferPool& pool, TimerWheel& timers, const Clock& clock)
      : pool_(pool),
        clock_(clock),
        timer_(timers, [](void* context) { static_cast<PoolTrim*>(context)->Trim(); }, this) {}

  void Start() { timer_.Arm(clock_.Now() + kInterval); }
  void Stop() { timer_.Disarm(); }

 private:
  static constexpr Duration kInterval = std::chrono::seconds(1);

  void Trim() {
    pool_.Trim();
    TrimFrames();
    Start();
  }

  BufferPool& pool_;
  const Clock& clock_;
  Timer timer_;
};

}  // namespace poplar::io
