#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "proxy/pop3/authorization.h"
#include "proxy/pop3/capabilities.h"
#include "proxy/pop3/limits.h"
#include "proxy/pop3/line_reader.h"
#include "proxy/pop3/node_login.h"
#include "proxy/pop3/reply.h"

// A client before login, and a node that answers its logins, both hostile: lines that begin with
// "+" or
// "-" are the node's while a login is under way. Replies must be whole lines, limits must hold, and
// what goes to a node must be exactly one command.
namespace {

using poplar::pop3::Authorization;
using poplar::pop3::EndCause;
using poplar::pop3::LineReader;
using poplar::pop3::NodeLogin;
using Kind = Authorization::Step::Kind;

constexpr int kBadCommandsMax = 5;
constexpr int kFailedLoginsMax = 3;

void Require(bool holds) {
  if (!holds) std::abort();
}

void CheckSent(std::string_view bytes, std::string_view keyword) {
  Require(bytes.starts_with(keyword) && bytes.ends_with("\r\n"));
  Require(bytes.substr(0, bytes.size() - 2).find_first_of(std::string_view("\0\r\n", 3)) ==
          bytes.npos);
  Require(bytes.size() <= poplar::pop3::kCommandLineBytesMax + 2);
}

// Logs in at a node that says what the next bytes say; whether it was accepted.
NodeLogin::Action::Kind LogIn(Authorization* client, LineReader* lines) {
  const std::string user(client->user());
  const auto credential = poplar::pop3::PasswordCredential(user, client->TakePassword());
  Require(!user.empty() && user.size() <= poplar::pop3::kUserBytesMax &&
          !credential.identity.secret.empty());
  NodeLogin node(credential, {});
  NodeLogin::Action action = node.Start();
  Require(action.kind == NodeLogin::Action::Kind::kSend);
  CheckSent(action.bytes, "USER ");
  std::string_view line;
  while (action.kind == NodeLogin::Action::Kind::kSend) {
    if (lines->Next(&line) != LineReader::Event::kLine)
      return NodeLogin::Action::Kind::kProtocolError;
    action = node.OnLine(line);
    if (action.kind == NodeLogin::Action::Kind::kSend) {
      Require(node.password_sent());
      CheckSent(action.bytes, "PASS ");
    }
  }
  Require(action.bytes.empty());
  return action.kind;
}

Authorization::Step Settle(Authorization* client, NodeLogin::Action::Kind outcome) {
  if (outcome == NodeLogin::Action::Kind::kRefused) return client->OnLoginRefused();
  client->OnLoginUnavailable();
  return {};
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const std::string capa = poplar::pop3::RenderBeforeLogin(true);
  if (size == 0) return 0;
  const poplar::pop3::AuthorizationPolicy policy = {.bad_commands_max = kBadCommandsMax,
                                                    .failed_logins_max = kFailedLoginsMax,
                                                    .login_allowed = data[0] % 8 != 0,
                                                    .capa_reply = capa,
                                                    .greeting = poplar::pop3::kGreeting};
  const std::string stream(data + 1, data + size);
  Authorization client(policy);
  LineReader lines(poplar::pop3::kCommandLineBytesMax);
  lines.Feed(stream);
  std::string_view line;
  int refused = 0;
  for (LineReader::Event event; (event = lines.Next(&line)) != LineReader::Event::kNeedMore;) {
    Authorization::Step step =
        event == LineReader::Event::kTooLong ? client.OnLineTooLong() : client.OnLine(line);
    Require((step.kind == Kind::kLogin) == step.reply.empty());
    Require(step.reply.empty() || step.reply.ends_with("\r\n"));
    if (step.kind == Kind::kLogin) {
      Require(policy.login_allowed);
      const NodeLogin::Action::Kind outcome = LogIn(&client, &lines);
      if (outcome == NodeLogin::Action::Kind::kAccepted) return 0;
      refused += outcome == NodeLogin::Action::Kind::kRefused ? 1 : 0;
      step = Settle(&client, outcome);
      Require((step.kind == Kind::kReplyAndEnd) == (refused == kFailedLoginsMax));
    }
    Require((step.kind == Kind::kReplyAndEnd) == (step.cause != EndCause::kNone));
    if (step.kind == Kind::kReplyAndEnd) return 0;
  }
  return 0;
}
