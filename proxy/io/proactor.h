#pragma once

#include <coroutine>
#include <cstdint>
#include <functional>
#include <string_view>
#include <utility>

#include "proxy/io/address.h"
#include "proxy/io/buffer.h"
#include "proxy/io/clock.h"
#include "proxy/io/lookout.h"
#include "proxy/io/result.h"
#include "proxy/io/run_list.h"
#include "proxy/io/timer_wheel.h"

namespace poplar::io {

class Proactor;

// A socket of one world: a file descriptor in the real ones, an index in the simulated one.
enum class SocketId : int32_t { kNone = -1 };

struct Accepted {
  SocketId socket = SocketId::kNone;
  Address peer;
  Address local;  // where the peer has connected to
};

// An operation in the hands of a world. It lives in the frame of the coroutine that awaits it, and
// that frame outlives it: a world may write to it until it has called Complete, and never
// afterwards.
class Operation : Waiter {
 public:
  explicit Operation(Proactor& proactor, SocketId socket) : proactor_(proactor), socket_(socket) {}
  ~Operation();

  bool await_ready() { return false; }
  SocketId socket() const { return socket_; }

  // --- for worlds
  bool in_flight() const { return in_flight_; }
  // A result >= 0 or a negative errno; queues the coroutine.
  void Complete(int result);

 protected:
  void Begin(std::coroutine_handle<> waiting) {
    handle = waiting;
    in_flight_ = true;
  }

  Proactor& proactor_;
  SocketId socket_;
  int result_ = 0;
  bool in_flight_ = false;
};

class AcceptOperation : public Operation {
 public:
  using Operation::Operation;
  void await_suspend(std::coroutine_handle<> waiting);
  Result<Accepted> await_resume();

  Address peer, local;  // for worlds: filled in before Complete(socket)
};

class ConnectOperation : public Operation {
 public:
  ConnectOperation(Proactor& proactor, SocketId socket, const Address& to)
      : Operation(proactor, socket), peer(to) {}
  void await_suspend(std::coroutine_handle<> waiting);
  Result<> await_resume();

  Address peer;
};

class ReceiveOperation : public Operation {
 public:
  using Operation::Operation;
  void await_suspend(std::coroutine_handle<> waiting);
  Result<Buffer> await_resume();

  Buffer buffer;  // for worlds: set, with its bytes, before Complete(their number)
};

class SendOperation : public Operation {
 public:
  SendOperation(Proactor& proactor, SocketId socket, std::string_view bytes, bool more_follows)
      : Operation(proactor, socket), rest(bytes), more(more_follows) {}
  bool await_ready() { return rest.empty(); }
  void await_suspend(std::coroutine_handle<> waiting);
  Result<> await_resume();

  std::string_view rest;  // for worlds: what is still to be sent
  const bool more;        // something follows at once: a packet that isn't full may wait for it
};

class SleepOperation : Waiter {
 public:
  SleepOperation(Proactor& proactor, Duration duration);
  bool await_ready() { return false; }
  void await_suspend(std::coroutine_handle<> waiting);
  void await_resume() {}

 private:
  Proactor& proactor_;
  Duration duration_;
  Timer timer_;
};

struct ListenOptions {
  int backlog = 4096;
  bool reuse_port = true;  // every worker has a listener of its own on the same address
};

inline constexpr std::array<Duration, 9> kTurnBounds = {
    std::chrono::microseconds(100), std::chrono::milliseconds(1),   std::chrono::milliseconds(5),
    std::chrono::milliseconds(10),  std::chrono::milliseconds(25),  std::chrono::milliseconds(50),
    std::chrono::milliseconds(100), std::chrono::milliseconds(250), std::chrono::seconds(1)};

// Plain numbers for the metrics; written by the worker.
struct ProactorCounters {
  uint64_t turns = 0;
  uint64_t buffer_starvations = 0;  // a receive found no buffer
  uint64_t completion_overflows = 0;
  uint64_t accept_errors = 0;
  // Of turns of the loop, from waking to the next wait: how many took at most so long, the last one
  // for those that took longer; and how long all took together. The simulation has no such times.
  std::array<uint64_t, kTurnBounds.size() + 1> turns_by_length{};
  Duration busy{};
};

// The world of a worker: network, time and randomness, and the loop that runs the coroutines.
// Everything above proxy/io reaches the outside only through this contract; io_uring, epoll
// and the simulation implement it.
//
// Contract, the same in every world:
// - One thread. Only PostFromAnyThread may be called from another one.
// - At most one receive (or a lookout in its place), one send and one connect are in flight a
// socket.
// - Receive brings at least one byte, or an empty buffer at the end of the stream, or an error;
// never more than
//   kReceiveBytesMax. While no buffer is free it waits; nobody sees that but a counter.
// - Send brings all bytes to the kernel or fails; the bytes belong to it until then. It never
// raises SIGPIPE.
// - Abort makes every operation of the socket end soon (with ECANCELED, or the result it just had).
// CancelReceive does so
//   for the receive alone. Both may find nothing to do. What a listener has accepted before it was
//   aborted is still handed out.
// - Close is legal only when nothing is in flight on the socket. The number may then be used again.
class Proactor {
 public:
  Proactor(const Clock& clock, Random& random, size_t buffer_bytes_max)
      : clock_(clock), random_(random), buffers_(buffer_bytes_max, ready_), timers_(clock.Now()) {}
  virtual ~Proactor() = default;
  Proactor(const Proactor&) = delete;
  Proactor& operator=(const Proactor&) = delete;

