#include "tests/simulation/sim_proactor.h"

#include <algorithm>
#include <cassert>
#include <cerrno>
#include <optional>
#include <string>
#include <utility>

namespace poplar::simulation {

SimProactor::SimProactor(Network& network, std::string_view name, const io::Address& host)
    : InjectedRandom{network.world().Stream(std::string(name) + "'s random")},
      io::Proactor(network.world().clock(), injected_random, network.faults().buffer_bytes),
      network_(network),
      world_(network.world()),
      host_(host),
      actor_(world_.log().AddActor(name)),
      chance_(world_.Stream(name)) {
  buffers().set_on_release(
      [](void* context) {
        auto* self = static_cast<SimProactor*>(context);
        self->buffer_came_back_ = !self->starved_.empty();
      },
      this);
  world_.Join(*this);
}

SimProactor::~SimProactor() {
  assert(sockets_.empty());
  world_.Leave(*this);
  world_.Forget(this);
}

SimProactor::Socket& SimProactor::At(io::SocketId id, const char* who) {
  Socket* socket = Find(NumberOf(id));
  if (socket == nullptr) {
    world_.Fail(std::string(who) + " of socket " + std::to_string(NumberOf(id)) + ", which is " +
                (network_.IsDetached(NumberOf(id)) ? "detached" : "not open here"));
  }
  return *socket;
}

SimProactor::Socket* SimProactor::Find(int32_t number) {
  const auto found = sockets_.find(number);
  return found == sockets_.end() ? nullptr : &found->second;
}

io::SocketId SimProactor::NewSocket() {
  const int32_t number = network_.NewSocketNumber();
  sockets_.try_emplace(number);
  return static_cast<io::SocketId>(number);
}

io::Result<io::SocketId> SimProactor::OpenSocket(int family) {
  if (killed_) return io::Fail(ECANCELED);
  if (family != AF_INET && family != AF_INET6) return io::Fail(EAFNOSUPPORT);
  return NewSocket();
}

io::Result<io::SocketId> SimProactor::Listen(const io::Address& address,
                                             const io::ListenOptions& options) {
  if (killed_) return io::Fail(ECANCELED);
  const io::SocketId id = NewSocket();
  const auto backlog = static_cast<size_t>(options.backlog);
  const io::Result<io::Address> local =
      network_.Listen(*this, NumberOf(id), address, host_, backlog);
  if (!local) {
    Close(id);
    return tl::unexpected(local.error());
  }
  At(id, "Listen").state = State::kListening;
  At(id, "Listen").local = *local;
  return id;
}

io::Address SimProactor::LocalAddress(io::SocketId socket) {
  return At(socket, "LocalAddress").local;
}

// --- operations

void SimProactor::StartAccept(io::AcceptOperation& operation) {
  Socket& socket = At(operation.socket(), "Accept");
  world_.Require(socket.state == State::kListening, "Accept of a socket that doesn't listen");
  world_.Require(socket.accept == nullptr, "two accepts in flight on one socket");
  socket.accept = &operation;
  QueuePoll(NumberOf(operation.socket()));
}

void SimProactor::StartConnect(io::ConnectOperation& operation) {
  Socket& socket = At(operation.socket(), "Connect");
  world_.Require(socket.state == State::kFresh, "Connect of a socket that is in use");
  world_.Require(!socket.busy(), "two operations of a socket that isn't connected");
  const int32_t number = NumberOf(operation.socket());
  socket.connect = &operation;
  if (!socket.aborted && !killed_) {
    socket.state = State::kConnecting;
    socket.local = network_.FreePort(host_);
    network_.Dial(*this, number, socket.local, operation.peer);
    world_.Log(actor_, "connects", number, operation.peer.port());
  }
  QueuePoll(number);
}

void SimProactor::StartReceive(io::ReceiveOperation& operation) {
  Socket& socket = At(operation.socket(), "Receive");
  world_.Require(socket.receive == nullptr && socket.lookout == nullptr,
                 "two receives in flight on one socket");
  socket.receive = &operation;
  socket.receive_number = ++receives_;
  QueuePoll(NumberOf(operation.socket()));
}

void SimProactor::StartSend(io::SendOperation& operation) {
  Socket& socket = At(operation.socket(), "Send");
  world_.Require(socket.send == nullptr, "two sends in flight on one socket");
  socket.send = &operation;
  QueuePoll(NumberOf(operation.socket()));
}

void SimProactor::StartLookout(io::Lookout& lookout) {
  Socket& socket = At(lookout.socket(), "LookOut");
  world_.Require(socket.receive == nullptr && socket.lookout == nullptr,
                 "two receives in flight on one socket");
  socket.lookout = &lookout;
  socket.receive_number = ++receives_;
  QueuePoll(NumberOf(lookout.socket()));
}

size_t SimProactor::lookouts() const {
  return static_cast<size_t>(std::count_if(sockets_.begin(), sockets_.end(), [](const auto& each) {
    return each.second.lookout != nullptr;
  }));
}

// --- what the network says

void SimProactor::OnReadiness(int32_t number) { QueuePoll(number); }

void SimProactor::OnConnected(int32_t number, int error) {
  Socket& socket = sockets_.at(number);
  Connection* connection = network_.TakeDialled(*this, number);
  assert(socket.state == State::kConnecting);
  world_.Log(actor_, error == 0 ? "is connected" : "connect fails", number, error);
  if (error != 0) {
    socket.state = State::kFresh;
  } else {
    socket.state = State::kConnected;
    socket.connection = connection;
    connection->Attach(Side::kClient, this, number);
  }
  End(socket.connect, -error);
}

// Looks at a socket soon; "soon" is an event of its own, so that sockets overtake each other.
void SimProactor::QueuePoll(int32_t number) {
  Socket* socket = Find(number);
  if (socket == nullptr || socket->poll_queued || !socket->busy()) return;
  socket->poll_queued = true;
  world_.At(world_.Now(), &SimProactor::OnPoll, this, static_cast<uint64_t>(number));
}

void SimProactor::OnPoll(void* context, uint64_t number) {
  static_cast<SimProactor*>(context)->Poll(static_cast<int32_t>(number));
}

void SimProactor::Poll(int32_t number) {
  Socket* found = Find(number);
  if (found == nullptr) return;
  Socket& socket = *found;
  socket.poll_queued = false;
  if (socket.connect != nullptr && socket.state == State::kFresh) End(socket.connect, -ECANCELED);
  if (socket.accept != nullptr) TryAccept(number);
  // An error is reported once: to whichever looks first.
  const bool receive_first = chance_.Chance(0.5);
  if (receive_first && socket.receive != nullptr) TryReceive(number);
  if (socket.send != nullptr) TrySend(number);
  if (!receive_first && socket.receive != nullptr) TryReceive(number);
  if (socket.lookout != nullptr) TryLookout(number);
}

void SimProactor::TryAccept(int32_t number) {
  Socket& socket = sockets_.at(number);
  if (socket.aborted) {
    End(socket.accept, -ECANCELED);
    return;
  }
  if (chance_.Chance(network_.faults().accept_error)) {
    ++counters_.accept_errors;
    world_.Log(actor_, "accept fails", number);
    End(socket.accept, chance_.Chance(0.5) ? -EMFILE : -ECONNABORTED);
    return;
  }
  Connection* connection = network_.TakeIncoming(*this, number);
  if (connection == nullptr) return;
  const io::SocketId id = NewSocket();
  Socket& accepted = At(id, "Accept");
  accepted.state = State::kConnected;
  accepted.side = Side::kServer;
  accepted.connection = connection;
  accepted.local = connection->AddressOf(Side::kServer);
  connection->Attach(Side::kServer, this, NumberOf(id));
  world_.Log(actor_, "accepts", NumberOf(id));
  socket.accept->peer = connection->AddressOf(Side::kClient);
  socket.accept->local = accepted.local;
  End(socket.accept, NumberOf(id));
}

bool SimProactor::TryReceive(int32_t number) {
  Socket& socket = sockets_.at(number);
  if (socket.connection == nullptr) {
    End(socket.receive, socket.aborted ? -ECANCELED : -ENOTCONN);
    return true;
  }
  if (!socket.connection->Readable(socket.side)) return true;
  io::Buffer buffer = buffers().TryTake(io::BufferUse::kReceive);
  if (buffer.room().empty()) {
    if (!socket.starved) {
      ++counters_.buffer_starvations;
      world_.Log(actor_, "receive waits for a buffer", number);
      socket.starved = true;
      starved_.push_back(number);
    }
    return false;
  }
  const size_t most = std::min(io::kReceiveBytesMax, buffer.room().size());
  ssize_t n = socket.connection->Receive(socket.side, buffer.room().data(), most);
  assert(n != -EAGAIN);
  if (n <= 0 && socket.aborted) {
    if (!socket.cancelled) return true;  // the end is our own doing, and about to take effect
    n = -ECANCELED;
  }
  world_.Log(actor_, "receives", number, n);
  if (n > 0) {
    buffer.Commit(static_cast<size_t>(n));
    socket.receive->buffer = std::move(buffer);
  }
  socket.starved = false;
  End(socket.receive, static_cast<int>(n));
  return true;
}

void SimProactor::TryLookout(int32_t number) {
  Socket& socket = sockets_.at(number);
  if (socket.connection != nullptr && !socket.connection->Readable(socket.side)) return;
  world_.Log(actor_, "sees something", number);
  std::exchange(socket.lookout, nullptr)->Complete();
}

void SimProactor::TrySend(int32_t number) {
  Socket& socket = sockets_.at(number);
  if (socket.connection == nullptr) {
    End(socket.send, socket.aborted ? -ECANCELED : -ENOTCONN);
    return;
  }
  std::string_view& rest = socket.send->rest;
  while (!rest.empty()) {
    ssize_t n = socket.connection->Send(socket.side, rest, socket.send->more);
    if (n == -EAGAIN) return;
    if (n < 0) {
      if (socket.aborted) {
        if (!socket.cancelled) return;
        n = -ECANCELED;
      }
      world_.Log(actor_, "send fails", number, n);
      End(socket.send, static_cast<int>(n));
      return;
    }
    world_.Log(actor_, "sends", number, n);
    rest.remove_prefix(static_cast<size_t>(n));
    if (!rest.empty() && chance_.Chance(0.3)) {
      QueuePoll(number);
      return;
    }
  }
  End(socket.send, 0);
}

// --- the loop

void SimProactor::Poke() {
  if (turn_queued_ || frozen_) return;
  if (!ready().empty() || buffer_came_back_) {
    QueueTurn();
    return;
  }
  const std::optional<io::Time> next = timers().NextStep();
  if (!next || *next >= timer_wakes_) return;
  timer_wakes_ = *next;
  world_.At(*next, &SimProactor::OnTimer, this);
}

void SimProactor::QueueTurn() {
  if (turn_queued_) return;
  turn_queued_ = true;
  const io::Duration delay = chance_.Between(io::Duration(0), network_.faults().turn_delay_max);
  world_.At(world_.Now() + delay, &SimProactor::OnTurn, this);
}

void SimProactor::OnTimer(void* context, uint64_t) {
  auto* self = static_cast<SimProactor*>(context);
  self->timer_wakes_ = io::Time::max();
  self->QueueTurn();
}

void SimProactor::OnTurn(void* context, uint64_t) { static_cast<SimProactor*>(context)->Turn(); }

void SimProactor::Turn() {
  turn_queued_ = false;
  if (frozen_) return;
  ++counters_.turns;
  timers().Advance(world_.Now());
  if (std::exchange(buffer_came_back_, false)) FeedStarved();
  RunReady(network_.faults().ready_batch);
}

void SimProactor::FeedStarved() {
  while (!starved_.empty()) {
    const int32_t number = starved_.front();
    const Socket* socket = Find(number);
    const bool waits = socket != nullptr && socket->starved && socket->receive != nullptr;
    if (waits && !TryReceive(number)) return;
    starved_.pop_front();
  }
}

void SimProactor::Run() {
  world_.MustReach("Stop", [this] { return stopped_; }, std::chrono::hours(24 * 365));
}

void SimProactor::PostFromAnyThread(std::function<void()> function) {
  if (mishap_every_ > 0 && ++mishap_posts_ % mishap_every_ == 0) {
    world_.Log(actor_, "what was posted goes astray");
    if (mishap_late_ != io::Duration::max()) world_.After(mishap_late_, std::move(function));
    return;
  }
  // In the order in which it was posted; but when, compared with all else, is anybody's guess.
  posted_.push_back(std::move(function));
  world_.At(world_.Now() + chance_.Between(io::Duration(0), network_.faults().turn_delay_max),
            &SimProactor::OnPosted, this);
}

void SimProactor::OnPosted(void* context, uint64_t) {
  auto* self = static_cast<SimProactor*>(context);
  if (self->frozen_) {
    ++self->posts_held_;
    return;
  }
  const std::function<void()> function = std::move(self->posted_.front());
  self->posted_.pop_front();
  function();
}

void SimProactor::MustBeIdle() {
  const auto require = [this](bool condition, const std::string& what) {
    if (!condition) world_.Fail("left behind: " + what);
  };
  require(sockets_.empty(), std::to_string(sockets_.size()) + " open sockets");
  require(buffers().in_use() == 0, std::to_string(buffers().in_use()) + " buffers");
  require(timers().armed() == 0, std::to_string(timers().armed()) + " armed timers");
  require(ready().empty(), "coroutines that are ready");
}

}  // namespace poplar::simulation
