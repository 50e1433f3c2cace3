#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "proxy/pop3/sasl_message.h"
#include "proxy/pop3/secret.h"

namespace poplar::pop3 {

// What a client shows for who it is. Decides how a node can be told, and what may be done again
// without the client.
enum class Proof : uint8_t {
  kPassword,     // USER/PASS, PLAIN, LOGIN
  kToken,        // XOAUTH2, OAUTHBEARER
  kScram,        // the password stays with the client: its messages are relayed
  kCertificate,  // EXTERNAL: checked here; the node is told by a master user
};

// A login as the client asked for it, complete but for what the node has to ask.
struct Credential {
  std::optional<Mechanism> mechanism;  // nothing: USER and PASS
  SaslIdentity identity;               // EXTERNAL's has its user from the certificate by now
  Secret first_message;                // SCRAM's, decoded; empty otherwise
  bool utf8 = false;                   // RFC 6856, said before the login
  std::string language;                // likewise, the tag of LANG; empty: never said

  Proof proof() const;
  // Whose mail is wanted: decides the node.
  std::string_view mailbox() const {
    return identity.authorization.empty() ? identity.user : identity.authorization;
  }
  // Whether its session is in the mode that every session begins in.
  bool plain_mode() const { return !utf8 && language.empty(); }
};

// As USER and PASS would give it.
Credential PasswordCredential(std::string_view user, Secret password);

}  // namespace poplar::pop3
