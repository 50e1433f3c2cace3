#pragma once

#include <cstdint>
#include <string_view>

#include "proxy/pop3/secret.h"

namespace poplar::pop3 {

enum class Greeting : uint8_t {
  kReady,
  kRefused,  // -ERR: the node doesn't want us now
  kGarbage,  // not POP3
};

// `line`: the first line of a node, without its line end.
Greeting ParseGreeting(std::string_view line);

// Whether a user name or password can be written as a command's argument: not empty, and without
// CR, LF and NUL.
bool IsSafeCredential(std::string_view credential);

// The node's side from its greeting to the answer to PASS: status lines in, commands out. One login
// on one connection; whatever the outcome, a second login takes a new connection.
class NodeLogin {
 public:
  struct Action {
    enum class Kind : uint8_t {
      kSend,              // send `bytes`, then feed the answer's line to OnLine()
      kAccepted,          // logged in; the line is the answer for the client
      kRefused,           // -ERR to USER or PASS; the line is the answer for the client
      kProtocolError,     // not a status line, or one too many: the connection is of no more use
      kUnsafeCredential,  // nothing was sent: see Start()
    };
    Kind kind = Kind::kProtocolError;
    // One command with its CRLF. Valid until the next call of anything but const.
    std::string_view bytes;
  };

  // Both must outlive the NodeLogin.
  NodeLogin(std::string_view user, const Secret& password) : user_(user), password_(password) {}

  // Once, first. kUnsafeCredential when user or password is empty or holds CR, LF or NUL: on the
  // wire it would read as more commands than one.
  Action Start();

  // `line`: the node's status line, without its line end.
  Action OnLine(std::string_view line);

  // From here on a failure may have spent a login attempt: no silent retry on another node.
  bool password_sent() const { return password_sent_; }

 private:
  enum class Stage : uint8_t { kBegin, kUser, kPass, kDone };

  Action Send(Stage stage, std::string_view keyword, std::string_view argument);
  Action End(Action::Kind kind);

  std::string_view user_;
  const Secret& password_;
  Secret outgoing_;
  Stage stage_ = Stage::kBegin;
  bool password_sent_ = false;
};

}  // namespace poplar::pop3
