#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "proxy/autoconfig/email_address.h"

namespace poplar::autoconfig {

enum class Security : uint8_t { kTls, kStartTls, kNone };

// How a user proves who they are.
enum class Proof : uint8_t { kPassword, kChallengeResponse, kToken, kCertificate };

// A place that clients are told of.
struct MailServer {
  std::string host;
  uint16_t port = 0;
  Security security = Security::kTls;
  std::vector<Proof> proofs = {Proof::kPassword};  // the best first; empty: none is asked for

  bool TakesPasswords() const {
    return std::find(proofs.begin(), proofs.end(), Proof::kPassword) != proofs.end();
  }
};

// What clients are told, whatever the form.
struct MailService {
  std::vector<std::string> domains;  // of the addresses; in lower case, at least one
  std::string display_name;
  std::string server;                // a host where Poplar answers; for redirections
  bool full_address = true;          // users log in by it, else by its local part
  bool has_https = false;            // port 443 of `server` answers
  std::vector<MailServer> incoming;  // POP3, the best first; at least one
  std::vector<MailServer> outgoing;  // SMTP, likewise; may be empty

  bool Serves(std::string_view domain) const {
    return std::find(domains.begin(), domains.end(), domain) != domains.end();
  }
  std::string UserName(const EmailAddress& address) const {
    return full_address ? address.Text() : address.local;
  }
};

}  // namespace poplar::autoconfig
