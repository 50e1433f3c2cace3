#include "proxy/io/socket_stream.h"

#include <utility>

namespace poplar::io {

Task<Result<Buffer>> SocketStream::Read() {
  if (aborted_) co_return Fail(ECANCELED);
  if (error_ != 0) co_return Fail(std::exchange(error_, uint16_t{0}));
  reading_ = true;
  Result<Buffer> received = co_await proactor().Receive(socket_);
  if (takes_ == Takes::kMuch && received && received->size() == kReceiveBytesMax && MoreWaits())
    TakeMore(*received);
  reading_ = false;
  co_return std::move(received);
}

// What waits behind a full buffer, with it in a large one: a copy is cheaper than another packet.
void SocketStream::TakeMore(Buffer& received) {
  Buffer large = proactor().buffers().TryTakeLarge();
  if (large.room().empty()) return;
  large.Append(received.bytes());
  received = std::move(large);
  const Result<> more =
      proactor().ReceiveWaiting(socket_, received, kLargeReceiveBytesMax - received.size());
  if (!more) error_ = static_cast<uint16_t>(more.error().code);
}

Task<Result<>> SocketStream::Write(std::string_view bytes) {
  if (aborted_) co_return Fail(ECANCELED);
  writing_ = true;
  const Result<> sent = co_await proactor().Send(socket_, bytes);
  writing_ = false;
  co_return sent;
}

Task<Result<>> SocketStream::WriteMore(std::string_view bytes) {
  if (aborted_) co_return Fail(ECANCELED);
  writing_ = true;
  const Result<> sent = co_await proactor().Send(socket_, bytes, true);
  writing_ = false;
  co_return sent;
}

Task<Result<>> SocketStream::ShutdownWrite() {
  if (aborted_) co_return Fail(ECANCELED);
  proactor().ShutdownWrite(socket_);
  co_return Result<>();
}

// The end of what we write travels with the last bytes.
Task<Result<>> SocketStream::Finish(std::string_view last) {
  const Result<> sent = co_await WriteMore(last);
  if (!sent) co_return sent;
  co_return co_await ShutdownWrite();
}

bool SocketStream::LookOut(Lookout& lookout) {
  assert(!reading_);
  if (aborted_ || error_ != 0) return false;
  lookout.Begin(proactor(), socket_);
  return true;
}

void SocketStream::CancelRead() { proactor().CancelReceive(socket_); }

void SocketStream::Abort() {
  if (aborted_) return;
  aborted_ = true;
  proactor().Abort(socket_);
}

bool SocketStream::Detach() {
  if (reading_ || writing_ || aborted_ || error_ != 0) return false;
  proactor().Detach(socket_);
  proactor_ = nullptr;
  return true;
}

void SocketStream::Attach(Proactor& proactor) {
  assert(proactor_ == nullptr);
  proactor_ = &proactor;
  proactor.Adopt(socket_);
}

bool SocketStream::Quiet() {
  assert(!reading_);
  return !aborted_ && error_ == 0 && proactor().Quiet(socket_);
}

Task<Result<>> SocketStream::Connect(Address to) {
  if (aborted_) co_return Fail(ECANCELED);
  writing_ = true;
  const Result<> connected = co_await proactor().Connect(socket_, to);
  writing_ = false;
  co_return connected;
}

Result<std::unique_ptr<SocketStream>> OpenStream(Proactor& proactor, int family, Takes takes) {
  const Result<SocketId> socket = proactor.OpenSocket(family);
  if (!socket) return tl::unexpected(socket.error());
  return std::make_unique<SocketStream>(proactor, *socket, takes);
}

}  // namespace poplar::io
