#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "proxy/pop3/sasl_message.h"

namespace poplar::pop3 {

// The client's side of one AUTH (RFC 5034 section 4) up to complete credentials: lines in,
// challenges out. What the node makes of the credentials is the caller's to ask and to answer.
class SaslExchange {
 public:
  struct Step {
    enum class Kind : uint8_t {
      kChallenge,  // send `line`, feed the client's next line to OnLine()
      kIdentity,   // the client has said all: TakeIdentity()
      kRefused,    // send `line`; the client cancelled, or what it said is no such message
    };
    Kind kind = Kind::kRefused;
    std::string_view line;  // static, with its CRLF; empty with kIdentity
  };

  explicit SaslExchange(Mechanism mechanism) : mechanism_(mechanism) {}

  // Once, first. `initial`: the word behind the mechanism's name, if there is one.
  Step Begin(std::optional<std::string_view> initial);
  // After kChallenge only; `line` without its line end.
  Step OnLine(std::string_view line);

  Mechanism mechanism() const { return mechanism_; }
  // After kIdentity, once. EXTERNAL's has no user, which the client's certificate names, and its
  // authorization is what the client asked for; SCRAM's has no secret.
  SaslIdentity TakeIdentity() { return std::move(identity_); }
  // After kIdentity, of SCRAM: the message that the node has to get. Decoded.
  Secret TakeFirstMessage() { return std::move(message_); }

 private:
  Step OnMessage(Secret message);
  Step OnLoginMessage(std::string_view message);
  Step Complete(std::optional<SaslIdentity> identity);

  const Mechanism mechanism_;
  SaslIdentity identity_;
  Secret message_;
};

}  // namespace poplar::pop3
