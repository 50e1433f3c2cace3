#pragma once

#include "balancer/moves.h"
#include "proxy/io/timer_wheel.h"

namespace poplar::session {

// A session's last while, once its user has been moved elsewhere: it is counted as one that has to
// end, and there is a time by which it must.
class Departure {
 public:
  Departure(balancer::Moves::Counts& counts, io::TimerWheel& timers, io::Timer::Callback cut_off,
            void* context, io::Time at)
      : counts_(counts), timer_(timers, cut_off, context) {
    ++counts_.ending;
    timer_.Arm(at);
  }
  ~Departure() { --counts_.ending; }

  // It has ended for the move's sake, and not just meanwhile.
  void Ended() { ++counts_.ended; }

 private:
  balancer::Moves::Counts& counts_;
  io::Timer timer_;
};

}  // namespace poplar::session
