#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "proxy/io/socket_stream.h"
#include "proxy/io/sync.h"
#include "proxy/io/task_scope.h"
#include "tests/simulation/sim_proactor.h"

namespace poplar::upstream {

// One end of a simulated connection in the hands of a test: the test says what to send and looks at
// what came, and lets the world run in between. It reads all the time unless told not to.
//
// Before it is destroyed: Shut(), then the world must run until done().
class DrivenPeer {
 public:
  enum class End : uint8_t { kOpen, kOrderly, kReset, kOurs };

  // A connection that was accepted.
  DrivenPeer(simulation::SimProactor& machine, io::SocketId socket);
  // A connection to be made.
  DrivenPeer(simulation::SimProactor& machine, const io::Address& to);
  DrivenPeer(const DrivenPeer&) = delete;
  DrivenPeer& operator=(const DrivenPeer&) = delete;

  // Called with each whole line that came, without its line end.
  void set_on_line(std::function<void(std::string_view)> on_line) { on_line_ = std::move(on_line); }

  // In order, behind what was given before.
  void Send(std::string_view bytes);
  // A FIN behind what was given to Send. To the other end it looks like a close.
  void HalfClose();
  // An RST now.
  void Reset();
  void StopReading() { reading_ = false; }
  void GoOnReading();
  void Shut();

  const std::string& received() const { return received_; }
  void Forget() { received_.clear(); }
  End end() const { return end_; }
  bool connected() const { return connected_; }
  bool done() const { return scope_.count() == 0; }

 private:
  io::Task<void> Dial(io::Address to);
  void Begin();
  io::Task<void> ReadAll();
  io::Task<void> WriteAll();
  void OnBytes(std::string_view bytes);

  simulation::SimProactor& machine_;
  const io::SocketId socket_;
  io::SocketStream stream_;
  io::TaskScope scope_;
  io::Event more_;
  io::Event go_on_;
  std::function<void(std::string_view)> on_line_;
  std::deque<std::string> outgoing_;
  std::string received_;
  std::string line_;
  bool connected_ = false;
  bool reading_ = true;
  bool half_close_ = false;
  bool shut_ = false;
  End end_ = End::kOpen;
};

}  // namespace poplar::upstream
