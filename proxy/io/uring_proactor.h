#pragma once

#include <linux/time_types.h>

#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "proxy/io/pool_trim.h"
#include "proxy/io/posted_functions.h"
#include "proxy/io/proactor.h"
#include "proxy/io/turn_clock.h"
#include "proxy/io/uring_buffers.h"
#include "proxy/io/uring_ring.h"

struct io_uring_cqe;
struct io_uring_sqe;

namespace poplar::io {

// The real world on io_uring: one ring, one thread.
//
// - Receives are one-shot, poll-first, with a buffer that the kernel picks from a small provided
//   ring when data is there: an idle connection holds no buffer. The ring is refilled from the
//   worker's pool, so it runs dry only at the pool's bound; a receive that meets that waits until a
//   buffer comes back.
// - user_data is the address of the operation with its kind in the low bits. That is safe because
//   an operation outlives its last completion (see Operation), a cancellation is only ever asked
//   for one that is in flight, and the kernel takes submissions in order: an operation that is
//   begun at the same address afterwards stands behind the cancellation and can't be met by it.
class UringProactor final : public Proactor {
 public:
  struct Options {
    unsigned entries = 1024;
    size_t buffer_bytes_max = size_t{64} * 1024 * 1024;
  };

  static tl::expected<std::unique_ptr<UringProactor>, RingRefusal> Create(const Clock& clock,
                                                                          Random& random,
                                                                          const Options& options);
  ~UringProactor() override;

  const RingFeatures& features() const { return features_; }

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
  bool DataLikely(SocketId socket) override { return At(socket).data_likely; }
  Result<> ReceiveWaiting(SocketId socket, Buffer& into, size_t most) override;
  void Run() override;
  void PostFromAnyThread(std::function<void()> function) override {
    posted_.Post(std::move(function));
  }

 private:
  enum class Kind : uint64_t {
    kReceive,
    kSend,
    kConnect,
    kAccept,
    kWake,
    kCancel,
    kLookout,
    kTimeout
  };
  struct Listener;
  struct Socket {
    ReceiveOperation* receive = nullptr;
    Lookout* lookout = nullptr;
    Operation* send = nullptr;  // or a connect, before any
    bool connecting = false;    // which it is
    bool starved = false;       // its receive waits for a buffer
    // A cancellation is on its way to the kernel. It may find nothing, or end a send half done:
    // what comes back then must not be begun anew, or nobody would ever end it.
    bool receive_cancelled = false;
    bool send_cancelled = false;
    bool data_likely =
        true;  // the last receive left something behind: try at once, don't poll first
    bool idle() const { return receive == nullptr && lookout == nullptr && send == nullptr; }
  };

  UringProactor(const Clock& clock, Random& random, const Options& options, Ring ring);

  void StartAccept(AcceptOperation& operation) override;
  void StartConnect(ConnectOperation& operation) override;
  void StartReceive(ReceiveOperation& operation) override;
  void StartSend(SendOperation& operation) override;
  void StartLookout(Lookout& lookout) override;

  io_uring_sqe& NextEntry();
  void Cancel(void* target, Kind kind);
  Socket& At(SocketId socket);

  // 0 or an errno.
  int SetUp();
  static void OnBufferReleased(void* context);
  void WakeStarved();

  void ArmWake();
  void ArmAccept(Listener& listener);
  void ArmTimeout(Time now);
  void SubmitAndWait();
  void Reap();
  void Dispatch(const io_uring_cqe& completion);
  void OnReceive(ReceiveOperation& operation, const io_uring_cqe& completion);
  void OnSend(SendOperation& operation, int result);
  void OnAccept(Listener& listener, const io_uring_cqe& completion);
  void OnWake();
  void Wind();

  RingPointer ring_;
  RingFeatures features_;
  // By file descriptor; grows without copies, and by no more than it has to.
  std::deque<Socket> sockets_;
  std::map<SocketId, std::unique_ptr<Listener>> listeners_;

  ProvidedBuffers provided_;
  std::deque<SocketId> starved_;  // in the order in which they met the empty ring

  PostedFunctions posted_;
  uint64_t wake_value_ = 0;
  // Ends the wait at the wheel's next step, or ahead of it. One for many waits: a timeout of each
  // would be set and taken away thousands of times a second.
  std::optional<Time> timeout_at_;  // none: none is in the ring
  __kernel_timespec timeout_{};     // the kernel reads it when it is submitted
  // Wake, accepts and the timeout; the ring mustn't close before they ended.
  int internal_in_flight_ = 0;
  bool winding_ = false;
  PoolTrim trim_;
  TurnClock turn_clock_{counters_};
};

}  // namespace poplar::io
