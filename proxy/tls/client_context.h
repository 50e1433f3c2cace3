#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <tl/expected.hpp>

#include "proxy/tls/certificate.h"
#include "proxy/tls/client_sessions.h"
#include "proxy/tls/engine.h"

namespace poplar::tls {

struct ClientSettings {
  enum class Verify : uint8_t {
    kFull,      // chain, dates and name (RFC 7817)
    kInsecure,  // anything goes; only by the operator's explicit word
    // Looked at as kFull does, all that is wrong, and told by Engine::certificate_faults() instead
    // of failing. Whoever makes such a connection looks there before it says anything secret.
    kReport,
  };
  Verify verify = Verify::kFull;
  std::string ca_file = {};  // PEM; empty: the system's bundle
  // Shown to a node that asks for one. No certificate: none; no key: it is in the same file.
  CertificateFiles certificate = {};
  std::string alpn = "pop3";  // what is offered
};

// How we speak TLS to the nodes of one cluster. Immutable, shared by all workers; connections keep
// it alive. TLS 1.2 and newer; ALPN is offered, a server that knows none is accepted.
class ClientContext : public std::enable_shared_from_this<ClientContext> {
 public:
  static constexpr char kSystemBundle[] = "/etc/ssl/certs/ca-certificates.crt";

  // The error says which file, what is wrong, and what would be right.
  static tl::expected<std::shared_ptr<const ClientContext>, std::string> Create(
      const ClientSettings& settings);
  ~ClientContext();
  ClientContext(const ClientContext&) = delete;
  ClientContext& operator=(const ClientContext&) = delete;

  // `host`: the node's configured name, or its address in text form (no brackets), which the
  // certificate must bear; a name also goes out as SNI. `unix_seconds`: the time to hold the
  // certificates' dates against. `sessions`: of this very node under this very context; resumed
  // from and added to; outlives the connection; null: no resumption.
  std::unique_ptr<Engine> NewConnection(std::string_view host, int64_t unix_seconds,
                                        ClientSessions* sessions = nullptr) const;

 private:
  friend struct ClientCallbacks;
  struct Native;
  ClientContext();

  ClientSettings::Verify verify_ = ClientSettings::Verify::kFull;
  std::unique_ptr<Native> native_;
};

}  // namespace poplar::tls
