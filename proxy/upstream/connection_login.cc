// A connection's one login.
#include <utility>

#include "proxy/pop3/node_login.h"
#include "proxy/pop3/reply.h"
#include "proxy/upstream/connection.h"

namespace poplar::upstream {
namespace {

using Kind = pop3::NodeLogin::Action::Kind;

tl::expected<LoginAnswer, NodeError> AnswerOf(Kind kind, std::string_view line,
                                              std::string_view why) {
  using Verdict = LoginAnswer::Verdict;
  switch (kind) {
    case Kind::kAccepted:
      return LoginAnswer{Verdict::kAccepted, std::string(line) + "\r\n"};
    case Kind::kRefused:
      return LoginAnswer{Verdict::kRefused, std::string(line) + "\r\n"};
    case Kind::kModeRefused:
      return LoginAnswer{Verdict::kModeRefused, {}, why};
    case Kind::kImpossible:
      return LoginAnswer{Verdict::kImpossible, {}, why};
    case Kind::kUnsafeCredential:
      return tl::unexpected(
          NodeError{NodeFailure::kProtocol, "the credential can't be written as a command"});
    default:
      return tl::unexpected(
          NodeError{NodeFailure::kProtocol, "an answer that is none, or one too many"});
  }
}

// A node's questions within an AUTH are as long as the mechanism needs.
size_t LineBytesMax(const pop3::Credential& credential) {
  const pop3::Proof proof = credential.proof();
  const bool asks = proof == pop3::Proof::kToken || proof == pop3::Proof::kScram;
  return asks ? pop3::kSaslLineBytesMax : pop3::kReplyLineBytesMax;
}

}  // namespace

io::Task<tl::expected<LoginAnswer, NodeError>> Connection::LogIn(const pop3::Credential& credential,
                                                                 LoginTerms terms) {
  const io::Time begun = proactor_->Now();
  io::Duration thought{};  // by the client
  const bool introduces = terms.origin != nullptr && offers_xclient_ && endpoint_->xclient;
  NodeError error;
  if (introduces) error = co_await SendXclient(*terms.origin);
  if (error.failure != NodeFailure::kNone) co_return tl::unexpected(std::move(error));
  pop3::NodeLogin dialogue(credential, {.offered = terms.offered,
                                        .master = terms.master,
                                        .careful = terms.careful && !introduces,
                                        .at_once = true});
  pop3::NodeLogin::Action action = dialogue.Start();
  while (action.kind == Kind::kSend || action.kind == Kind::kListen ||
         action.kind == Kind::kAskClient) {
    password_sent_ = dialogue.password_sent();
    if (action.kind == Kind::kAskClient) {
      if (!co_await AskClient(dialogue, action, terms.challenger, &thought))
        co_return LoginAnswer{LoginAnswer::Verdict::kClientGone, {}};
      continue;
    }
    if (action.kind == Kind::kSend) error = co_await Send(action.bytes);
    if (error.failure == NodeFailure::kNone)
      error = co_await ReadLine(NodeFailure::kResponseTimeout, LineBytesMax(credential));
    if (error.failure != NodeFailure::kNone) co_return tl::unexpected(std::move(error));
    action = dialogue.OnLine(exchange().line);
    const bool more = action.kind == Kind::kListen || action.kind == Kind::kRefused;
    if (!more && has_stray_bytes()) action.kind = Kind::kProtocolError;
  }
  exchange().durations.authentication = proactor_->Now() - begun - thought;
  co_return AnswerOf(action.kind, exchange().line, dialogue.why());
}

// Right ahead of the login: the node takes what follows for this client's.
io::Task<NodeError> Connection::SendXclient(const ClientOrigin& origin) {
  const std::string command = RenderXclient(origin);
  const auto answer = co_await Ask(std::string_view(command).substr(0, command.size() - 2));
  if (!answer) co_return answer.error();
  if (!answer->starts_with('+'))
    co_return NodeError{NodeFailure::kCommandRefused, "XCLIENT: " + *answer};
  co_return NodeError{};
}

io::Task<bool> Connection::AskClient(pop3::NodeLogin& dialogue, pop3::NodeLogin::Action& action,
                                     Challenger* challenger, io::Duration* thought) {
  client_asked_ = true;
  if (challenger == nullptr) {
    action = dialogue.OnClient(std::nullopt);
    co_return true;
  }
  const io::Time asked = proactor_->Now();
  const std::optional<pop3::Secret> answer = co_await challenger->Ask(action.bytes);
  *thought += proactor_->Now() - asked;
  if (!answer) co_return false;
  action = dialogue.OnClient(answer->Expose());
  co_return true;
}

}  // namespace poplar::upstream
