#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "proxy/pop3/command.h"
#include "proxy/pop3/secret.h"

namespace poplar::pop3 {

// The views must outlive every Authorization under this policy.
struct AuthorizationPolicy {
  int bad_commands_max = 3;     // the connection ends with this many-th bad command
  int failed_logins_max = 3;    // the connection ends with this many-th refused login
  bool login_allowed = true;    // false where a password would come in the clear
  std::string_view capa_reply;  // whole, as RenderBeforeLogin() makes it
  std::string_view greeting;    // whole line with CRLF; the session sends it first of all
};

// Why the client's side of the AUTHORIZATION state ended the connection.
enum class EndCause : uint8_t { kNone, kQuit, kTooManyBadCommands, kTooManyFailedLogins };

// The client's side of the AUTHORIZATION state (RFC 1939 section 4): lines in, replies out. One per
// connection, until a login succeeds.
class Authorization {
 public:
  struct Step {
    enum class Kind : uint8_t {
      kReply,        // send `reply`, go on
      kReplyAndEnd,  // send `reply`, close; `cause` says why
      kLogin,        // log in with user() and TakePassword(), then tell the outcome
    };
    Kind kind = Kind::kReply;
    std::string_view reply;  // static, or the policy's; may be empty
    EndCause cause = EndCause::kNone;
  };

  explicit Authorization(const AuthorizationPolicy& policy) : policy_(policy) {}

  std::string_view greeting() const { return policy_.greeting; }

  // `line` comes without its line end. Not while a login is under way, nor after kReplyAndEnd.
  Step OnLine(std::string_view line);
  // For LineReader's kTooLong: a bad command.
  Step OnLineTooLong();

  // The outcome of a kLogin, unless it succeeded. In both cases the caller has answered the PASS
  // (the step's reply is empty) and USER must come anew. Refused: the node did not take the
  // credential, which counts. Unavailable: no fault of the client's ([SYS/TEMP], [IN-USE], no
  // node), which doesn't.
  Step OnLoginRefused();
  void OnLoginUnavailable();

  // Of the last USER, after kLogin; valid until the next call of anything but const.
  std::string_view user() const { return user_; }
  // Once per kLogin.
  Secret TakePassword() { return std::move(password_); }

 private:
  Step OnUser(const Command& command);
  Step OnPass(const Command& command);
  Step BadCommand(std::string_view reply);
  void ForgetCredential();

  const AuthorizationPolicy policy_;
  std::string user_;  // empty: no USER yet
  Secret password_;
  int bad_commands_ = 0;
  int failed_logins_ = 0;
  bool login_under_way_ = false;
  bool ended_ = false;
};

}  // namespace poplar::pop3
