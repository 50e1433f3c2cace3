#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <vector>

#include "proxy/io/pool_trim.h"
#include "proxy/io/posted_functions.h"
#include "proxy/io/proactor.h"
#include "proxy/io/turn_clock.h"

struct epoll_event;

namespace poplar::io {

// The real world on epoll, for where io_uring is refused: one epoll instance, one thread.
//
// - An operation is tried at once where it is likely to succeed, and else when epoll says so. Each
//   socket is watched from its first wait on, edge-triggered and for everything, so that it costs
//   one epoll_ctl in its life.
// - What epoll says is a hint and nothing more: one that is stale, of a descriptor that has been
//   closed and used again, makes somebody try in vain.
// - A receive takes a buffer when there is something to receive, so an idle connection holds none.
//   One that finds the pool at its bound waits, as on the ring, until a buffer comes back.
class EpollProactor final : public Proactor {
 public:
  struct Options {
    size_t buffer_bytes_max = size_t{64} * 1024 * 1024;
  };

  static Result<std::unique_ptr<EpollProactor>> Create(const Clock& clock, Random& random,
                                                       const Options& options);
  ~EpollProactor() override;

  Result<SocketId> Listen(const Address& address, const ListenOptions& options) override;
  Result<SocketId> ListenOn(int descriptor) override;
  Address LocalAddress(SocketId socket) override;
  Result<SocketId> OpenSocket(int family) override;
  void CancelReceive(SocketId socket) override;
  void Abort(SocketId socket) override;
  void ShutdownWrite(SocketId socket) override;
  void Close(SocketId socket) override;
  void Detach(SocketId socket) override;
  void Adopt(SocketId socket) override;
  bool Quiet(SocketId socket) override;
  bool DataLikely(SocketId socket) override { return At(socket).readable; }
  Result<> ReceiveWaiting(SocketId socket, Buffer& into, size_t most) override;
  void Run() override;
  void PostFromAnyThread(std::function<void()> function) override {
    posted_.Post(std::move(function));
  }

 private:
  struct Listener;
  struct Socket {
    ReceiveOperation* receive = nullptr;
    Lookout* lookout = nullptr;
    SendOperation* send = nullptr;
    ConnectOperation* connect = nullptr;
    std::unique_ptr<Listener> listener;
    bool watched = false;
    // Worth trying; else epoll will tell. A new socket is watched first: that costs no more than
    // to try in vain, and one that waits for its peer has to be watched anyway.
    bool readable = false;
    bool writable = true;
    // A receive that brought less than it asked for has left nothing behind, and the next byte is
    // an edge; not so at an end, an error or a mark of urgent data.
    bool more_behind_less = false;
    bool starved = false;    // its receive waits for a buffer
    bool postponed = false;  // it is in postponed_
    uint64_t turn = 0;       // of the loop, in which it had
    int tries = 0;           // so many
    bool idle() const {
      return receive == nullptr && lookout == nullptr && send == nullptr && connect == nullptr &&
             listener == nullptr;
    }
  };

  EpollProactor(const Clock& clock, Random& random, const Options& options);

  void StartAccept(AcceptOperation& operation) override;
  void StartConnect(ConnectOperation& operation) override;
  void StartReceive(ReceiveOperation& operation) override;
  void StartSend(SendOperation& operation) override;
  void StartLookout(Lookout& lookout) override;

  Socket& At(SocketId socket);
  // 0 or an errno.
  int SetUp();
  int Watch(SocketId socket);
  // Leaves the operation to epoll, or ends it where that is impossible.
  template <class Awaited>
  void Await(SocketId socket, Awaited*& operation);

  bool MayTry(Socket& socket, int most);
  void Postpone(SocketId socket);
  // Tries whatever of the socket is in flight and likely to succeed.
  void GoOn(SocketId socket);
  void TryAccept(Listener& listener);
  void TryConnect(SocketId socket);
  void TryReceive(SocketId socket);
  void ReceiveInto(SocketId socket, Buffer buffer);
  void TrySend(SocketId socket);
  void TryLookout(SocketId socket);

  void GoOnWithPostponed();
  void FeedStarved();
  void Wait();
  void Note(const epoll_event& event);
  void Wind();

  int epoll_ = -1;
  // By file descriptor; grows without copies, and by no more than it has to.
  std::deque<Socket> sockets_;
  std::deque<SocketId> postponed_;  // had their share of this turn
  std::deque<SocketId> starved_;    // in the order in which they found no buffer
  PostedFunctions posted_;
  PoolTrim trim_;
  TurnClock turn_clock_{counters_};
};

}  // namespace poplar::io
