#pragma once

#include <cstdint>

#include "proxy/io/stream.h"
#include "proxy/io/task_scope.h"
#include "tests/simulation/echo_scenario.h"
#include "tests/simulation/sim_proactor.h"

namespace poplar::simulation {

// One worker of a server that sends back what it gets, until the client ends.
class EchoServer {
 public:
  EchoServer(SimProactor& proactor, EchoMistake mistake);

  void Start(const io::Address& address);
  // No more connections; those that there are go on to their end.
  void Stop();
  bool idle() const { return scope_.count() == 0; }
  io::Address address() const { return address_; }

 private:
  // As long as POP3 lets a client be silent.
  static constexpr io::Duration kIdleTimeout = std::chrono::minutes(10);

  io::Task<void> AcceptAll();
  io::Task<void> Serve(io::SocketId socket);
  io::Task<io::Result<>> Echo(io::Stream& stream, io::Duration timeout);

  SimProactor& proactor_;
  const EchoMistake mistake_;
  io::TaskScope scope_;
  io::SocketId listener_ = io::SocketId::kNone;
  io::Address address_;
};

}  // namespace poplar::simulation
