#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "proxy/io/deadline.h"
#include "proxy/io/socket_stream.h"
#include "tests/simulation/sim_proactor.h"

namespace poplar::simulation {

// One end of a connection in the hands of a scripted client or node: a coroutine that reads and
// writes as its script says. Every call but the constructors' may fail with the error of the stream
// below. Must outlive the tasks of its calls; destroying it closes the connection.
class ScriptedPeer {
 public:
  // A connection that was accepted.
  ScriptedPeer(SimProactor& proactor, io::SocketId socket);
  // A connection to be made with Connect.
  explicit ScriptedPeer(SimProactor& proactor);
  ~ScriptedPeer();
  ScriptedPeer(const ScriptedPeer&) = delete;
  ScriptedPeer& operator=(const ScriptedPeer&) = delete;

  io::Task<io::Result<>> Connect(io::Address to);
  io::Task<io::Result<>> Send(std::string bytes);

  // Up to LF, which is left out together with a CR before it. EMSGSIZE when `most` bytes hold no
  // LF, ECONNRESET when the stream ends before one.
  io::Task<io::Result<std::string>> ReadLine(size_t most = 4096);
  // Exactly so many bytes; ECONNRESET when the stream ends before.
  io::Task<io::Result<std::string>> ReadExactly(size_t count);
  // Until the orderly end. EMSGSIZE when there are more than `most`.
  io::Task<io::Result<std::string>> ReadToEnd(size_t most = 1024 * 1024);
  // Reads a line and fails the world if it is another one.
  io::Task<io::Result<>> ExpectLine(std::string line);

  io::Task<io::Result<>> ShutdownWrite();
  void Abort() { stream_->Abort(); }
  // Ends the connection at once, with an RST. What is running ends with ECANCELED.
  void Reset();

  io::Stream& stream() { return *stream_; }
  SimProactor& proactor() { return proactor_; }

 private:
  io::Task<io::Result<>> Fill();

  SimProactor& proactor_;
  io::SocketId socket_;
  std::unique_ptr<io::SocketStream> stream_;
  std::string unread_;
  bool at_end_ = false;
};

}  // namespace poplar::simulation
