// How operations and sockets of a simulated world end, or change hands.
#include <optional>
#include <utility>

#include "tests/simulation/sim_proactor.h"

namespace poplar::simulation {

io::Duration SimProactor::CancelDelay() {
  return chance_.Between(io::Duration(0), network_.faults().cancel_delay_max);
}

void SimProactor::CancelReceive(io::SocketId id) {
  Socket& socket = At(id, "CancelReceive");
  if (socket.receive == nullptr && socket.lookout == nullptr) return;
  world_.Log(actor_, "cancels the receive", NumberOf(id));
  const uint64_t argument = uint64_t{socket.receive_number} << 32 | static_cast<uint32_t>(id);
  world_.At(world_.Now() + CancelDelay(), &SimProactor::OnCancelReceive, this, argument);
}

void SimProactor::OnCancelReceive(void* context, uint64_t argument) {
  auto* self = static_cast<SimProactor*>(context);
  Socket* socket = self->Find(static_cast<int32_t>(static_cast<uint32_t>(argument)));
  // It may have had its result before; a later receive isn't meant.
  if (socket == nullptr || socket->receive_number != argument >> 32) return;
  if (socket->lookout != nullptr) std::exchange(socket->lookout, nullptr)->Complete();
  socket->starved = false;
  self->End(socket->receive, -ECANCELED);
}

void SimProactor::Abort(io::SocketId id) {
  Socket& socket = At(id, "Abort");
  if (socket.aborted) return;
  const int32_t number = NumberOf(id);
  world_.Log(actor_, "aborts", number);
  socket.aborted = true;
  if (socket.state == State::kConnecting) network_.Undial(*this, number);
  if (socket.connection != nullptr) socket.connection->ShutdownBoth(socket.side);
  world_.At(world_.Now() + CancelDelay(), &SimProactor::OnCancelAll, this,
            static_cast<uint64_t>(number));
}

void SimProactor::OnCancelAll(void* context, uint64_t number) {
  static_cast<SimProactor*>(context)->CancelAll(static_cast<int32_t>(number));
}

void SimProactor::CancelAll(int32_t number) {
  Socket* socket = Find(number);
  if (socket == nullptr) return;
  socket->cancelled = true;
  socket->starved = false;
  End(socket->accept, -ECANCELED);
  End(socket->connect, -ECANCELED);
  End(socket->receive, -ECANCELED);
  if (socket->lookout != nullptr) std::exchange(socket->lookout, nullptr)->Complete();
  End(socket->send, -ECANCELED);
}

void SimProactor::ShutdownWrite(io::SocketId id) {
  Socket& socket = At(id, "ShutdownWrite");
  world_.Require(socket.send == nullptr, "ShutdownWrite with a send in flight");
  if (socket.connection == nullptr) return;
  world_.Log(actor_, "writes no more", NumberOf(id));
  socket.connection->ShutdownWrite(socket.side);
}

void SimProactor::Close(io::SocketId id) {
  Socket& socket = At(id, "Close");
  world_.Require(!socket.busy(), "Close of a socket with an operation in flight");
  world_.Log(actor_, "closes", NumberOf(id));
  if (socket.state == State::kListening) network_.Unlisten(*this, NumberOf(id));
  if (socket.connection != nullptr) socket.connection->Close(socket.side);
  sockets_.erase(NumberOf(id));
}

void SimProactor::Detach(io::SocketId id) {
  Socket& socket = At(id, "Detach");
  world_.Require(socket.state == State::kConnected, "Detach of a socket that isn't connected");
  world_.Require(!socket.busy(), "Detach of a socket with an operation in flight");
  // Without a connection it was reset from outside, which its user can't know.
  world_.Require(!socket.aborted || socket.connection == nullptr, "Detach of an aborted socket");
  world_.Log(actor_, "detaches", NumberOf(id));
  network_.Detach(NumberOf(id), {this, socket.connection, socket.side, socket.local});
  sockets_.erase(NumberOf(id));
}

void SimProactor::Adopt(io::SocketId id) {
  const int32_t number = NumberOf(id);
  const std::optional<Network::Detached> state = network_.Adopt(number, *this);
  if (!state) {
    world_.Fail("Adopt of socket " + std::to_string(number) + ", which is not detached");
  }
  world_.Log(actor_, "adopts", number);
  Socket& socket = sockets_[number];
  socket.state = State::kConnected;
  socket.connection = state->connection;
  socket.side = state->side;
  socket.local = state->local;
  if (killed_ || socket.connection == nullptr) ResetNow(number);
}

bool SimProactor::Quiet(io::SocketId id) {
  Socket& socket = At(id, "Quiet");
  world_.Require(socket.state == State::kConnected, "Quiet of a socket that isn't connected");
  world_.Require(socket.receive == nullptr, "Quiet with a receive in flight");
  return socket.connection != nullptr && socket.connection->Quiet(socket.side);
}

bool SimProactor::DataLikely(io::SocketId id) {
  Socket& socket = At(id, "DataLikely");
  return socket.connection != nullptr && socket.connection->Readable(socket.side);
}

io::Result<> SimProactor::ReceiveWaiting(io::SocketId id, io::Buffer& into, size_t most) {
  Socket& socket = At(id, "ReceiveWaiting");
  world_.Require(socket.receive == nullptr, "ReceiveWaiting with a receive in flight");
  if (socket.connection == nullptr || !socket.connection->Readable(socket.side)) return {};
  world_.Require(most <= into.room().size(), "ReceiveWaiting without room");
  const ssize_t n = socket.connection->Receive(socket.side, into.room().data(), most);
  world_.Log(actor_, "receives what waits", NumberOf(id), n);
  if (n < 0) return io::Fail(static_cast<int>(-n));
  into.Commit(static_cast<size_t>(n));
  return {};
}

void SimProactor::Reset(io::SocketId id) {
  At(id, "Reset");
  world_.Log(actor_, "resets", NumberOf(id));
  ResetNow(NumberOf(id));
}

void SimProactor::ResetNow(int32_t number) {
  Socket& socket = sockets_.at(number);
  if (socket.state == State::kListening) network_.Unlisten(*this, number);
  if (socket.state == State::kConnecting) network_.Undial(*this, number);
  if (socket.connection != nullptr) socket.connection->Reset(socket.side);
  socket.connection = nullptr;
  socket.aborted = true;
  CancelAll(number);
}

void SimProactor::Kill() {
  world_.Log(actor_, "is killed");
  killed_ = true;
  frozen_ = false;
  for (const auto& [number, socket] : sockets_) ResetNow(number);
  network_.ResetDetachedBy(*this);
}

void SimProactor::Freeze(bool frozen) {
  if (killed_ || frozen_ == frozen) return;
  world_.Log(actor_, frozen ? "stands still" : "goes on");
  frozen_ = frozen;
  if (frozen) return;
  QueueTurn();
  for (; posts_held_ > 0; --posts_held_) world_.At(world_.Now(), &SimProactor::OnPosted, this);
}

}  // namespace poplar::simulation
