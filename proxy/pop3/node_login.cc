#include "proxy/pop3/node_login.h"

#include <cassert>

#include "proxy/pop3/reply.h"

namespace poplar::pop3 {

bool IsSafeCredential(std::string_view credential) {
  using std::string_view_literals::operator""sv;
  return !credential.empty() && credential.find_first_of("\0\r\n"sv) == credential.npos;
}

Greeting ParseGreeting(std::string_view line) {
  const auto reply = ParseReply(line);
  if (!reply) return Greeting::kGarbage;
  return reply->ok ? Greeting::kReady : Greeting::kRefused;
}

NodeLogin::Action NodeLogin::Start() {
  assert(stage_ == Stage::kBegin);
  if (!IsSafeCredential(user_) || !IsSafeCredential(password_.Expose()))
    return End(Action::Kind::kUnsafeCredential);
  return Send(Stage::kUser, "USER ", user_);
}

NodeLogin::Action NodeLogin::OnLine(std::string_view line) {
  const auto reply = ParseReply(line);
  const bool expected = stage_ == Stage::kUser || stage_ == Stage::kPass;
  if (!expected || !reply) return End(Action::Kind::kProtocolError);
  if (!reply->ok) return End(Action::Kind::kRefused);
  if (stage_ == Stage::kPass) return End(Action::Kind::kAccepted);
  password_sent_ = true;
  return Send(Stage::kPass, "PASS ", password_.Expose());
}

NodeLogin::Action NodeLogin::Send(Stage stage, std::string_view keyword,
                                  std::string_view argument) {
  stage_ = stage;
  outgoing_ = Secret::Join({keyword, argument, "\r\n"});
  return {.kind = Action::Kind::kSend, .bytes = outgoing_.Expose()};
}

NodeLogin::Action NodeLogin::End(Action::Kind kind) {
  stage_ = Stage::kDone;
  outgoing_.Clear();
  return {.kind = kind, .bytes = {}};
}

}  // namespace poplar::pop3
