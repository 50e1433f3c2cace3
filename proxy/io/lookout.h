#pragma once

#include <cassert>

#include "proxy/io/waker.h"

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
  // `ended` is woken when it has ended, whyever.
  explicit Lookout(Waker& ended) : ended_(ended) {}
  ~Lookout() { assert(!in_flight_); }
  Lookout(const Lookout&) = delete;
  Lookout& operator=(const Lookout&) = delete;

  // Not while it is in flight. It may have ended when this returns.
  void Begin(Proactor& proactor, SocketId socket);
  bool in_flight() const { return in_flight_; }

  // --- for worlds
  SocketId socket() const { return socket_; }
  void Complete() {
    assert(in_flight_);
    in_flight_ = false;
    ended_.Wake();
  }

 private:
  Waker& ended_;
  SocketId socket_{};
  bool in_flight_ = false;
};

}  // namespace poplar::io
