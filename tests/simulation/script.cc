#include "tests/simulation/script.h"

#include <cassert>
#include <cerrno>
#include <utility>

namespace poplar::simulation {
namespace {

io::SocketId MustOpen(SimProactor& proactor) {
  const io::Result<io::SocketId> socket = proactor.OpenSocket(AF_INET);
  // A killed machine opens none; a script must not begin on one.
  proactor.world().Require(socket.has_value(), "a script begins on a machine that was killed");
  return *socket;
}

}  // namespace

ScriptedPeer::ScriptedPeer(SimProactor& proactor, io::SocketId socket)
    : proactor_(proactor),
      socket_(socket),
      stream_(std::make_unique<io::SocketStream>(proactor, socket)) {}

ScriptedPeer::ScriptedPeer(SimProactor& proactor) : ScriptedPeer(proactor, MustOpen(proactor)) {}

ScriptedPeer::~ScriptedPeer() = default;

io::Task<io::Result<>> ScriptedPeer::Connect(io::Address to) {
  co_return co_await stream_->Connect(to);
}

io::Task<io::Result<>> ScriptedPeer::Send(std::string bytes) {
  co_return co_await stream_->Write(bytes);
}

io::Task<io::Result<>> ScriptedPeer::Fill() {
  io::Result<io::Buffer> buffer = co_await stream_->Read();
  if (!buffer) co_return tl::unexpected(buffer.error());
  at_end_ = buffer->empty();
  unread_.append(buffer->bytes());
  co_return io::Result<>();
}

io::Task<io::Result<std::string>> ScriptedPeer::ReadLine(size_t most) {
  size_t end = std::string::npos;
  while ((end = unread_.find('\n')) == std::string::npos) {
    if (unread_.size() >= most) co_return io::Fail(EMSGSIZE);
    if (at_end_) co_return io::Fail(ECONNRESET);
    const io::Result<> filled = co_await Fill();
    if (!filled) co_return tl::unexpected(filled.error());
  }
  std::string line = unread_.substr(0, end);
  unread_.erase(0, end + 1);
  if (line.ends_with('\r')) line.pop_back();
  co_return line;
}

io::Task<io::Result<std::string>> ScriptedPeer::ReadExactly(size_t count) {
  while (unread_.size() < count) {
    if (at_end_) co_return io::Fail(ECONNRESET);
    const io::Result<> filled = co_await Fill();
    if (!filled) co_return tl::unexpected(filled.error());
  }
  std::string bytes = unread_.substr(0, count);
  unread_.erase(0, count);
  co_return bytes;
}

io::Task<io::Result<std::string>> ScriptedPeer::ReadToEnd(size_t most) {
  while (!at_end_) {
    if (unread_.size() > most) co_return io::Fail(EMSGSIZE);
    const io::Result<> filled = co_await Fill();
    if (!filled) co_return tl::unexpected(filled.error());
  }
  co_return std::exchange(unread_, std::string());
}

io::Task<io::Result<>> ScriptedPeer::ExpectLine(std::string line) {
  io::Result<std::string> got = co_await ReadLine();
  if (!got) co_return tl::unexpected(got.error());
  if (*got != line) proactor_.world().Fail("expected \"" + line + "\", got \"" + *got + "\"");
  co_return io::Result<>();
}

io::Task<io::Result<>> ScriptedPeer::ShutdownWrite() {
  co_return co_await stream_->ShutdownWrite();
}

void ScriptedPeer::Reset() { proactor_.Reset(socket_); }

}  // namespace poplar::simulation
