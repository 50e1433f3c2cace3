#include "proxy/account_probe/dialogue.h"

#include <algorithm>
#include <utility>

#include "proxy/pop3/limits.h"
#include "proxy/pop3/reply.h"
#include "proxy/pop3/reply_framer.h"
#include "proxy/tls/stream.h"

namespace poplar::account_probe {
namespace {

template <class T>
using Heard = Dialogue::Heard<T>;

tl::unexpected<Finding> Say(Fault fault, std::string text) {
  return tl::unexpected(Finding{fault, std::move(text)});
}

}  // namespace

void Dialogue::Use(std::unique_ptr<io::Stream> stream, const tls::TlsStream* secured) {
  stream_ = std::move(stream);
  secured_ = secured;
  if (expired_ && stream_ != nullptr) stream_->Abort();
}

void Dialogue::Expire() {
  expired_ = true;
  if (stream_ != nullptr) stream_->Abort();
}

Finding Dialogue::FromIo(const io::Error& error) const {
  if (expired_ || error.cancelled()) return {Fault::kTimeout, "no answer in the time given"};
  if (secured_ != nullptr && error.code == EPROTO) {
    const tls::Engine& engine = secured_->engine();
    // TLS 1.3 tells only behind the handshake that a client's certificate is missed.
    const bool wants = engine.failure() == tls::FailureReason::kCertificateRejected ||
                       engine.failure_text().find("CERTIFICATE_REQUIRED") != std::string_view::npos;
    return {wants ? Fault::kTlsWantsCertificate : Fault::kTlsBroken, shown_(engine.failure_text())};
  }
  if (error.reset()) return {Fault::kReset, "the server reset the connection"};
  return {Fault::kLocal, error.Text()};
}

io::Task<Heard<bool>> Dialogue::Receive() {
  io::Result<io::Buffer> more = co_await stream_->Read();
  if (!more) co_return tl::unexpected(FromIo(more.error()));
  if (more->empty()) co_return Say(Fault::kClosed, "the server closed the connection");
  input_ = std::move(*more);
  co_return true;
}

io::Task<Heard<bool>> Dialogue::Send(std::string_view bytes) {
  const io::Result<> sent = co_await stream_->Write(bytes);
  if (!sent) co_return tl::unexpected(FromIo(sent.error()));
  co_return true;
}

io::Task<Heard<std::string>> Dialogue::ReadLine(size_t bytes_max) {
  line_.clear();
  for (;;) {
    const std::string_view bytes = input_.bytes();
    const size_t end = bytes.find('\n');
    const size_t taken = end == std::string_view::npos ? bytes.size() : end + 1;
    const size_t room = bytes_max - line_.size();
    line_.append(bytes.substr(0, std::min(taken, room)));
    if (taken > room) {
      co_return Say(Fault::kTooMuch, "a line of more than " + std::to_string(bytes_max) +
                                         " bytes, which begins: " + shown_(line_));
    }
    input_.Consume(taken);
    if (input_.empty()) input_.Release();
    if (end != std::string_view::npos) break;
    if (const Heard<bool> more = co_await Receive(); !more) co_return tl::unexpected(more.error());
  }
  line_.pop_back();
  if (line_.ends_with('\r')) line_.pop_back();
  co_return std::exchange(line_, {});
}

io::Task<Heard<std::string>> Dialogue::Ask(std::string_view command) {
  if (has_stray_bytes())
    co_return Say(Fault::kNonsense,
                  "the server said more than it was asked: " + shown_(input_.bytes()));
  const std::string bytes = std::string(command) + "\r\n";
  if (const Heard<bool> sent = co_await Send(bytes); !sent) co_return tl::unexpected(sent.error());
  Heard<std::string> line = co_await ReadLine(pop3::kReplyLineBytesMax);
  if (line && !pop3::ParseReply(*line))
    co_return Say(Fault::kNonsense, "neither +OK nor -ERR: " + shown_(*line));
  co_return std::move(line);
}

io::Task<Heard<std::string>> Dialogue::AskForMore(std::string_view command, size_t bytes_max,
                                                  const Sink& sink) {
  if (has_stray_bytes())
    co_return Say(Fault::kNonsense,
                  "the server said more than it was asked: " + shown_(input_.bytes()));
  const std::string bytes = std::string(command) + "\r\n";
  if (const Heard<bool> sent = co_await Send(bytes); !sent) co_return tl::unexpected(sent.error());
  pop3::ReplyFramer framer;
  framer.Expect(true);
  size_t total = 0;
  std::string status;
  for (pop3::ReplyFramer::Step step; !step.complete;) {
    if (const Heard<bool> more = co_await Receive(); !more) co_return tl::unexpected(more.error());
    step = framer.Feed(input_.bytes());
    if (framer.fault() != pop3::ReplyFramer::Fault::kNone)
      co_return Say(Fault::kNonsense, "neither +OK nor -ERR: " + shown_(input_.bytes()));
    total += step.consumed;
    if (total > bytes_max)
      co_return Say(Fault::kTooMuch, "more than " + std::to_string(bytes_max) + " bytes");
    const std::string_view piece = input_.bytes().substr(0, step.consumed);
    const size_t end = std::min(piece.find('\n'), piece.size() - 1);
    if (!status.ends_with('\n')) status.append(piece.substr(0, end + 1));
    sink(piece);
    input_.Consume(step.consumed);
    if (input_.empty()) input_.Release();
  }
  status.erase(status.find_last_not_of("\r\n") + 1);
  co_return std::move(status);
}

io::Task<void> Dialogue::Close() {
  if (stream_ != nullptr && !expired_) co_await stream_->ShutdownWrite();
}

}  // namespace poplar::account_probe
