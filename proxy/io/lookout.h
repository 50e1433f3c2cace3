#pragma once

#include <cassert>

#include "proxy/io/sync.h"

namespace poplar::io {

class Proactor;
enum class SocketId : int32_t;

// Waits until a receive on a socket would not: its peer has said something or closed, or there is
// an error. Takes nothing, and needs neither a buffer nor a coroutine of its own: for a peer that
// is silent for long, beside others. It stands for the socket's receive: none is in flight
// meanwhile, and whatever ends a receive ends it. A world may use it until it has called Complete,
// and never afterwards.
class Lookout {
 public:
  // `ended` is signalled when it has ended, whyever.
  Lookout(Proactor& proactor, SocketId socket, Event& ended);
  ~Lookout() { assert(!in_flight_); }
  Lookout(const Lookout&) = delete;
  Lookout& operator=(const Lookout&) = delete;

  bool in_flight() const { return in_flight_; }

  // --- for worlds
  SocketId socket() const { return socket_; }
  void Complete() {
    assert(in_flight_);
    in_flight_ = false;
    ended_.Signal();
  }

 private:
  Event& ended_;
  const SocketId socket_;
  bool in_flight_ = true;
};

}  // namespace poplar::io
