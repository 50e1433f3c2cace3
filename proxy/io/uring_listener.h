#pragma once

#include <deque>
#include <utility>

#include "proxy/io/kernel_socket.h"
#include "proxy/io/uring_proactor.h"

namespace poplar::io {

// A listening socket: one multishot accept, and what it brought that nobody took yet.
struct UringProactor::Listener {
  Listener(UringProactor& owner, int listening)
      : proactor(owner),
        descriptor(listening),
        pause(
            owner.timers(),
            [](void* context) {
              auto* self = static_cast<Listener*>(context);
              self->proactor.ArmAccept(*self);
            },
            this) {}

  struct Arrived {
    int descriptor;
    Address peer;
  };

  UringProactor& proactor;
  int descriptor;
  Address local;  // of all that it brings; none: each has its own
  bool begun = false;
  bool armed = false;
  bool aborted = false;
  std::deque<Arrived> arrived;
  AcceptOperation* waiting = nullptr;
  Timer pause;

  void Deliver() {
    if (waiting == nullptr || arrived.empty()) return;
    const Arrived accepted = arrived.front();
    arrived.pop_front();
    AcceptOperation* operation = std::exchange(waiting, nullptr);
    operation->peer = accepted.peer;
    operation->local = local == Address() ? LocalAddressOf(accepted.descriptor) : local;
    operation->Complete(accepted.descriptor);
  }
  // Once all that the kernel brought is handed out.
  void EndAborted() {
    if (waiting != nullptr && !armed) std::exchange(waiting, nullptr)->Complete(-ECANCELED);
  }
};

}  // namespace poplar::io
