#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "proxy/pop3/login_way.h"
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

// What is known when a node is told of a login.
struct NodeLoginTerms {
  const Capabilities* offered = nullptr;  // by the node; null: unknown
  const MasterUser* master = nullptr;     // null: none, nor a separator of its own
  // The connection has been idle and may be dead: nothing secret is sent before the node has
  // answered something, so that a dead one costs no login attempt.
  bool careful = false;
  // USER and PASS may go together where the node offers PIPELINING. Its answer to PASS is unread
  // where it refuses USER.
  bool at_once = false;
};

// The node's side from its greeting to its word on the login: lines in, commands out. One login on
// one connection; whatever the outcome, a second login takes a new connection.
class NodeLogin {
 public:
  struct Action {
    enum class Kind : uint8_t {
      kSend,           // send `bytes`, then feed the answer's line to OnLine()
      kListen,         // of what was sent, one more answer is to come: its line to OnLine()
      kAskClient,      // `bytes` are the node's question for the client: its answer to OnClient()
      kAccepted,       // logged in; the line is the answer for the client
      kRefused,        // -ERR to USER, PASS or AUTH; the line is the answer for the client
      kModeRefused,    // the node can't, or won't, be in the client's mode (UTF8, LANG)
      kProtocolError,  // not an answer, or one too many: the connection is of no more use
      kUnsafeCredential,  // nothing was sent: see IsSafe
      kImpossible,        // nothing was sent: see why()
    };
    Kind kind = Kind::kProtocolError;
    // A line with its CRLF; two where the node takes a password with the name. Valid until the next
    // call of anything but const.
    std::string_view bytes;
  };

  // All must outlive the NodeLogin.
  NodeLogin(const Credential& credential, const NodeLoginTerms& terms)
      : credential_(credential), terms_(terms) {}

  // Once, first.
  Action Start();

  // `line`: the node's, without its line end.
  Action OnLine(std::string_view line);

  // After kAskClient: the client's line without its line end, as it is. "*", what is no base64 and
  // nothing (nobody can be asked) cancel the exchange; the node's -ERR to that is its word.
  Action OnClient(std::optional<std::string_view> line);

  // From here on a failure may have spent a login attempt: no silent retry on another node.
  bool password_sent() const { return password_sent_; }
  // From here on the login can't be repeated: the client would have to be asked again.
  bool client_asked() const { return questions_ > 0; }
  // With kImpossible and kModeRefused: static, for the log.
  std::string_view why() const { return way_.why; }

 private:
  enum class Stage : uint8_t {
    kBegin,
    kUtf8,
    kLanguage,
    kUser,
    kBoth,  // USER, with PASS behind it
    kPass,
    kAuth,       // without the message, which the node has to ask for
    kMessage,    // it has the message
    kClient,     // the client has the word
    kCancelled,  // it has "*"
    kDone,
  };

  Action Proceed();
  Action SendUser();
  Action SendAuth();
  Action SendMessage();
  Action OnAuthLine(std::string_view line);
  Action OnQuestion(std::string_view text);
  Action OnVerdict(std::string_view line);
  Action RefuseMode(std::string_view why);
  Action Send(Stage stage, std::string_view keyword, std::string_view argument);
  Action End(Action::Kind kind);

  const Credential& credential_;
  const NodeLoginTerms terms_;
  LoginWay way_;
  Secret outgoing_;
  Stage stage_ = Stage::kBegin;
  uint8_t questions_ = 0;
  bool heard_ = false;    // the node has answered something
  bool initial_ = false;  // the message went with the AUTH itself
  bool password_sent_ = false;
};

}  // namespace poplar::pop3
