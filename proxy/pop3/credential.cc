#include "proxy/pop3/credential.h"

#include <utility>

namespace poplar::pop3 {

Proof Credential::proof() const {
  if (!mechanism) return Proof::kPassword;
  switch (*mechanism) {
    case Mechanism::kPlain:
    case Mechanism::kLogin:
      return Proof::kPassword;
    case Mechanism::kXoauth2:
    case Mechanism::kOauthBearer:
      return Proof::kToken;
    case Mechanism::kExternal:
      return Proof::kCertificate;
    case Mechanism::kScramSha256:
    case Mechanism::kScramSha1:
      return Proof::kScram;
  }
  return Proof::kPassword;
}

Credential PasswordCredential(std::string_view user, Secret password) {
  Credential credential;
  credential.identity.user = user;
  credential.identity.secret = std::move(password);
  return credential;
}

}  // namespace poplar::pop3
