#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "balancer/parked_session.h"
#include "proxy/io/address.h"
#include "proxy/pop3/secret.h"
#include "proxy/tls/client_certificate.h"

namespace poplar::directory {

// What a directory may know of a login whose place it is asked for. Owns all of it: an answer that
// others wait for too may outlast the session that asked.
struct Question {
  std::string user;       // canonical
  std::string login;      // as the client typed it
  std::string mechanism;  // "USER" or SASL's name
  // Password or token. Empty where the client keeps it (SCRAM) or showed a certificate.
  pop3::Secret secret;
  // Of names and secret; tells one credential of a user from another without keeping it.
  balancer::CredentialDigest digest;
  io::Address client;
  io::Address local;  // where the client connected to
  std::string listener;
  int attempt = 1;  // of this connection
  uint64_t session = 0;

  // Of the client's connection; empty where there is no TLS.
  std::string tls_version;
  std::string tls_cipher;
  std::string server_name;  // SNI
  // The client's, which was verified; nothing: it has shown none.
  std::optional<tls::ClientCertificate> certificate;
};

}  // namespace poplar::directory
