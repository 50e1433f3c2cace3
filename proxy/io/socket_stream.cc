#include "proxy/io/socket_stream.h"

namespace poplar::io {

Task<Result<Buffer>> SocketStream::Read() {
  if (aborted_) co_return Fail(ECANCELED);
  co_return co_await proactor_.Receive(socket_);
}

Task<Result<>> SocketStream::Write(std::string_view bytes) {
  if (aborted_) co_return Fail(ECANCELED);
  co_return co_await proactor_.Send(socket_, bytes);
}

Task<Result<>> SocketStream::ShutdownWrite() {
  if (aborted_) co_return Fail(ECANCELED);
  proactor_.ShutdownWrite(socket_);
  co_return Result<>();
}

void SocketStream::CancelRead() { proactor_.CancelReceive(socket_); }

void SocketStream::Abort() {
  if (aborted_) return;
  aborted_ = true;
  proactor_.Abort(socket_);
}

Task<Result<>> SocketStream::Connect(Address to) {
  if (aborted_) co_return Fail(ECANCELED);
  co_return co_await proactor_.Connect(socket_, to);
}

Result<std::unique_ptr<SocketStream>> OpenStream(Proactor& proactor, int family) {
  const Result<SocketId> socket = proactor.OpenSocket(family);
  if (!socket) return tl::unexpected(socket.error());
  return std::make_unique<SocketStream>(proactor, *socket);
}

}  // namespace poplar::io
