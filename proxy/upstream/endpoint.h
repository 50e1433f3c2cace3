#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "proxy/io/address.h"
#include "proxy/io/clock.h"
#include "proxy/tls/client_context.h"
#include "proxy/tls/client_sessions.h"
#include "proxy/upstream/client_origin.h"

namespace poplar::upstream {

struct UpstreamTimeouts {
  io::Duration connect = std::chrono::seconds(15);
  // For each single answer, from the last byte sent to it or received from it; TLS handshakes too.
  io::Duration response = std::chrono::seconds(15);
  // After which a node that was asked nothing is asked NOOP; 0: never.
  io::Duration keepalive{};
};

enum class TlsStart : uint8_t {
  kImplicit,  // from the first byte
  kStls,      // behind the greeting (RFC 2595)
};

// Where a node is and how to speak to it. Immutable but for the TLS sessions, which lock by
// themselves; shared by all workers and kept by its connections.
struct Endpoint {
  std::string name;  // "cluster/node", as logs and metrics show it
  io::Address address;
  std::shared_ptr<const tls::ClientContext> tls;  // null: plain
  std::string host_name;                          // SNI, and what the certificate must be for
  TlsStart tls_start = TlsStart::kImplicit;
  ProxyProtocol proxy_protocol = ProxyProtocol::kNone;
  bool xclient = true;  // is used where the node offers it
  UpstreamTimeouts timeouts;
  std::shared_ptr<tls::ClientSessions> tls_sessions;  // null: none are resumed
};

// Without its cluster's.
inline std::string_view NameInCluster(const Endpoint& endpoint) {
  const std::string_view name = endpoint.name;
  return name.substr(name.find('/') + 1);
}

}  // namespace poplar::upstream
