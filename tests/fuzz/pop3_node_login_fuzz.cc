#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <string>
#include <string_view>

#include "proxy/pop3/limits.h"
#include "proxy/pop3/node_login.h"
#include "proxy/pop3/sasl_message.h"

// A hostile node, and a client that answers what it is asked: the first byte chooses the proof, the
// second what the node offers, the next line is the user, the next the secret; then lines of the
// node's, and a line of the client's for each question. What is sent must be single commands or
// base64, in the order that RFC 5034 has, and every dialogue must end.
namespace {

using namespace poplar::pop3;  // NOLINT(google-build-using-namespace): all of it is under test
using Kind = NodeLogin::Action::Kind;

void Require(bool holds) {
  if (!holds) std::abort();
}

std::string_view TakeLine(std::string_view& rest) {
  const size_t end = std::min(rest.find('\n'), rest.size());
  const std::string_view line = rest.substr(0, end);
  rest.remove_prefix(std::min(end + 1, rest.size()));
  return line;
}

void JudgeSent(std::string bytes) {
  Require(bytes.ends_with("\r\n"));
  bytes.resize(bytes.size() - 2);
  if (const size_t end = bytes.find("\r\n"); end != bytes.npos) {
    Require(bytes.starts_with("USER ") && bytes.substr(end + 2).starts_with("PASS "));
    bytes.erase(end, 2);
  }
  Require(bytes.find_first_of(std::string_view("\0\r\n", 3)) == bytes.npos);
  const std::string_view keywords[] = {"UTF8", "LANG ", "USER ", "PASS ", "AUTH "};
  for (const std::string_view keyword : keywords) {
    if (bytes.starts_with(keyword)) return;
  }
  Require(bytes == "*" || DecodeBase64(bytes).has_value());
}

Credential Make(uint8_t shape, std::string_view user, std::string_view secret) {
  Credential credential;
  const unsigned mechanism = shape % (kMechanismCount + 1);
  if (mechanism < kMechanismCount) credential.mechanism = static_cast<Mechanism>(mechanism);
  credential.identity.user = user;
  if ((shape & 0x40) != 0) credential.identity.authorization = secret.substr(0, 20);
  credential.utf8 = (shape & 0x80) != 0;
  credential.identity.secret = Secret(secret);
  if (credential.proof() == Proof::kScram) credential.first_message = Secret(secret);
  return credential;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 2) return 0;
  std::string_view rest(reinterpret_cast<const char*>(data) + 2, size - 2);
  const std::string_view user = TakeLine(rest);
  const Credential credential = Make(data[0], user, TakeLine(rest));
  const Capabilities offered(
      data[1] % 2 == 0 ? "SASL PLAIN XOAUTH2 OAUTHBEARER SCRAM-SHA-1 SCRAM-SHA-256\r\nUTF8\r\n"
                       : "USER\r\nUTF8\r\nPIPELINING\r\n");
  const MasterUser master{.name = "master", .password = Secret("master's"), .separator = "*"};
  NodeLogin login(credential, {.offered = data[1] % 3 == 0 ? nullptr : &offered,
                               .master = &master,
                               .careful = (data[1] & 0x10) != 0,
                               .at_once = (data[1] & 0x20) != 0});
  NodeLogin::Action action = login.Start();
  int lines = 0;
  while (action.kind == Kind::kSend || action.kind == Kind::kListen ||
         action.kind == Kind::kAskClient) {
    Require(++lines < 2 * kSaslQuestionsMax + 8);
    const std::string_view line = TakeLine(rest);
    if (action.kind != Kind::kAskClient) {
      if (action.kind == Kind::kSend) JudgeSent(std::string(action.bytes));
      action = login.OnLine(line);
    } else {
      Require(login.client_asked() && login.password_sent() && action.bytes.starts_with("+ "));
      const bool answers = line != "-";
      action = login.OnClient(answers ? std::optional(line) : std::nullopt);
    }
  }
  Require(action.bytes.empty());
  if (action.kind == Kind::kAccepted) Require(login.password_sent());
  if (action.kind == Kind::kImpossible) Require(!login.password_sent() && !login.why().empty());
  return 0;
}
