#include "bench/load/pop3_client.h"

#include <utility>

#include "proxy/io/deadline.h"
#include "proxy/io/socket_stream.h"
#include "proxy/tls/stream.h"

namespace poplar::bench {

bool Pop3Client::Fail(std::string_view what, std::string_view why) {
  failure_ = std::string(what) + ": " + std::string(why);
  return false;
}

io::Task<bool> Pop3Client::Connect() {
  io::Result<std::unique_ptr<io::SocketStream>> opened =
      io::OpenStream(proactor_, target_.address.family());
  if (!opened) co_return Fail("socket", opened.error().Text());
  io::SocketStream& socket = **opened;
  stream_ = std::move(*opened);
  {
    io::Deadline deadline(proactor_, target_.timeout, socket);
    const io::Result<> connected = co_await socket.Connect(target_.address);
    if (!connected) co_return Fail("connect", connected.error().Text());
  }
  const bool secured = target_.tls == nullptr || co_await Secure();
  if (!secured) co_return false;
  co_return co_await ReadReply("greeting", false);
}

io::Task<bool> Pop3Client::Secure() {
  const io::Time begin = proactor_.Now();
  auto secured = std::make_unique<tls::TlsStream>(
      std::move(stream_),
      target_.tls->NewConnection(target_.address.Host(),
                                 proactor_.clock().UnixMicros() / 1'000'000),
      proactor_.buffers(), proactor_.ready());
  tls::TlsStream& stream = *secured;
  stream_ = std::move(secured);
  io::Deadline deadline(proactor_, target_.timeout, stream);
  const io::Result<> done = co_await stream.Handshake();
  handshake_time_ = proactor_.Now() - begin;
  if (!done) {
    const std::string_view text = stream.engine().failure_text();
    co_return Fail("TLS handshake", text.empty() ? done.error().Text() : std::string(text));
  }
  co_return true;
}

io::Task<bool> Pop3Client::ReadReply(std::string_view what, bool multi_line) {
  io::Deadline deadline(proactor_, target_.timeout, *stream_);
  framer_.Expect(multi_line);
  for (bool complete = false; !complete;) {
    const io::Result<io::Buffer> read = co_await stream_->Read();
    if (!read) {
      co_return Fail(what, deadline.expired() ? std::string("no reply") : read.error().Text());
    }
    if (read->empty()) co_return Fail(what, "connection closed");
    const pop3::ReplyFramer::Step step = framer_.Feed(read->bytes());
    if (framer_.fault() != pop3::ReplyFramer::Fault::kNone) {
      co_return Fail(what, "not a POP3 reply");
    }
    // We never pipeline, so nothing may follow.
    if (step.consumed != read->size()) co_return Fail(what, "more than one reply");
    complete = step.complete;
  }
  if (multi_line && framer_.ok()) body_bytes_ += framer_.body_bytes();
  if (!framer_.ok()) co_return Fail(what, framer_.status_line());
  co_return true;
}

io::Task<bool> Pop3Client::Command(std::string_view command, bool multi_line) {
  const std::string line = std::string(command) + "\r\n";
  {
    io::Deadline deadline(proactor_, target_.timeout, *stream_);
    const io::Result<> written = co_await stream_->Write(line);
    if (!written) co_return Fail(command, written.error().Text());
  }
  co_return co_await ReadReply(command.substr(0, command.find(' ')), multi_line);
}

io::Task<bool> Pop3Client::LogIn(std::string_view user, std::string_view password) {
  const std::string user_command = "USER " + std::string(user);
  const std::string pass_command = "PASS " + std::string(password);
  const bool named = co_await Command(user_command);
  if (!named) co_return false;
  co_return co_await Command(pass_command);
}

io::Task<bool> Pop3Client::Quit() {
  const bool answered = co_await Command("QUIT");
  if (!answered) co_return false;
  io::Deadline deadline(proactor_, target_.timeout, *stream_);
  const io::Result<io::Buffer> end = co_await stream_->Read();
  if (!end || !end->empty()) co_return Fail("QUIT", "the connection was not closed in order");
  co_return true;
}

}  // namespace poplar::bench
