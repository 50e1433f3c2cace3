#pragma once

#include "proxy/io/proactor.h"
#include "proxy/io/stream.h"

namespace poplar::io {

// While it lives: when `timeout` has passed, aborts the stream, so that whoever awaits it returns;
// expired() then says that the clock did it. One that is over already does so at once: whoever sets
// it anew for each read would otherwise gain a step of the wheel with each.
class Deadline {
 public:
  Deadline(Proactor& proactor, Time at, Stream& stream)
      : stream_(stream), timer_(proactor.timers(), &Deadline::OnExpiry, this) {
    if (at > proactor.Now()) {
      timer_.Arm(at);
    } else {
      OnExpiry(this);
    }
  }
  Deadline(Proactor& proactor, Duration timeout, Stream& stream)
      : Deadline(proactor, proactor.Now() + timeout, stream) {}
  bool expired() const { return expired_; }

 private:
  static void OnExpiry(void* context) {
    auto* self = static_cast<Deadline*>(context);
    self->expired_ = true;
    self->stream_.Abort();
  }

  Stream& stream_;
  bool expired_ = false;
  Timer timer_;
};

}  // namespace poplar::io
