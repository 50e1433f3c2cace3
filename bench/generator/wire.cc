#include "bench/generator/wire.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

namespace poplar::bench {
namespace {

const sockaddr* Pointer(const sockaddr_storage& address) {
  return reinterpret_cast<const sockaddr*>(&address);
}

socklen_t LengthOf(const sockaddr_storage& address) {
  return address.ss_family == AF_INET ? sizeof(sockaddr_in) : sizeof(sockaddr_in6);
}

bool Retry(int error) { return error == EAGAIN || error == EWOULDBLOCK || error == EINTR; }

}  // namespace

std::optional<Wire> Wire::Open(const sockaddr_storage& server, const sockaddr_storage& source,
                               ssl_ctx_st* context, TlsTicket* ticket, bool resume) {
  const int descriptor =
      socket(server.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_TCP);
  if (descriptor < 0) return std::nullopt;
  Wire wire(descriptor);
  const int on = 1;
  setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
  if (source.ss_family != AF_UNSPEC) {
    // The port is chosen with the server in view: as many as there are, for each source.
    setsockopt(descriptor, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof(on));
    if (bind(descriptor, Pointer(source), LengthOf(source)) != 0) return std::nullopt;
  }
  if (connect(descriptor, Pointer(server), LengthOf(server)) != 0 && errno != EINPROGRESS)
    return std::nullopt;
  if (context != nullptr) {
    wire.tls_.emplace(*context, descriptor, ticket);
    if (resume) wire.tls_->OfferTicket();
  }
  return wire;
}

Wire::Wire(Wire&& other) noexcept
    : descriptor_(std::exchange(other.descriptor_, -1)), tls_(std::move(other.tls_)) {
  other.tls_.reset();
}

Wire::~Wire() {
  tls_.reset();
  if (descriptor_ >= 0) close(descriptor_);
}

int Wire::ConnectError() const {
  int error = 0;
  socklen_t length = sizeof(error);
  getsockopt(descriptor_, SOL_SOCKET, SO_ERROR, &error, &length);
  return error;
}

TlsResult Wire::Handshake() { return tls_ ? tls_->Handshake() : TlsResult::kDone; }

TlsResult Wire::Write(std::string_view& rest) {
  if (tls_) return tls_->Write(rest);
  while (!rest.empty()) {
    const ssize_t sent = send(descriptor_, rest.data(), rest.size(), MSG_NOSIGNAL);
    if (sent < 0) return Retry(errno) ? TlsResult::kAgain : TlsResult::kFailed;
    rest.remove_prefix(static_cast<size_t>(sent));
  }
  return TlsResult::kDone;
}

TlsResult Wire::Read(char* into, size_t room, size_t& got) {
  if (tls_) return tls_->Read(into, room, got);
  const ssize_t received = recv(descriptor_, into, room, 0);
  if (received < 0) return Retry(errno) ? TlsResult::kAgain : TlsResult::kFailed;
  if (received == 0) return TlsResult::kClosed;
  got = static_cast<size_t>(received);
  return TlsResult::kDone;
}

void Wire::Finish() {
  if (tls_) tls_->CloseNotify();
}

}  // namespace poplar::bench
