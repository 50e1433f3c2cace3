#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "proxy/pop3/secret.h"

// What clients say within SASL (RFC 4422), apart from the dialogue around it (SaslExchange).
// Everything is untrusted: whatever breaks its mechanism's grammar, or holds CR, LF or NUL where a
// POP3 command would take them for more commands than one, is no message.
namespace poplar::pop3 {

enum class Mechanism : uint8_t {
  kPlain,        // RFC 4616
  kLogin,        // draft-murchison-sasl-login
  kXoauth2,      // Google's
  kOauthBearer,  // RFC 7628
  kExternal,     // RFC 4422 appendix A
  kScramSha256,  // RFC 7677
  kScramSha1,    // RFC 5802
};
inline constexpr size_t kMechanismCount = static_cast<size_t>(Mechanism::kScramSha1) + 1;

// As IANA registered it, and as CAPA's SASL line and the metrics' label have it.
std::string_view Name(Mechanism mechanism);
// In any case. Nothing for one that we don't speak; -PLUS is none of ours: the channel that it
// binds to ends here.
std::optional<Mechanism> FindMechanism(std::string_view name);

// RFC 4648 section 4, strictly: whole groups, padding where it belongs and nowhere else, no blanks.
// Nothing for anything else. "" is the empty message.
std::optional<Secret> DecodeBase64(std::string_view text);

// Whom a client claims to be, and what it shows for it.
struct SaslIdentity {
  std::string user;           // who authenticates (authcid); not empty
  std::string authorization;  // whose mail it wants (authzid); empty: the user's own
  Secret secret;              // password or token; empty for SCRAM's first message
};

// Nothing where the message is no such one, a name is empty or longer than kUserBytesMax, or the
// password or token is empty.
std::optional<SaslIdentity> ParsePlain(std::string_view message);
std::optional<SaslIdentity> ParseXoauth2(std::string_view message);
// The user is the authorization identity, the only name in it.
std::optional<SaslIdentity> ParseOauthBearer(std::string_view message);
// The name in a client's first message, of whichever hash. The message itself goes to the node as
// it is.
std::optional<SaslIdentity> ParseScramFirst(std::string_view message);
// A name on its own, as LOGIN and EXTERNAL have it; nothing where it can't be a user's.
std::optional<std::string> ParseName(std::string_view message);

}  // namespace poplar::pop3
