#include "tests/simulation/echo_server.h"

#include <memory>
#include <utility>

#include "proxy/io/deadline.h"
#include "proxy/io/socket_stream.h"

namespace poplar::simulation {

EchoServer::EchoServer(SimProactor& proactor, EchoMistake mistake)
    : proactor_(proactor), mistake_(mistake), scope_(proactor.ready()) {}

void EchoServer::Start(const io::Address& address) {
  const io::Result<io::SocketId> listener = proactor_.Listen(address, {.backlog = 4});
  proactor_.world().Require(listener.has_value(), "the echo server can't listen");
  listener_ = *listener;
  address_ = proactor_.LocalAddress(listener_);
  scope_.Spawn(AcceptAll());
}

void EchoServer::Stop() {
  if (listener_ != io::SocketId::kNone) proactor_.Abort(listener_);
}

io::Task<void> EchoServer::AcceptAll() {
  while (true) {
    const io::Result<io::Accepted> accepted = co_await proactor_.Accept(listener_);
    if (accepted) {
      scope_.Spawn(Serve(accepted->socket));
    } else if (accepted.error().cancelled()) {
      break;
    } else {
      co_await proactor_.Sleep(std::chrono::milliseconds(100));
    }
  }
  proactor_.Close(std::exchange(listener_, io::SocketId::kNone));
}

io::Task<void> EchoServer::Serve(io::SocketId socket) {
  auto stream = std::make_unique<io::SocketStream>(proactor_, socket);
  const bool patient = mistake_ == EchoMistake::kForgetsDeadline;
  const io::Result<> end =
      co_await Echo(*stream, patient ? std::chrono::hours(24 * 365 * 10) : kIdleTimeout);
  if (end) co_await stream->ShutdownWrite();
  if (!end && end.error().reset() && mistake_ == EchoMistake::kLeaksSocket) {
    stream.release();  // NOLINT: that is the mistake
  }
}

io::Task<io::Result<>> EchoServer::Echo(io::Stream& stream, io::Duration timeout) {
  io::Buffer held;
  while (true) {
    io::Deadline deadline(proactor_, timeout, stream);
    io::Result<io::Buffer> read = co_await stream.Read();
    if (!read) co_return tl::unexpected(read.error());
    std::string_view bytes = read->bytes();
    if (mistake_ == EchoMistake::kDropsTinyPiece && bytes.size() == 1) co_return io::Result<>();
    if (mistake_ == EchoMistake::kIgnoresShortBuffer) bytes = bytes.substr(0, 100);
    if (bytes.empty()) co_return io::Result<>();
    const io::Result<> written = co_await stream.Write(bytes);
    if (!written) co_return tl::unexpected(written.error());
    if (mistake_ == EchoMistake::kHoldsBuffer) held = std::move(*read);
  }
}

}  // namespace poplar::simulation
