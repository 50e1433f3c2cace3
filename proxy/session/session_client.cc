// Who is there: what a session learns of its client before POP3 begins, and TLS.
#include <algorithm>
#include <utility>

#include "proxy/io/deadline.h"
#include "proxy/pop3/ascii.h"
#include "proxy/session/proxy_header.h"
#include "proxy/session/session.h"
#include "proxy/tls/stream.h"

namespace poplar::session {

// From the connection's first byte to our greeting.
io::Task<bool> Session::LearnClient() {
  io::Buffer received;
  if (listener_.proxy_protocol_from.Contains(record_.client)) {
    ProxyHeader header = co_await ReadProxyHeader(proactor(), *client_);
    if (!header.fault.empty()) {
      record_.failure = header.fault;
      abrupt_ = true;
      End(EndReason::kProxyHeader);
      co_return false;
    }
    if (header.endpoints) {
      record_.balancer = record_.client;
      record_.client = header.endpoints->source;
      record_.local = header.endpoints->destination;
      if (!Admitted()) co_return false;
    }
    received = std::move(header.rest);
  }
  if (listener_.tls != nullptr && listener_.tls_at_once)
    co_return co_await Handshake(std::move(received));
  if (!received.empty()) input_.Feed(std::move(received));
  co_return true;
}

// The worker could judge nobody but the load balancer.
bool Session::Admitted() {
  const auto refusal = Identify(place_, *settings_, listener_, record_.client, proactor().Now());
  if (!refusal) return true;
  environment_.meter.ConnectionRefused(listener_.index, *refusal);
  record_.failure = admission::Name(*refusal);
  abrupt_ = true;
  End(EndReason::kNotAdmitted);
  return false;
}

io::Task<bool> Session::Handshake(io::Buffer received) {
  const io::Time begun = proactor().Now();
  trace::Taps taps = tapping_.Remove(client_);
  auto secured = std::make_unique<tls::TlsStream>(
      std::move(client_), listener_.tls->NewConnection(), proactor().buffers(), proactor().ready());
  tls::TlsStream& stream = *secured;
  client_ = std::move(secured);

  io::Deadline deadline(proactor(), settings_->timeouts.tls_handshake, stream);
  const io::Result<> done = co_await stream.Handshake(std::move(received));
  const io::Duration took = proactor().Now() - begun;
  record_.handshake = io::Brief(took);
  const bool in_time = done && !deadline.expired();
  if (in_time) {
    const tls::HandshakeFacts facts = stream.engine().facts();
    record_.tls_version = io::StaticText(facts.version);
    record_.tls_cipher = io::StaticText(facts.cipher);
    record_.tls_resumed = facts.resumed;
    Introduce(stream.engine(), facts.server_name);
    secure_ = true;
    for (const auto& tap : taps) tap->transcript().OnTls();
  } else if (deadline.expired()) {
    End(EndReason::kTlsHandshakeTimeout);
  } else if (done.error().code == EPROTO) {
    End(stream.engine().failure() == tls::FailureReason::kNotTls ? EndReason::kNotTls
                                                                 : EndReason::kTlsHandshakeFailed);
    record_.failure = stream.engine().failure_text();
  } else {
    End(EndReason::kClientReset);
  }
  const HandshakeResult result = in_time              ? HandshakeResult::kOk
                                 : deadline.expired() ? HandshakeResult::kTimeout
                                                      : HandshakeResult::kFailed;
  tapping_.Add(client_, trace::TracedStream::Peer::kClient, std::move(taps));
  environment_.meter.HandshakeEnded(result, stream.engine().failure(), record_, took);
  co_return in_time;
}

void Session::Introduce(const tls::Engine& engine, const std::string& server_name) {
  introduction_ = std::make_unique<Introduction>();
  introduction_->certificate_user = listener_.tls->UserOf(engine);
  if (const std::string_view der = engine.peer_certificate(); !der.empty()) {
    introduction_->certificate =
        std::make_unique<tls::ClientCertificate>(tls::DescribeClientCertificate(der));
  }
  std::string& name = introduction_->server_name = server_name;
  std::transform(name.begin(), name.end(), name.begin(), pop3::ToLower);
}

// What another proxy says of its client, which is judged and counted by it; addresses that are none
// change nothing.
void Session::TakeOver(const pop3::Xclient& xclient) {
  if (xclient.ttl) ttl_ = *xclient.ttl - 1;
  if (const auto local = io::Address::Parse(xclient.local_address, xclient.local_port))
    record_.local = *local;
  const auto client = io::Address::Parse(xclient.address, xclient.port);
  if (!client) return;
  if (!record_.balancer) record_.balancer = record_.client;
  record_.client = *client;
  if (Admitted()) TraceClient(trace::Tap::Start::kIdle);
}

// Nothing that was sent in the clear counts once TLS is up: others may have slipped it in.
io::Task<bool> Session::StartTls(pop3::Authorization& dialogue) {
  input_.lines.Discard();
  input_.Release();
  record_.stls = true;
  if (!co_await Handshake({})) co_return false;
  dialogue.OnTls(Policy());
  co_return true;
}

}  // namespace poplar::session
