#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <tl/expected.hpp>
#include <vector>

#include "proxy/tls/certificate.h"
#include "proxy/tls/client_certificate.h"
#include "proxy/tls/engine.h"
#include "proxy/tls/ticket_keys.h"

namespace poplar::tls {

enum class Version : uint16_t { kTls12 = 0x0303, kTls13 = 0x0304 };

// Whether clients are asked for a certificate of their own.
enum class ClientCertificates : uint8_t { kOff, kOptional, kRequired };

struct ServerSettings {
  // The first is the default. ECDSA and RSA certificates of one name may stand side by side.
  std::vector<CertificateFiles> certificates = {};
  std::vector<CertificatePem> certificates_in_memory = {};  // count behind those from files
  Version version_min = Version::kTls12;
  Version version_max = Version::kTls13;
  bool session_tickets = true;
  std::string alpn = "pop3";  // the protocol that clients may name (RFC 7301's registry)
  std::shared_ptr<const TicketKeys> ticket_keys = {};  // null: keys of this context's own
  // Other than off: TLS sessions aren't resumed, so that each client shows its certificate.
  ClientCertificates client_certificates = ClientCertificates::kOff;
  std::string client_ca_file = {};  // PEM: whose certificates count
  UserName client_name = UserName::kEmail;
};

// How we serve TLS to clients. Immutable, shared by all workers; connections keep it alive.
class ServerContext : public std::enable_shared_from_this<ServerContext> {
 public:
  // The error says which file, what is wrong, and what would be right.
  static tl::expected<std::shared_ptr<const ServerContext>, std::string> Create(
      const ServerSettings& settings);
  ~ServerContext();
  ServerContext(const ServerContext&) = delete;
  ServerContext& operator=(const ServerContext&) = delete;

  std::unique_ptr<Engine> NewConnection() const;
  // Whom the client's certificate names, after the handshake; empty: nobody.
  std::string UserOf(const Engine& connection) const;

  const std::shared_ptr<const TicketKeys>& ticket_keys() const { return ticket_keys_; }

  // In the order of the settings; for the days that they are still good.
  const std::vector<CertificateFacts>& certificates() const { return certificates_; }

 private:
  friend struct ServerCallbacks;
  struct Native;
  ServerContext();

  std::vector<CertificateFacts> certificates_;
  std::string alpn_;
  std::shared_ptr<const TicketKeys> ticket_keys_;
  Version version_max_ = Version::kTls13;
  ClientCertificates client_certificates_ = ClientCertificates::kOff;
  UserName client_name_ = UserName::kEmail;
  std::unique_ptr<Native> native_;
};

}  // namespace poplar::tls
