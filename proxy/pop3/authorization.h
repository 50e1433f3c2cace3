#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "proxy/pop3/capabilities.h"
#include "proxy/pop3/command.h"
#include "proxy/pop3/credential.h"
#include "proxy/pop3/limits.h"
#include "proxy/pop3/sasl_exchange.h"
#include "proxy/pop3/xclient.h"

namespace poplar::pop3 {

// What holds for one connection until TLS begins on it, or its end.
struct AuthorizationPolicy {
  int bad_commands_max = 3;    // the connection ends with this many-th bad command
  int failed_logins_max = 3;   // the connection ends with this many-th refused login
  bool takes_xclient = false;  // the client is a proxy of ours
  bool needs_tls = false;      // a password would come in the clear: the offer has no way to log in
  Offer offer = {};
  // Tried as well, though not promised: nobody knows yet whether the nodes have them.
  MechanismSet unpromised = {};
  std::string certificate_user = {};  // whom the client's certificate names; empty: nobody
};

// Why the client's side of the AUTHORIZATION state ended the connection.
enum class EndCause : uint8_t { kNone, kQuit, kTooManyBadCommands, kTooManyFailedLogins, kLoop };

// The client's side of the AUTHORIZATION state (RFC 1939 section 4, RFC 5034): lines in, replies
// out. One per connection, until a login succeeds.
class Authorization {
 public:
  // Bytes of the longest line that may come, its line end included.
  static constexpr size_t kLineBytesMax = kSaslLineBytesMax;

  struct Step {
    enum class Kind : uint8_t {
      kReply,        // send `reply`, go on
      kReplyAndEnd,  // send `reply`, close; `cause` says why
      kXclient,      // send `reply`, take over xclient()
      kStartTls,     // send `reply`, forget what the client has sent, begin TLS, then OnTls()
      kLogin,        // log in with TakeCredential(), then tell the outcome
    };
    Kind kind = Kind::kReply;
    std::string_view reply;  // valid until the next call of anything but const; may be empty
    EndCause cause = EndCause::kNone;
  };

  explicit Authorization(AuthorizationPolicy policy) : policy_(std::move(policy)) {}

  // `line` comes without its line end. Not while a login is under way, nor after kReplyAndEnd.
  Step OnLine(std::string_view line);
  // For LineReader's kTooLong: a bad command.
  Step OnLineTooLong();

  // After kStartTls: nothing that was said in the clear counts any more (RFC 2595 section 4).
  void OnTls(AuthorizationPolicy policy);

  // The outcome of a kLogin, unless it succeeded. In both cases the caller has answered (the step's
  // reply is empty) and the login must come anew. Refused: the node did not take the credential,
  // which counts. Unavailable: no fault of the client's ([SYS/TEMP], [IN-USE], no node), which
  // doesn't.
  Step OnLoginRefused();
  void OnLoginUnavailable();

  // Of the last kXclient.
  const Xclient& xclient() const { return xclient_; }
  // Once per kLogin.
  Credential TakeCredential();

 private:
  Step OnCommand(const Command& command);
  Step OnUser(const Command& command);
  Step OnPass(const Command& command);
  Step OnAuth(const Command& command);
  Step OnSasl(const SaslExchange::Step& step);
  Step OnIdentity();
  Step OnStls(const Command& command);
  Step OnXclient(const Command& command);
  Step OnUtf8(const Command& command);
  Step OnLanguage(const Command& command);
  Step Login(Credential credential);
  Step BadCommand(std::string_view reply);

  AuthorizationPolicy policy_;
  std::string user_;  // empty: no USER yet
  std::optional<SaslExchange> exchange_;
  Credential credential_;
  Xclient xclient_;
  std::string rendered_;  // a reply that is none of the constant ones
  bool utf8_ = false;
  std::string language_;
  int bad_commands_ = 0;
  int failed_logins_ = 0;
  bool login_under_way_ = false;
  bool ended_ = false;
};

}  // namespace poplar::pop3
