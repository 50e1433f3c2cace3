#include "proxy/io/uring_proactor.h"

#include <liburing.h>
#include <poll.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cassert>
#include <cstdlib>

#include "proxy/io/descriptor.h"
#include "proxy/io/kernel_socket.h"
#include "proxy/io/uring_listener.h"

namespace poplar::io {
namespace {

constexpr int kResumesPerTurn = 256;
constexpr unsigned kCompletionsPerLook = 128;
constexpr int kLooksPerTurn = 16;
// The kernel hands out exactly 20 of the deferred completions a wait: more may be left.
constexpr unsigned kCompletionsOfOneWait = 20;
constexpr uint64_t kKindMask = 7;

int DescriptorOf(SocketId socket) { return static_cast<int>(socket); }

// Not exported by Debian 12's liburing. EBADFD: Run is called again, and it is enabled already.
void EnableRing(int ring_descriptor) {
  syscall(__NR_io_uring_register, ring_descriptor, IORING_REGISTER_ENABLE_RINGS, nullptr, 0);
}

void Label(io_uring_sqe& entry, void* target, uint64_t kind) {
  entry.user_data = reinterpret_cast<uintptr_t>(target) | kind;
}

}  // namespace

tl::expected<std::unique_ptr<UringProactor>, RingRefusal> UringProactor::Create(
    const Clock& clock, Random& random, const Options& options) {
  auto ring = CreateRing(options.entries);
  if (!ring) return tl::unexpected(ring.error());
  std::unique_ptr<UringProactor> proactor(
      new UringProactor(clock, random, options, std::move(*ring)));
  if (const int code = proactor->SetUp(); code != 0) {
    return tl::unexpected(ExplainRefusal(code, -1));
  }
  return proactor;
}

UringProactor::UringProactor(const Clock& clock, Random& random, const Options& options, Ring ring)
    : Proactor(clock, random, options.buffer_bytes_max),
      ring_(std::move(ring.ring)),
      features_(ring.features),
      provided_(buffers()),
      trim_(buffers(), timers(), clock) {}

int UringProactor::SetUp() {
  if (const int code = posted_.Open(); code != 0) return code;
  if (const int code = provided_.Register(*ring_); code != 0) return code;
  buffers().set_on_release(&UringProactor::OnBufferReleased, this);
  return 0;
}

UringProactor::~UringProactor() {
  buffers().set_on_release(nullptr, nullptr);
  while (!listeners_.empty()) Close(listeners_.begin()->first);
  ring_.reset();
}

// --- sockets

UringProactor::Socket& UringProactor::At(SocketId socket) {
  const auto index = static_cast<size_t>(DescriptorOf(socket));
  if (index >= sockets_.size()) sockets_.resize(index + 1);
  return sockets_[index];
}

Result<SocketId> UringProactor::Listen(const Address& address, const ListenOptions& options) {
  const auto descriptor = OpenListening(address, options, Blocking::kYes);
  return descriptor ? ListenOn(*descriptor) : tl::unexpected(descriptor.error());
}

Result<SocketId> UringProactor::ListenOn(int descriptor) {
  SendAtOnce(descriptor);  // whoever made it
  const SocketId socket{descriptor};
  listeners_[socket] = std::make_unique<Listener>(*this, descriptor);
  return socket;
}

Address UringProactor::LocalAddress(SocketId socket) {
  return LocalAddressOf(DescriptorOf(socket));
}

Result<SocketId> UringProactor::OpenSocket(int family) {
  const Result<int> descriptor = OpenConnecting(family, Blocking::kYes);
  if (!descriptor) return tl::unexpected(descriptor.error());
  At(SocketId{*descriptor}).data_likely = false;
  return SocketId{*descriptor};
}

void UringProactor::ShutdownWrite(SocketId socket) { shutdown(DescriptorOf(socket), SHUT_WR); }

void UringProactor::Close(SocketId socket) {
  Socket& state = At(socket);
  assert(state.receive == nullptr && state.lookout == nullptr && state.send == nullptr);
  state = Socket{};
  if (const auto listener = listeners_.extract(socket)) {
    assert(listener.mapped()->waiting == nullptr && !listener.mapped()->armed);
    for (const Listener::Arrived& arrived : listener.mapped()->arrived) close(arrived.descriptor);
  }
  close(DescriptorOf(socket));
}

// The kernel's side of an operation has let go of the file when its last completion is seen, so
// that nothing of this ring touches a socket that has none in flight.
void UringProactor::Detach(SocketId socket) {
  assert(At(socket).idle());
  At(socket) = Socket{};
}

void UringProactor::Adopt(SocketId socket) {
  assert(At(socket).idle());
  At(socket) = Socket{.data_likely = false};
}

bool UringProactor::Quiet(SocketId socket) {
  assert(At(socket).receive == nullptr);
  return NothingToReceive(DescriptorOf(socket));
}

Result<> UringProactor::ReceiveWaiting(SocketId socket, Buffer& into, size_t most) {
  assert(At(socket).receive == nullptr);
  const int result = TakeWaiting(DescriptorOf(socket), into, most);
  At(socket).data_likely = result == static_cast<int>(most);
  return result >= 0 || IsSpurious(result) ? Result<>() : Fail(-result);
}

void UringProactor::CancelReceive(SocketId socket) {
  Socket& state = At(socket);
  if (state.lookout != nullptr) Cancel(state.lookout, Kind::kLookout);
  if (state.receive == nullptr) return;
  if (!state.starved) {
    state.receive_cancelled = true;
    Cancel(state.receive, Kind::kReceive);
    return;
  }
  std::erase(starved_, socket);
  state.starved = false;
  std::exchange(state.receive, nullptr)->Complete(-ECANCELED);
}

void UringProactor::Abort(SocketId socket) {
  CancelReceive(socket);
  Socket& state = At(socket);
  if (state.send != nullptr) {
    state.send_cancelled = true;
    Cancel(state.send, state.connecting ? Kind::kConnect : Kind::kSend);
  }
  const auto found = listeners_.find(socket);
  if (found == listeners_.end() || found->second->aborted) return;
  Listener& listener = *found->second;
  listener.aborted = true;
  listener.pause.Disarm();
  if (listener.armed) Cancel(&listener, Kind::kAccept);
  listener.EndAborted();
}

// --- submission

io_uring_sqe& UringProactor::NextEntry() {
  io_uring_sqe* entry = io_uring_get_sqe(ring_.get());
  if (entry == nullptr) {
    io_uring_submit(ring_.get());
    entry = io_uring_get_sqe(ring_.get());
    if (entry == nullptr)
      std::abort();  // a submit empties the queue; anything else is a broken ring
  }
  return *entry;
}

void UringProactor::Cancel(void* target, Kind kind) {
  io_uring_sqe& entry = NextEntry();
  io_uring_prep_cancel64(&entry, reinterpret_cast<uintptr_t>(target) | static_cast<uint64_t>(kind),
                         0);
  Label(entry, nullptr, static_cast<uint64_t>(Kind::kCancel));
}

void UringProactor::StartAccept(AcceptOperation& operation) {
  Listener* listener = listeners_.at(operation.socket()).get();
  assert(listener->waiting == nullptr);
  listener->waiting = &operation;
  listener->Deliver();
  if (listener->aborted) return listener->EndAborted();
  // Else the ring answers EAGAIN instead of waiting. Not before: another process may have the same
  // socket, and go on accepting by its own way.
  if (!std::exchange(listener->begun, true)) {
    (void)SetBlocking(listener->descriptor, true);
    listener->local = LocalAddressOfAll(listener->descriptor);
  }
  if (!listener->armed && !listener->pause.armed()) ArmAccept(*listener);
}

void UringProactor::ArmAccept(Listener& listener) {
  if (listener.armed || listener.aborted || winding_) return;
  io_uring_sqe& entry = NextEntry();
  if (features_.multishot_accept) {
    io_uring_prep_multishot_accept(&entry, listener.descriptor, nullptr, nullptr, SOCK_CLOEXEC);
  } else {
    io_uring_prep_accept(&entry, listener.descriptor, nullptr, nullptr, SOCK_CLOEXEC);
  }
  Label(entry, &listener, static_cast<uint64_t>(Kind::kAccept));
  listener.armed = true;
  ++internal_in_flight_;
}

void UringProactor::StartConnect(ConnectOperation& operation) {
  Socket& state = At(operation.socket());
  assert(state.send == nullptr);
  state.send = &operation;
  state.connecting = true;
  io_uring_sqe& entry = NextEntry();
  io_uring_prep_connect(&entry, DescriptorOf(operation.socket()), operation.peer.sockaddr_pointer(),
                        operation.peer.sockaddr_length());
  Label(entry, &operation, static_cast<uint64_t>(Kind::kConnect));
}

void UringProactor::StartReceive(ReceiveOperation& operation) {
  Socket& state = At(operation.socket());
  assert(state.receive == nullptr || state.receive == &operation);
  assert(state.lookout == nullptr);
  state.receive = &operation;
  io_uring_sqe& entry = NextEntry();
  io_uring_prep_recv(&entry, DescriptorOf(operation.socket()), nullptr, 0, 0);
  entry.flags |= IOSQE_BUFFER_SELECT;
  entry.buf_group = ProvidedBuffers::kGroup;
  if (!state.data_likely) entry.ioprio |= IORING_RECVSEND_POLL_FIRST;
  Label(entry, &operation, static_cast<uint64_t>(Kind::kReceive));
}

void UringProactor::StartSend(SendOperation& operation) {
  Socket& state = At(operation.socket());
  assert(state.send == nullptr || state.send == &operation);
  state.send = &operation;
  io_uring_sqe& entry = NextEntry();
  io_uring_prep_send(&entry, DescriptorOf(operation.socket()), operation.rest.data(),
                     operation.rest.size(),
                     MSG_WAITALL | MSG_NOSIGNAL | (operation.more ? MSG_MORE : 0));
  Label(entry, &operation, static_cast<uint64_t>(Kind::kSend));
}

void UringProactor::StartLookout(Lookout& lookout) {
  Socket& state = At(lookout.socket());
  assert(state.receive == nullptr && state.lookout == nullptr);
  state.lookout = &lookout;
  io_uring_sqe& entry = NextEntry();
  io_uring_prep_poll_add(&entry, DescriptorOf(lookout.socket()), POLLIN | POLLRDHUP);
  Label(entry, &lookout, static_cast<uint64_t>(Kind::kLookout));
}

// --- provided buffers

void UringProactor::OnBufferReleased(void* context) {
  static_cast<UringProactor*>(context)->WakeStarved();
}

// Whoever starves has bytes to receive and so takes a buffer, or ends: in either case its
// completion comes by here again. Hence nobody starves while the ring holds a buffer.
void UringProactor::WakeStarved() {
  provided_.Refill();
  // As many as there are buffers now; the others would only starve again.
  for (size_t left = provided_.filled(); left > 0 && !starved_.empty(); --left) {
    const SocketId socket = starved_.front();
    starved_.pop_front();
    Socket& state = At(socket);
    state.starved = false;
    StartReceive(*state.receive);
  }
}

// --- the loop

void UringProactor::Run() {
  EnableRing(ring_->ring_fd);
  io_uring_register_ring_fd(
      ring_.get());  // saves a look-up a call; refused by some kernels, which is fine
  winding_ = stopped_ = false;
  trim_.Start();
  posted_.RunAll();  // a wake-up that came while an earlier Run wound up is spent already
  ArmWake();
  turn_clock_.Wakes(Now());
  while (!stopped_) {
    ++counters_.turns;
    RunReady(kResumesPerTurn);
    timers().Advance(Now());
    SubmitAndWait();
    Reap();
  }
  Wind();
}

void UringProactor::SubmitAndWait() {
  if (!ready_.empty() || stopped_) {
    if (io_uring_sq_ready(ring_.get()) > 0) io_uring_submit(ring_.get());
    return;
  }
  const Time now = Now();
  turn_clock_.Waits(now);
  ArmTimeout(now);
  const int result = io_uring_submit_and_wait(ring_.get(), 1);
  // The kernel had no memory even to keep a completion beside the full queue: it is lost, and who
  // waits for it could never be ended.
  if (result == -EBADR) std::abort();
  // EINTR, EBUSY for a full completion queue: all are answered by the look that follows.
  turn_clock_.Wakes(Now());
}

void UringProactor::ArmTimeout(Time now) {
  const std::optional<Time> next = timers().NextStep();
  if (!next || (timeout_at_ && *timeout_at_ <= *next)) return;
  const Duration left = std::max(*next - now, Duration::zero());
  timeout_ = {.tv_sec = left.count() / 1'000'000'000, .tv_nsec = left.count() % 1'000'000'000};
  io_uring_sqe& entry = NextEntry();
  const auto label = static_cast<uint64_t>(Kind::kTimeout);
  if (std::exchange(timeout_at_, next)) {
    // Where it has just ended, its completion is there, and the next turn sets another.
    io_uring_prep_timeout_update(&entry, &timeout_, label, 0);
    return Label(entry, nullptr, static_cast<uint64_t>(Kind::kCancel));
  }
  io_uring_prep_timeout(&entry, &timeout_, 0, 0);
  Label(entry, nullptr, label);
  ++internal_in_flight_;
}

void UringProactor::Reap() {
  io_uring_cqe* completions[kCompletionsPerLook];
  for (int look = 0; look < kLooksPerTurn; ++look) {
    if (io_uring_cq_has_overflow(ring_.get())) ++counters_.completion_overflows;
    // With nothing in sight it enters the kernel only if TASKRUN says that it should.
    const unsigned count = io_uring_peek_batch_cqe(ring_.get(), completions, kCompletionsPerLook);
    if (count == 0) return;
    for (unsigned i = 0; i < count; ++i) Dispatch(*completions[i]);
    io_uring_cq_advance(ring_.get(), count);
    // The next wait brings what has come meanwhile, without a call of its own.
    if (count < kCompletionsOfOneWait) return;
    io_uring_get_events(ring_.get());
  }
}

void UringProactor::Dispatch(const io_uring_cqe& completion) {
  // The kernel carries the pointer as a number; the bits of the kind go first.
  // NOLINTNEXTLINE(performance-no-int-to-ptr)
  void* target = reinterpret_cast<void*>(completion.user_data & ~kKindMask);
  switch (static_cast<Kind>(completion.user_data & kKindMask)) {
    case Kind::kReceive:
      return OnReceive(*static_cast<ReceiveOperation*>(target), completion);
    case Kind::kSend:
      return OnSend(*static_cast<SendOperation*>(target), completion.res);
    case Kind::kConnect: {
      auto* operation = static_cast<ConnectOperation*>(target);
      Socket& state = At(operation->socket());
      state.send = nullptr;
      state.connecting = state.send_cancelled = false;
      return operation->Complete(completion.res);
    }
    case Kind::kLookout: {
      auto* lookout = static_cast<Lookout*>(target);
      Socket& state = At(lookout->socket());
      state.lookout = nullptr;
      state.data_likely = completion.res > 0;
      return lookout->Complete();
    }
    case Kind::kAccept:
      return OnAccept(*static_cast<Listener*>(target), completion);
    case Kind::kWake:
      --internal_in_flight_;
      return OnWake();
    case Kind::kTimeout:
      --internal_in_flight_;
      timeout_at_.reset();
      return;  // the loop looks at its timers in each turn
    case Kind::kCancel:
      return;  // whatever it says, the operation's own completion tells how it ended
  }
}

void UringProactor::OnReceive(ReceiveOperation& operation, const io_uring_cqe& completion) {
  Socket& state = At(operation.socket());
  if (IsSpurious(completion.res) && !state.receive_cancelled) {
    state.data_likely = false;
    return StartReceive(operation);
  }
  if (completion.res == -ENOBUFS && !state.receive_cancelled) {
    // Without poll-first the kernel says so although there may be nothing to receive.
    if (std::exchange(state.data_likely, false)) return StartReceive(operation);
    ++counters_.buffer_starvations;
    state.starved = true;
    starved_.push_back(operation.socket());
    return WakeStarved();
  }
  state.data_likely = (completion.flags & IORING_CQE_F_SOCK_NONEMPTY) != 0;
  if (completion.flags & IORING_CQE_F_BUFFER) {
    const auto id = static_cast<uint16_t>(completion.flags >> IORING_CQE_BUFFER_SHIFT);
    Buffer buffer = provided_.Take(id);
    if (completion.res > 0) {
      buffer.Commit(static_cast<size_t>(completion.res));
      operation.buffer = std::move(buffer);
    }
  }
  state.receive = nullptr;
  const bool cancelled = std::exchange(state.receive_cancelled, false);
  const bool unanswered = completion.res == -ENOBUFS || IsSpurious(completion.res);
  operation.Complete(cancelled && unanswered ? -ECANCELED : completion.res);
  WakeStarved();
}

void UringProactor::OnSend(SendOperation& operation, int result) {
  if (result > 0) operation.rest.remove_prefix(static_cast<size_t>(result));
  Socket& state = At(operation.socket());
  const bool unfinished = (result > 0 && !operation.rest.empty()) || IsSpurious(result);
  if (unfinished && !state.send_cancelled) {
    StartSend(operation);
    return;
  }
  state.send = nullptr;
  state.send_cancelled = false;
  operation.Complete(unfinished ? -ECANCELED : result);
}

void UringProactor::OnAccept(Listener& listener, const io_uring_cqe& completion) {
  if (completion.res >= 0) {
    const Result<Address> peer = PeerAddressOf(completion.res);
    if (peer || peer.error().code == ENOTCONN) {
      listener.arrived.push_back({completion.res, peer.value_or(Address())});
    } else {
      ++counters_.accept_errors;  // Linux 6.6 to 6.8-rc: multishot made numbers up
    }
  }
  if ((completion.flags & IORING_CQE_F_MORE) == 0) {
    listener.armed = false;
    --internal_in_flight_;
    if (completion.res == -EINVAL && features_.multishot_accept) {
      features_.multishot_accept = false;
      ArmAccept(listener);
    } else if (completion.res != -ECANCELED && AcceptMustPause(completion.res)) {
      ++counters_.accept_errors;
      listener.pause.Arm(Now() + kAcceptPause);
    } else {
      ArmAccept(listener);
    }
  }
  listener.Deliver();
  if (listener.aborted) listener.EndAborted();
}

// --- calls from other threads

void UringProactor::ArmWake() {
  io_uring_sqe& entry = NextEntry();
  io_uring_prep_read(&entry, posted_.descriptor(), &wake_value_, sizeof(wake_value_), 0);
  Label(entry, nullptr, static_cast<uint64_t>(Kind::kWake));
  ++internal_in_flight_;
}

void UringProactor::OnWake() {
  if (winding_) return;
  posted_.RunAll();
  ArmWake();
}

// Ends what the loop itself has in the kernel, so that nothing writes into memory that is about to
// go.
void UringProactor::Wind() {
  winding_ = true;
  trim_.Stop();
  Cancel(nullptr, Kind::kWake);
  if (timeout_at_) Cancel(nullptr, Kind::kTimeout);
  for (const auto& [socket, listener] : listeners_) Abort(socket);
  while (internal_in_flight_ > 0) {
    io_uring_submit_and_wait(ring_.get(), 1);
    Reap();
  }
}

}  // namespace poplar::io
