#include "proxy/upstream/connection.h"

#include <algorithm>
#include <utility>

#include "proxy/io/deadline.h"
#include "proxy/io/socket_stream.h"
#include "proxy/pop3/limits.h"
#include "proxy/pop3/node_login.h"
#include "proxy/pop3/reply.h"
#include "proxy/pop3/reply_framer.h"
#include "proxy/tls/stream.h"

namespace poplar::upstream {
namespace {

constexpr io::Duration kRetirePatience = std::chrono::seconds(2);

// How Dovecot greets those in its login_trusted_networks.
constexpr std::string_view kXclientGreeting = "+OK [XCLIENT]";

NodeFailure FromConnect(const io::Error& error) {
  switch (error.code) {
    case ECONNREFUSED:
      return NodeFailure::kConnectRefused;
    case ETIMEDOUT:
      return NodeFailure::kConnectTimeout;
    case ECANCELED:
      return NodeFailure::kCancelled;
    default:
      return NodeFailure::kConnectFailed;
  }
}

// Of the answer to a DELE. A mark that isn't made is a delete that is promised and not done.
NodeError MarkError(std::string_view answer) {
  const auto reply = pop3::ParseReply(answer);
  if (!reply) return {NodeFailure::kProtocol, "not an answer"};
  if (!reply->ok) return {NodeFailure::kCommandRefused, std::string(answer)};
  return {};
}

}  // namespace

NodeError Connection::FromIo(const io::Error& error, bool expired, NodeFailure at_timeout) const {
  if (expired || expired_) return {at_timeout, "no answer in time"};
  if (error.cancelled()) return {NodeFailure::kCancelled, ""};
  // TLS 1.3 tells only behind the handshake that a client's certificate isn't taken.
  if (error.code == EPROTO && !stream_->Fault().empty())
    return {NodeFailure::kTlsFailed, std::string(stream_->Fault())};
  return {NodeFailure::kReset, error.Text()};
}

void Connection::Abort() {
  aborted_ = true;
  if (stream_ != nullptr) stream_->Abort();
}

void Connection::Expire() {
  expired_ = true;
  Abort();
}

bool Connection::Detach() {
  if (stream_ == nullptr || aborted_ || has_stray_bytes()) return false;
  if (exchange_ != nullptr) exchange_->input.Release();  // it belongs to this worker
  if (!stream_->Detach()) return false;
  // Whoever takes it next is none of theirs.
  for (const auto& tap : tapping_.Remove(stream_)) tap->Note("kept for the user's next login");
  return true;
}

void Connection::Trace(trace::Taps taps) {
  if (stream_ != nullptr)
    return tapping_.Add(stream_, trace::TracedStream::Peer::kServer, std::move(taps));
  exchange().waiting_taps = std::move(taps);
}

void Connection::Attach(io::Proactor& proactor) {
  proactor_ = &proactor;
  if (stream_ != nullptr) stream_->Attach(proactor);
}

bool Connection::Quiet() { return stream_ != nullptr && !has_stray_bytes() && stream_->Quiet(); }

io::Task<NodeError> Connection::Open(const ClientOrigin* origin) {
  const bool secure = endpoint_->tls != nullptr;
  const bool stls = endpoint_->tls_start == TlsStart::kStls;
  NodeError error = co_await OpenTransport();
  if (error.failure == NodeFailure::kNone) error = co_await SendProxyHeader(origin);
  if (error.failure == NodeFailure::kNone && secure && !stls) error = co_await HandshakeTls();
  if (error.failure == NodeFailure::kNone) {
    tapping_.Add(stream_, trace::TracedStream::Peer::kServer,
                 std::exchange(exchange().waiting_taps, {}));
    error = co_await ReadGreeting();
  }
  if (error.failure == NodeFailure::kNone && secure && stls) error = co_await StartTls();
  if (error.failure == NodeFailure::kNone) opened_ = proactor_->Now();
  for (const auto& tap : exchange().waiting_taps) tap->Note("not reached: " + error.Text());
  co_return error;
}

io::Task<NodeError> Connection::OpenTransport() {
  auto opened = io::OpenStream(*proactor_, endpoint_->address.family(), io::Takes::kMuch);
  if (!opened) co_return NodeError{NodeFailure::kNoDescriptor, opened.error().Text()};
  io::SocketStream& transport = **opened;
  stream_ = std::move(*opened);
  if (aborted_) co_return NodeError{NodeFailure::kCancelled, ""};

  const io::Time begun = proactor_->Now();
  io::Deadline deadline(*proactor_, endpoint_->timeouts.connect, transport);
  const io::Result<> connected = co_await transport.Connect(endpoint_->address);
  exchange().durations.connect = proactor_->Now() - begun;
  if (connected) co_return NodeError{};
  if (deadline.expired() || expired_)
    co_return NodeError{NodeFailure::kConnectTimeout, "no answer in time"};
  co_return NodeError{FromConnect(connected.error()), connected.error().Text()};
}

// One write with nothing in front: the node looks for it in the first bytes.
io::Task<NodeError> Connection::SendProxyHeader(const ClientOrigin* origin) {
  const std::string header = RenderProxyHeader(endpoint_->proxy_protocol, origin);
  if (header.empty()) co_return NodeError{};
  co_return co_await Send(header);
}

// RFC 2595. Whatever comes behind the node's +OK and ahead of the handshake was put there by
// somebody on the way, to be taken for the node's own words afterwards.
io::Task<NodeError> Connection::StartTls() {
  NodeError error = co_await Send("STLS\r\n");
  if (error.failure == NodeFailure::kNone) error = co_await ReadLine(NodeFailure::kTlsTimeout);
  if (error.failure != NodeFailure::kNone) co_return error;
  const auto reply = pop3::ParseReply(exchange().line);
  if (!reply) co_return NodeError{NodeFailure::kProtocol, "not an answer to STLS"};
  if (!reply->ok) co_return NodeError{NodeFailure::kTlsFailed, "STLS refused: " + exchange().line};
  if (has_stray_bytes())
    co_return NodeError{NodeFailure::kTlsFailed, "unprotected bytes behind the answer to STLS"};
  co_return co_await HandshakeTls();
}

io::Task<NodeError> Connection::HandshakeTls() {
  trace::Taps taps = tapping_.Remove(stream_);
  auto secured = std::make_unique<tls::TlsStream>(
      std::move(stream_),
      endpoint_->tls->NewConnection(endpoint_->host_name,
                                    proactor_->clock().UnixMicros() / 1'000'000,
                                    endpoint_->tls_sessions.get()),
      proactor_->buffers(), proactor_->ready());
  tls::TlsStream& stream = *secured;
  stream_ = std::move(secured);

  const io::Time begun = proactor_->Now();
  io::Deadline deadline(*proactor_, endpoint_->timeouts.response, stream);
  const io::Result<> done = co_await stream.Handshake();
  exchange().durations.tls = proactor_->Now() - begun;
  if (!done) co_return FromIo(done.error(), deadline.expired(), NodeFailure::kTlsTimeout);
  for (const auto& tap : taps) tap->transcript().OnTls();
  tapping_.Add(stream_, trace::TracedStream::Peer::kServer, std::move(taps));
  co_return NodeError{};
}

io::Task<NodeError> Connection::ReadGreeting() {
  const io::Time begun = proactor_->Now();
  NodeError error = co_await ReadLine(NodeFailure::kGreetingTimeout);
  exchange().durations.greeting = proactor_->Now() - begun;
  if (error.failure == NodeFailure::kProtocol) error.failure = NodeFailure::kGreetingGarbage;
  if (error.failure != NodeFailure::kNone) co_return error;
  switch (pop3::ParseGreeting(exchange().line)) {
    case pop3::Greeting::kReady:
      // A server speaks once and then waits; more than a greeting is no POP3 server.
      if (has_stray_bytes())
        co_return NodeError{NodeFailure::kGreetingGarbage, "more than one line"};
      offers_xclient_ = exchange().line.starts_with(kXclientGreeting);
      co_return NodeError{};
    case pop3::Greeting::kRefused:
      co_return NodeError{NodeFailure::kGreetingRefused, exchange().line};
    case pop3::Greeting::kGarbage:
      break;
  }
  co_return NodeError{NodeFailure::kGreetingGarbage, "not a POP3 greeting"};
}

io::Task<NodeError> Connection::ReadLine(NodeFailure at_timeout, size_t bytes_max) {
  io::Buffer& input = exchange().input;
  std::string& line = exchange().line;
  line.clear();
  io::Deadline deadline(*proactor_, endpoint_->timeouts.response, *stream_);
  for (;;) {
    const std::string_view bytes = input.bytes();
    const size_t end = bytes.find('\n');
    const size_t taken = end == std::string_view::npos ? bytes.size() : end + 1;
    if (line.size() + taken > bytes_max) {
      co_return NodeError{NodeFailure::kProtocol, "line too long"};
    }
    line.append(bytes.substr(0, taken));
    input.Consume(taken);
    if (input.empty()) input.Release();
    if (end != std::string_view::npos) break;

    io::Result<io::Buffer> more = co_await stream_->Read();
    if (!more) co_return FromIo(more.error(), deadline.expired(), at_timeout);
    if (more->empty()) co_return NodeError{NodeFailure::kClosed, "the node closed the connection"};
    input = std::move(*more);
  }
  while (!line.empty() && (line.back() == '\n' || line.back() == '\r')) line.pop_back();
  co_return NodeError{};
}

io::Task<NodeError> Connection::Send(std::string_view bytes) {
  io::Deadline deadline(*proactor_, endpoint_->timeouts.response, *stream_);
  const io::Result<> sent = co_await stream_->Write(bytes);
  if (sent) co_return NodeError{};
  co_return FromIo(sent.error(), deadline.expired(), NodeFailure::kResponseTimeout);
}

io::Task<tl::expected<std::string, NodeError>> Connection::AskCapabilities() {
  NodeError error = co_await Send("CAPA\r\n");
  if (error.failure != NodeFailure::kNone) co_return tl::unexpected(std::move(error));
  co_return co_await ReadReply();
}

io::Task<tl::expected<std::string, NodeError>> Connection::ReadReply() {
  std::string reply;
  pop3::ReplyFramer framer;
  framer.Expect(true);
  io::Deadline deadline(*proactor_, endpoint_->timeouts.response, *stream_);
  for (pop3::ReplyFramer::Step step; !step.complete;) {
    io::Result<io::Buffer> more = co_await stream_->Read();
    if (!more)
      co_return tl::unexpected(
          FromIo(more.error(), deadline.expired(), NodeFailure::kResponseTimeout));
    if (more->empty())
      co_return tl::unexpected(NodeError{NodeFailure::kClosed, "the node closed the connection"});
    step = framer.Feed(more->bytes());
    const bool too_long = reply.size() + step.consumed > pop3::kCapaReplyBytesMax;
    if (too_long || step.consumed < more->size())  // not a reply, or one too many
      co_return tl::unexpected(NodeError{
          NodeFailure::kProtocol, too_long ? "the reply is too long" : "not the one reply due"});
    reply.append(more->bytes());
  }
  co_return reply;
}

io::Task<tl::expected<bool, NodeError>> Connection::AskListing(pop3::UidlReader& listing) {
  NodeError error = co_await Send("UIDL\r\n");
  if (error.failure != NodeFailure::kNone) co_return tl::unexpected(std::move(error));
  pop3::ReplyFramer framer;
  framer.Expect(true);
  for (pop3::ReplyFramer::Step step; !step.complete;) {
    io::Deadline deadline(*proactor_, endpoint_->timeouts.response, *stream_);
    io::Result<io::Buffer> more = co_await stream_->Read();
    if (!more)
      co_return tl::unexpected(
          FromIo(more.error(), deadline.expired(), NodeFailure::kResponseTimeout));
    if (more->empty())
      co_return tl::unexpected(NodeError{NodeFailure::kClosed, "the node closed the connection"});
    step = framer.Feed(more->bytes());
    if (step.consumed < more->size())
      co_return tl::unexpected(NodeError{NodeFailure::kProtocol, "not the one reply due"});
    listing.Feed(more->bytes());
    if (!listing.valid() && framer.in_body()) co_return false;
  }
  const auto reply = pop3::ParseReply(framer.status_line());
  if (reply && reply->code == pop3::ResponseCode::kSysTemp)
    co_return tl::unexpected(
        NodeError{NodeFailure::kCommandRefused, std::string(framer.status_line())});
  co_return framer.ok();
}

io::Task<NodeError> Connection::Delete(const std::vector<uint32_t>& messages, bool pipelining) {
  // Small enough that neither end waits for the other to read.
  constexpr size_t kBatch = 64;
  const size_t batch = pipelining ? kBatch : 1;
  for (size_t first = 0; first < messages.size(); first += batch) {
    const size_t count = std::min(batch, messages.size() - first);
    std::string commands;
    for (size_t i = 0; i < count; ++i) {
      commands += "DELE " + std::to_string(messages[first + i]) + "\r\n";
    }
    NodeError error = co_await Send(commands);
    for (size_t i = 0; i < count && error.failure == NodeFailure::kNone; ++i) {
      error = co_await ReadLine(NodeFailure::kResponseTimeout);
      if (error.failure == NodeFailure::kNone) error = MarkError(exchange().line);
    }
    if (error.failure != NodeFailure::kNone) co_return error;
  }
  co_return has_stray_bytes() ? NodeError{NodeFailure::kProtocol, "one answer too many"}
                              : NodeError{};
}

io::Task<tl::expected<std::string, NodeError>> Connection::Ask(std::string_view command) {
  const std::string line = std::string(command) + "\r\n";
  NodeError error = co_await Send(line);
  if (error.failure == NodeFailure::kNone) error = co_await ReadLine(NodeFailure::kResponseTimeout);
  if (error.failure == NodeFailure::kNone &&
      (has_stray_bytes() || !pop3::ParseReply(exchange().line)))
    error = {NodeFailure::kProtocol, "an answer that is none, or one too many"};
  if (error.failure != NodeFailure::kNone) co_return tl::unexpected(std::move(error));
  co_return exchange().line;
}

io::Task<void> Connection::Retire() {
  if (stream_ == nullptr) co_return;
  io::Deadline deadline(*proactor_, kRetirePatience, *stream_);
  const io::Result<> sent = co_await stream_->Write("QUIT\r\n");
  for (bool open = sent.has_value(); open;) {
    const io::Result<io::Buffer> last = co_await stream_->Read();
    open = last && !last->empty();
  }
}

}  // namespace poplar::upstream