  // Listens now; port 0 takes a free one. May be called before Run, from the thread that sets the
  // worker up.
  virtual Result<SocketId> Listen(const Address& address, const ListenOptions& options) = 0;
  // The same with a descriptor that listens already: another process's, or the service manager's.
  // It belongs to the world from here on. A world without descriptors has no use for one.
  virtual Result<SocketId> ListenOn(int descriptor);
  virtual Address LocalAddress(SocketId socket) = 0;
  // A socket to connect with.
  virtual Result<SocketId> OpenSocket(int family) = 0;

  AcceptOperation Accept(SocketId listener) { return AcceptOperation(*this, listener); }
  ConnectOperation Connect(SocketId socket, const Address& to) {
    return ConnectOperation(*this, socket, to);
  }
  ReceiveOperation Receive(SocketId socket) { return ReceiveOperation(*this, socket); }
  SendOperation Send(SocketId socket, std::string_view bytes, bool more = false) {
    return SendOperation(*this, socket, bytes, more);
  }
  SleepOperation Sleep(Duration duration) { return SleepOperation(*this, duration); }

  virtual void CancelReceive(SocketId socket) = 0;
  virtual void Abort(SocketId socket) = 0;
  virtual void ShutdownWrite(SocketId socket) = 0;
  virtual void Close(SocketId socket) = 0;

  // A connected socket changes workers: Detach here, Adopt there. Both legal only while nothing is
  // in flight on it; in between it belongs to nobody and nothing may be asked of it. The number
  // stays, within one world.
  virtual void Detach(SocketId socket) = 0;
  virtual void Adopt(SocketId socket) = 0;
  // Whether the peer of a connected socket has said nothing that wasn't received, and has not
  // closed. Not while a receive is in flight.
  virtual bool Quiet(SocketId socket) = 0;
  // Whether the last receive is likely to have left something behind.
  virtual bool DataLikely(SocketId /*socket*/) { return false; }
  // Takes of what has come `most` bytes, and doesn't wait itself: nothing there, and the end of the
  // stream, bring nothing. There must be room for them. Not while a receive is in flight.
  virtual Result<> ReceiveWaiting(SocketId socket, Buffer& into, size_t most) = 0;

  // Runs until Stop; returns when the turn in which Stop was called has ended.
  virtual void Run() = 0;
  void Stop() { stopped_ = true; }
  virtual void PostFromAnyThread(std::function<void()> function) = 0;

  const Clock& clock() const { return clock_; }
  Random& random() { return random_; }
  TimerWheel& timers() { return timers_; }
  BufferPool& buffers() { return buffers_; }
  RunList& ready() { return ready_; }
  Time Now() const { return clock_.Now(); }
  const ProactorCounters& counters() const { return counters_; }

 protected:
  friend class AcceptOperation;
  friend class ConnectOperation;
  friend class ReceiveOperation;
  friend class SendOperation;
  friend class Lookout;
  virtual void StartAccept(AcceptOperation& operation) = 0;
  virtual void StartConnect(ConnectOperation& operation) = 0;
  virtual void StartReceive(ReceiveOperation& operation) = 0;
  virtual void StartSend(SendOperation& operation) = 0;
  virtual void StartLookout(Lookout& lookout) = 0;

  // Resumes what is ready, at most `most` coroutines, so that completions get their turn too.
  void RunReady(int most);

  RunList ready_;  // before whoever queues on it
  bool stopped_ = false;
  ProactorCounters counters_;

 private:
  const Clock& clock_;
  Random& random_;
  BufferPool buffers_;
  TimerWheel timers_;
};

}  // namespace poplar::io
