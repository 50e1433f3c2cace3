#include "proxy/io/epoll_proactor.h"

#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cassert>
#include <utility>

#include "proxy/io/descriptor.h"
#include "proxy/io/kernel_socket.h"

namespace poplar::io {
namespace {

constexpr int kResumesPerTurn = 256;
constexpr int kEventsPerWait = 256;
// What a socket may get at once in one turn of the loop; then the others get theirs first. A
// listener takes what a burst of clients brings.
constexpr int kTriesPerTurn = 4;
constexpr int kAcceptsPerTurn = 64;

int DescriptorOf(SocketId socket) { return static_cast<int>(socket); }

// A result >= 0 or a negative errno.
template <class Call>
int ResultOf(Call call) {
  for (;;) {
    const auto result = call();
    if (result >= 0) return static_cast<int>(result);
    if (errno != EINTR) return -errno;
  }
}

}  // namespace

struct EpollProactor::Listener {
  Listener(EpollProactor& owner, SocketId listening)
      : proactor(owner),
        socket(listening),
        pause(
            owner.timers(),
            [](void* context) {
              auto* self = static_cast<Listener*>(context);
              self->proactor.TryAccept(*self);
            },
            this) {}

  EpollProactor& proactor;
  SocketId socket;
  Address local;  // of all that it brings; none: each has its own
  bool begun = false;
  bool aborted = false;
  AcceptOperation* waiting = nullptr;
  Timer pause;
};

Result<std::unique_ptr<EpollProactor>> EpollProactor::Create(const Clock& clock, Random& random,
                                                             const Options& options) {
  std::unique_ptr<EpollProactor> proactor(new EpollProactor(clock, random, options));
  if (const int code = proactor->SetUp(); code != 0) return Fail(code);
  return proactor;
}

EpollProactor::EpollProactor(const Clock& clock, Random& random, const Options& options)
    : Proactor(clock, random, options.buffer_bytes_max), trim_(buffers(), timers(), clock) {}

int EpollProactor::SetUp() {
  epoll_ = epoll_create1(EPOLL_CLOEXEC);
  if (epoll_ < 0) return errno;
  if (const int code = posted_.Open(); code != 0) return code;
  // Edge-triggered, so that nobody need read it: each write is an edge.
  epoll_event event{.events = EPOLLIN | EPOLLET, .data = {.fd = posted_.descriptor()}};
  return epoll_ctl(epoll_, EPOLL_CTL_ADD, posted_.descriptor(), &event) == 0 ? 0 : errno;
}

EpollProactor::~EpollProactor() {
  for (size_t i = 0; i < sockets_.size(); ++i) {
    if (sockets_[i].listener != nullptr) Close(SocketId{static_cast<int>(i)});
  }
  if (epoll_ >= 0) close(epoll_);
}

// --- sockets

EpollProactor::Socket& EpollProactor::At(SocketId socket) {
  const auto index = static_cast<size_t>(DescriptorOf(socket));
  if (index >= sockets_.size()) sockets_.resize(index + 1);
  return sockets_[index];
}

Result<SocketId> EpollProactor::Listen(const Address& address, const ListenOptions& options) {
  const Result<int> descriptor = OpenListening(address, options, Blocking::kNo);
  if (!descriptor) return tl::unexpected(descriptor.error());
  return ListenOn(*descriptor);
}

Result<SocketId> EpollProactor::ListenOn(int descriptor) {
  SendAtOnce(descriptor);  // whoever made it
  const SocketId socket{descriptor};
  At(socket).listener = std::make_unique<Listener>(*this, socket);
  return socket;
}

Address EpollProactor::LocalAddress(SocketId socket) {
  return LocalAddressOf(DescriptorOf(socket));
}

Result<SocketId> EpollProactor::OpenSocket(int family) {
  const Result<int> descriptor = OpenConnecting(family, Blocking::kNo);
  if (!descriptor) return tl::unexpected(descriptor.error());
  return SocketId{*descriptor};
}

void EpollProactor::ShutdownWrite(SocketId socket) { shutdown(DescriptorOf(socket), SHUT_WR); }

void EpollProactor::Close(SocketId socket) {
  Socket& state = At(socket);
  assert(state.receive == nullptr && state.lookout == nullptr);
  assert(state.send == nullptr && state.connect == nullptr);
  assert(state.listener == nullptr || state.listener->waiting == nullptr);
  // Somebody else may have the listening socket too, and then closing it doesn't end the watch.
  if (state.listener != nullptr && state.watched)
    epoll_ctl(epoll_, EPOLL_CTL_DEL, DescriptorOf(socket), nullptr);
  state = Socket{};
  close(DescriptorOf(socket));
}

void EpollProactor::Detach(SocketId socket) {
  Socket& state = At(socket);
  assert(state.idle());
  if (state.watched) epoll_ctl(epoll_, EPOLL_CTL_DEL, DescriptorOf(socket), nullptr);
  state = Socket{};
}

void EpollProactor::Adopt(SocketId socket) {
  assert(At(socket).idle());
  At(socket) = Socket{};
}

bool EpollProactor::Quiet(SocketId socket) {
  assert(At(socket).receive == nullptr);
  return NothingToReceive(DescriptorOf(socket));
}

Result<> EpollProactor::ReceiveWaiting(SocketId socket, Buffer& into, size_t most) {
  Socket& state = At(socket);
  assert(state.receive == nullptr);
  const int result = TakeWaiting(DescriptorOf(socket), into, most);
  if (result == -EAGAIN) state.more_behind_less = false;
  const bool less = result == -EAGAIN || (result > 0 && result < static_cast<int>(most));
  state.readable = !less || state.more_behind_less;
  return result >= 0 || IsSpurious(result) ? Result<>() : Fail(-result);
}

void EpollProactor::CancelReceive(SocketId socket) {
  Socket& state = At(socket);
  if (state.lookout != nullptr) std::exchange(state.lookout, nullptr)->Complete();
  if (state.receive == nullptr) return;
  if (std::exchange(state.starved, false)) std::erase(starved_, socket);
  std::exchange(state.receive, nullptr)->Complete(-ECANCELED);
}

void EpollProactor::Abort(SocketId socket) {
  CancelReceive(socket);
  Socket& state = At(socket);
  if (state.send != nullptr) std::exchange(state.send, nullptr)->Complete(-ECANCELED);
  if (state.connect != nullptr) std::exchange(state.connect, nullptr)->Complete(-ECANCELED);
  if (state.listener == nullptr) return;
  state.listener->aborted = true;
  state.listener->pause.Disarm();
  if (state.listener->waiting != nullptr)
    std::exchange(state.listener->waiting, nullptr)->Complete(-ECANCELED);
}

// --- operations

int EpollProactor::Watch(SocketId socket) {
  Socket& state = At(socket);
  if (state.watched) return 0;
  epoll_event event{.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLPRI | EPOLLET,
                    .data = {.fd = DescriptorOf(socket)}};
  if (epoll_ctl(epoll_, EPOLL_CTL_ADD, DescriptorOf(socket), &event) != 0) return errno;
  state.watched = true;
  return 0;
}

template <class Awaited>
void EpollProactor::Await(SocketId socket, Awaited*& operation) {
  const int code = Watch(socket);
  if (code != 0) std::exchange(operation, nullptr)->Complete(-code);
}

bool EpollProactor::MayTry(Socket& socket, int most) {
  if (std::exchange(socket.turn, counters_.turns) != counters_.turns) socket.tries = 0;
  return socket.tries++ < most;
}

void EpollProactor::Postpone(SocketId socket) {
  if (!std::exchange(At(socket).postponed, true)) postponed_.push_back(socket);
}

void EpollProactor::GoOn(SocketId socket) {
  const Socket& state = At(socket);
  if (state.listener != nullptr) return TryAccept(*state.listener);
  if (state.connect != nullptr) TryConnect(socket);
  if (state.receive != nullptr && state.readable && !state.starved) TryReceive(socket);
  if (state.lookout != nullptr && state.readable) TryLookout(socket);
  if (state.send != nullptr && state.writable) TrySend(socket);
}

void EpollProactor::StartAccept(AcceptOperation& operation) {
  Socket& state = At(operation.socket());
  Listener* listener = state.listener.get();
  assert(listener != nullptr && listener->waiting == nullptr);
  if (listener->aborted) return operation.Complete(-ECANCELED);
  // Not before: another process may have the same socket, and go on accepting by its own way.
  if (!std::exchange(listener->begun, true)) {
    const int descriptor = DescriptorOf(operation.socket());
    (void)SetBlocking(descriptor, false);
    listener->local = LocalAddressOfAll(descriptor);
  }
  listener->waiting = &operation;
  if (listener->pause.armed()) return;
  if (MayTry(state, kAcceptsPerTurn)) return TryAccept(*listener);
  Postpone(operation.socket());
}

void EpollProactor::TryAccept(Listener& listener) {
  if (listener.waiting == nullptr || listener.pause.armed()) return;
  sockaddr_storage storage{};
  auto* address = reinterpret_cast<sockaddr*>(&storage);
  const int result = ResultOf([&] {
    socklen_t length = sizeof(storage);
    return accept4(DescriptorOf(listener.socket), address, &length, SOCK_NONBLOCK | SOCK_CLOEXEC);
  });
  if (result >= 0) {
    listener.waiting->peer = Address::FromSockaddr(address);
    listener.waiting->local = listener.local == Address() ? LocalAddressOf(result) : listener.local;
    return std::exchange(listener.waiting, nullptr)->Complete(result);
  }
  if (result == -ECONNABORTED) return Postpone(listener.socket);
  if (result == -EAGAIN && Watch(listener.socket) == 0) return;
  ++counters_.accept_errors;
  listener.pause.Arm(Now() + kAcceptPause);
}

void EpollProactor::StartConnect(ConnectOperation& operation) {
  Socket& state = At(operation.socket());
  assert(state.connect == nullptr);
  state.connect = &operation;
  TryConnect(operation.socket());
}

// Also asks how a connect that was begun goes on: the same call says so, unmistakably.
void EpollProactor::TryConnect(SocketId socket) {
  Socket& state = At(socket);
  const Address& peer = state.connect->peer;
  const int result = ResultOf([&] {
    return connect(DescriptorOf(socket), peer.sockaddr_pointer(), peer.sockaddr_length());
  });
  if (result == -EINPROGRESS || result == -EALREADY) return Await(socket, state.connect);
  std::exchange(state.connect, nullptr)->Complete(result == -EISCONN ? 0 : result);
}

void EpollProactor::StartReceive(ReceiveOperation& operation) {
  Socket& state = At(operation.socket());
  assert(state.receive == nullptr);
  state.receive = &operation;
  if (!state.readable) return Await(operation.socket(), state.receive);
  if (MayTry(state, kTriesPerTurn)) return TryReceive(operation.socket());
  Postpone(operation.socket());
}

void EpollProactor::TryReceive(SocketId socket) {
  Buffer buffer = buffers().TryTake(BufferUse::kReceive);
  if (!buffer.room().empty()) return ReceiveInto(socket, std::move(buffer));
  ++counters_.buffer_starvations;
  At(socket).starved = true;
  starved_.push_back(socket);
}

void EpollProactor::ReceiveInto(SocketId socket, Buffer buffer) {
  Socket& state = At(socket);
  const int result = ResultOf([&] {
    return recv(DescriptorOf(socket), buffer.room().data(), kReceiveBytesMax, MSG_DONTWAIT);
  });
  if (result == -EAGAIN) {
    state.readable = state.more_behind_less = false;
    return Await(socket, state.receive);
  }
  state.readable =
      result <= 0 || result == static_cast<int>(kReceiveBytesMax) || state.more_behind_less;
  ReceiveOperation* operation = std::exchange(state.receive, nullptr);
  if (result > 0) {
    buffer.Commit(static_cast<size_t>(result));
    operation->buffer = std::move(buffer);
  }
  operation->Complete(result);
}

void EpollProactor::StartSend(SendOperation& operation) {
  Socket& state = At(operation.socket());
  assert(state.send == nullptr);
  state.send = &operation;
  if (!state.writable) return Await(operation.socket(), state.send);
  if (MayTry(state, kTriesPerTurn)) return TrySend(operation.socket());
  Postpone(operation.socket());
}

void EpollProactor::TrySend(SocketId socket) {
  Socket& state = At(socket);
  SendOperation& operation = *state.send;
  const int result = ResultOf([&] {
    return send(DescriptorOf(socket), operation.rest.data(), operation.rest.size(),
                MSG_DONTWAIT | MSG_NOSIGNAL | (operation.more ? MSG_MORE : 0));
  });
  if (result > 0) operation.rest.remove_prefix(static_cast<size_t>(result));
  if (result == -EAGAIN || (result >= 0 && !operation.rest.empty())) {
    state.writable = false;  // the kernel took what it had room for; an edge tells of more
    return Await(socket, state.send);
  }
  std::exchange(state.send, nullptr)->Complete(result);
}

void EpollProactor::StartLookout(Lookout& lookout) {
  Socket& state = At(lookout.socket());
  assert(state.receive == nullptr && state.lookout == nullptr);
  state.lookout = &lookout;
  if (state.readable) return TryLookout(lookout.socket());
  if (Watch(lookout.socket()) != 0) std::exchange(state.lookout, nullptr)->Complete();
}

void EpollProactor::TryLookout(SocketId socket) {
  Socket& state = At(socket);
  if (ReceiveWouldWait(DescriptorOf(socket))) {
    state.readable = state.more_behind_less = false;
    if (Watch(socket) == 0) return;
  }
  std::exchange(state.lookout, nullptr)->Complete();
}

// --- the loop

void EpollProactor::Run() {
  stopped_ = false;
  trim_.Start();
  posted_.RunAll();  // a wake-up that came while an earlier Run ended is spent already
  turn_clock_.Wakes(Now());
  while (!stopped_) {
    ++counters_.turns;
    GoOnWithPostponed();
    RunReady(kResumesPerTurn);
    timers().Advance(Now());
    FeedStarved();
    Wait();
  }
  Wind();
}

void EpollProactor::GoOnWithPostponed() {
  for (size_t left = postponed_.size(); left > 0; --left) {
    const SocketId socket = postponed_.front();
    postponed_.pop_front();
    At(socket).postponed = false;
    GoOn(socket);
  }
}

// Before every wait: so nobody starves while there is a buffer.
void EpollProactor::FeedStarved() {
  while (!starved_.empty()) {
    Buffer buffer = buffers().TryTake(BufferUse::kReceive);
    if (buffer.room().empty()) return;
    const SocketId socket = starved_.front();
    starved_.pop_front();
    At(socket).starved = false;
    ReceiveInto(socket, std::move(buffer));
  }
}

void EpollProactor::Wait() {
  if (stopped_) return;
  int timeout = 0;
  const bool idle = ready_.empty() && postponed_.empty();
  if (idle) {
    const Time now = Now();
    turn_clock_.Waits(now);
    Duration left = std::chrono::hours(1);
    if (const auto next = timers().NextStep()) left = std::max(*next - now, Duration::zero());
    timeout = static_cast<int>(std::chrono::ceil<std::chrono::milliseconds>(left).count());
  }
  std::array<epoll_event, kEventsPerWait> events;
  const int count = epoll_wait(epoll_, events.data(), kEventsPerWait, timeout);
  if (idle) turn_clock_.Wakes(Now());
  bool woken = false;
  for (int i = 0; i < count; ++i) {
    const epoll_event& event = events[static_cast<size_t>(i)];
    if (event.data.fd == posted_.descriptor()) {
      woken = true;
    } else {
      Note(event);
    }
  }
  if (woken) posted_.RunAll();
}

void EpollProactor::Note(const epoll_event& event) {
  const SocketId socket{event.data.fd};
  Socket& state = At(socket);
  constexpr uint32_t kOver = EPOLLHUP | EPOLLERR;
  if (event.events & (EPOLLIN | EPOLLRDHUP | EPOLLPRI | kOver)) state.readable = true;
  if (event.events & (EPOLLRDHUP | EPOLLPRI | kOver)) state.more_behind_less = true;
  if (event.events & (EPOLLOUT | kOver)) state.writable = true;
  GoOn(socket);
}

void EpollProactor::Wind() {
  trim_.Stop();
  for (size_t i = 0; i < sockets_.size(); ++i) {
    if (sockets_[i].listener != nullptr) Abort(SocketId{static_cast<int>(i)});
  }
}

}  // namespace poplar::io
