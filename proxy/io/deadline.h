#pragma once

#include "proxy/io/proactor.h"
#include "proxy/io/stream.h"

namespace poplar::io {

// While it lives: when `timeout` has passed, aborts the stream, so that whoever awaits it returns;
// expired() then says that the clock did it.
class Deadline {
 public:
  Deadline(Proactor& proactor, Time at, Stream& stream)
      : stream_(stream), timer_(proactor.timers(), &Deadline::OnExpiry, this) {
    timer_.Arm(at);
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
