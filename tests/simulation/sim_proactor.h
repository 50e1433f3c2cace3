#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "proxy/io/proactor.h"
#include "tests/simulation/network.h"
#include "tests/simulation/world.h"

namespace poplar::simulation {

// Stands before SimProactor's base io::Proactor, which keeps a reference to it.
struct InjectedRandom {
  SeededRandom injected_random;
};

// The io::Proactor of a simulated machine: sockets of a Network, time and chance of a World.
// Several may share them: a program's workers, its clients, its nodes. It checks the contract of
// io::Proactor strictly: a breach fails the world. A socket's number is its own in the whole
// network and never used again, so that every use after Close or Detach is seen.
class SimProactor final : private InjectedRandom,
                          public io::Proactor,
                          private SocketOwner,
                          private Actor {
 public:
  // `host`: the machine's address; its port doesn't matter.
  SimProactor(Network& network, std::string_view name, const io::Address& host);
  ~SimProactor() override;

  io::Result<io::SocketId> Listen(const io::Address& address,
                                  const io::ListenOptions& options) override;
  io::Address LocalAddress(io::SocketId socket) override;
  io::Result<io::SocketId> OpenSocket(int family) override;

  void CancelReceive(io::SocketId socket) override;
  void Abort(io::SocketId socket) override;
  void ShutdownWrite(io::SocketId socket) override;
  void Close(io::SocketId socket) override;
  void Detach(io::SocketId socket) override;
  void Adopt(io::SocketId socket) override;
  bool Quiet(io::SocketId socket) override;
  bool DataLikely(io::SocketId socket) override;
  io::Result<> ReceiveWaiting(io::SocketId socket, io::Buffer& into, size_t most) override;

  // Drives the whole world until Stop; for code that brings its own main loop.
  void Run() override;
  void PostFromAnyThread(std::function<void()> function) override;

  // --- for scenarios
  const io::Address& host() const { return host_; }
  World& world() { return world_; }
  // For Log and Note.
  int actor() const { return actor_; }
  // Sends an RST now. What is in flight ends with ECANCELED; Close is still due.
  void Reset(io::SocketId socket);
  // The process dies: every peer gets an RST, whatever is in flight here ends with ECANCELED and
  // so does all that is begun later, with sockets that were detached here or are adopted later,
  // too. The coroutines still have to unwind.
  void Kill();
  // The process stands still, as under SIGSTOP, or goes on: the kernel still takes connections and
  // bytes for it, as far as its buffers go.
  void Freeze(bool frozen);
  // From now on each `every`th of what is posted comes `late`; never, if that is the longest
  // duration there is. A mistake for scenarios to plant.
  void set_post_mishap(int every, io::Duration late) {
    mishap_every_ = every;
    mishap_late_ = late;
  }
  size_t open_sockets() const { return sockets_.size(); }
  // How many of them somebody looks out on.
  size_t lookouts() const;
  // Whether a connection from this address of ours has not been closed yet, whichever proactor of
  // the machine owns it by now.
  bool IsOpen(const io::Address& local) const { return network_.IsOpenFrom(local); }
  // Fails the world unless all sockets are closed, all buffers back, no timer armed and nobody
  // ready.
  void MustBeIdle();

 private:
  enum class State : uint8_t { kFresh, kConnecting, kConnected, kListening };
  struct Socket {
    State state = State::kFresh;
    bool aborted = false;
    bool cancelled = false;    // the abort has taken effect
    bool starved = false;      // its receive waits for a buffer
    bool poll_queued = false;  // a look at it is due
    Side side = Side::kClient;
    Connection* connection = nullptr;
    io::Address local;
    io::AcceptOperation* accept = nullptr;
    io::ConnectOperation* connect = nullptr;
    io::ReceiveOperation* receive = nullptr;
    io::Lookout* lookout = nullptr;
    io::SendOperation* send = nullptr;
    uint32_t receive_number =
        0;  // of its latest, or of the lookout, so that a cancellation meets its own
    bool busy() const {
      return accept != nullptr || connect != nullptr || receive != nullptr || lookout != nullptr ||
             send != nullptr;
    }
  };

  void StartAccept(io::AcceptOperation& operation) override;
  void StartConnect(io::ConnectOperation& operation) override;
  void StartReceive(io::ReceiveOperation& operation) override;
  void StartSend(io::SendOperation& operation) override;
  void StartLookout(io::Lookout& lookout) override;

  void OnReadiness(int32_t socket) override;
  void OnConnected(int32_t socket, int error) override;
  void Poke() override;

  Socket& At(io::SocketId id, const char* who);
  // Null: closed or detached.
  Socket* Find(int32_t number);
  io::SocketId NewSocket();
  int32_t NumberOf(io::SocketId id) const { return static_cast<int32_t>(id); }
  void QueuePoll(int32_t number);
  void Poll(int32_t number);
  void TryAccept(int32_t number);
  // False if it has to wait for a buffer.
  bool TryReceive(int32_t number);
  void TrySend(int32_t number);
  void TryLookout(int32_t number);
  void CancelAll(int32_t number);
  void ResetNow(int32_t number);
  void Turn();
  void FeedStarved();
  void QueueTurn();
  io::Duration CancelDelay();
  // What the world calls; the context is the SimProactor.
  static void OnPoll(void* context, uint64_t socket);
  static void OnTurn(void* context, uint64_t);
  static void OnTimer(void* context, uint64_t);
  static void OnPosted(void* context, uint64_t);
  static void OnCancelAll(void* context, uint64_t socket);
  static void OnCancelReceive(void* context, uint64_t socket_and_number);

  template <class Operation>
  void End(Operation*& operation, int result) {
    Operation* ended = std::exchange(operation, nullptr);
    if (ended != nullptr) ended->Complete(result);
  }

  Network& network_;
  World& world_;
  io::Address host_;
  int actor_;
  SeededRandom chance_;
  std::map<int32_t, Socket> sockets_;  // the open ones
  uint32_t receives_ = 0;
  std::deque<int32_t> starved_;
  std::deque<std::function<void()>> posted_;
  int mishap_every_ = 0;
  int mishap_posts_ = 0;
  io::Duration mishap_late_{};
  bool buffer_came_back_ = false;
  bool killed_ = false;
  bool frozen_ = false;
  size_t posts_held_ = 0;  // that came due meanwhile
  bool turn_queued_ = false;
  io::Time timer_wakes_ = io::Time::max();
};

}  // namespace poplar::simulation
