#pragma once

#include <optional>

#include "proxy/io/proactor.h"
#include "proxy/io/stream.h"
#include "proxy/io/sync.h"
#include "proxy/session/client_input.h"

namespace poplar::session {

// A login's waits in which no node is asked anything: for a slot, for a node to come back, before
// another try. Meanwhile the client is watched, so that one that leaves gives its place up. One
// session's, one thread.
class Patience {
 public:
  enum class Wake : uint8_t {
    kTime,
    kSignal,
    kClientLeft,
    kEnded,  // Poplar drains or stops
  };

  // Nothing else reads from the client during a wait. All outlive it.
  // `watches`: false where the client is to be left alone.
  Patience(io::Proactor& proactor, io::Stream& client, ClientInput& input, bool watches = true);

  // Until `at`, or sooner. What the client sends meanwhile is kept in the input. A client that has
  // commands waiting there isn't read from, and so can't be seen to leave: it may have closed its
  // half and still want the answers.
  io::Task<Wake> Until(io::Time at);

  // What is waited for has come; forgotten when nobody waits.
  void Signal();
  // Ends this wait and all later ones.
  void End();

  // How the client left.
  std::optional<int> client_error() const { return client_error_; }  // 0: end of file
  uint64_t bytes_received() const { return bytes_received_; }

 private:
  io::Task<void> Watch();
  io::Task<void> Sleep();
  void WakeUp(Wake wake);

  io::Proactor& proactor_;
  io::Stream& client_;
  ClientInput& input_;
  io::Event awake_;
  io::Timer timer_;
  const bool watches_;
  bool waiting_ = false;
  bool reading_ = false;
  bool ended_ = false;
  std::optional<Wake> wake_;
  std::optional<int> client_error_;
  uint64_t bytes_received_ = 0;
};

}  // namespace poplar::session
