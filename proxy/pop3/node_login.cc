#include "proxy/pop3/node_login.h"

#include <cassert>

#include "proxy/pop3/limits.h"
#include "proxy/pop3/reply.h"

namespace poplar::pop3 {
namespace {

constexpr std::string_view kCancel = "*";
constexpr std::string_view kEmptyInitial = "=";

// RFC 5034 section 4: "+ " and base64. Some servers leave the blank out where nothing follows.
std::optional<std::string_view> QuestionOf(std::string_view line) {
  if (line == "+") return "";
  if (line.starts_with("+ ")) return line.substr(2);
  return std::nullopt;
}

bool IsBase64(std::string_view text) { return DecodeBase64(text).has_value(); }

}  // namespace

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
  const MasterUser none{.name = {}, .password = {}, .separator = {}};
  way_ = ChooseWay(credential_, terms_.offered, terms_.master == nullptr ? none : *terms_.master);
  switch (way_.kind) {
    case LoginWay::Kind::kUnsafe:
      return End(Action::Kind::kUnsafeCredential);
    case LoginWay::Kind::kImpossible:
      return End(Action::Kind::kImpossible);
    default:
      return Proceed();
  }
}

// RFC 6856: the mode first, since UTF8 is refused after the login. Where a node hasn't got the
// client's mode, its login there is none: the client was told that it has it.
NodeLogin::Action NodeLogin::Proceed() {
  const auto lacks = [this](std::string_view keyword) {
    return terms_.offered != nullptr && !terms_.offered->Has(keyword);
  };
  if (stage_ < Stage::kUtf8 && credential_.utf8) {
    if (lacks("UTF8")) return RefuseMode("the node does not offer UTF8");
    return Send(Stage::kUtf8, "UTF8", {});
  }
  if (stage_ < Stage::kLanguage && !credential_.language.empty()) {
    if (lacks("LANG")) return RefuseMode("the node does not offer LANG");
    return Send(Stage::kLanguage, "LANG ", credential_.language);
  }
  if (way_.kind == LoginWay::Kind::kAuth) return SendAuth();
  return SendUser();
}

// RFC 2449 section 6.8: where the node says that it may be told both at once, it is. That spares a
// round trip.
NodeLogin::Action NodeLogin::SendUser() {
  const bool waits = !terms_.at_once || (terms_.careful && !heard_);
  if (waits || terms_.offered == nullptr || !terms_.offered->Has("PIPELINING"))
    return Send(Stage::kUser, "USER ", way_.user.Expose());
  password_sent_ = true;
  stage_ = Stage::kBoth;
  outgoing_ = Secret::Join({"USER ", way_.user.Expose(), "\r\nPASS ", way_.password, "\r\n"});
  return {.kind = Action::Kind::kSend, .bytes = outgoing_.Expose()};
}

// RFC 5034 section 4: where the whole line would be too long, the message goes on a line of its
// own.
NodeLogin::Action NodeLogin::SendAuth() {
  const std::string_view name = Name(way_.mechanism);
  const size_t bytes = sizeof("AUTH  \r\n") - 1 + name.size() + way_.message.Expose().size();
  initial_ = bytes <= kAuthLineBytesMax && (heard_ || !terms_.careful);
  if (!initial_) return Send(Stage::kAuth, "AUTH ", name);
  password_sent_ = true;
  stage_ = Stage::kMessage;
  outgoing_ = Secret::Join({"AUTH ", name, " ", way_.message.Expose(), "\r\n"});
  return {.kind = Action::Kind::kSend, .bytes = outgoing_.Expose()};
}

NodeLogin::Action NodeLogin::SendMessage() {
  initial_ = false;
  password_sent_ = true;
  return Send(Stage::kMessage, {}, way_.message.Expose());
}

NodeLogin::Action NodeLogin::OnLine(std::string_view line) {
  heard_ = true;
  const auto reply = ParseReply(line);
  switch (stage_) {
    case Stage::kUtf8:
    case Stage::kLanguage:
      if (!reply) return End(Action::Kind::kProtocolError);
      return reply->ok ? Proceed() : RefuseMode("the node refuses the client's UTF8 or LANG");
    case Stage::kUser:
      if (!reply) return End(Action::Kind::kProtocolError);
      if (!reply->ok) return End(Action::Kind::kRefused);
      password_sent_ = true;
      return Send(Stage::kPass, "PASS ", way_.password);
    case Stage::kBoth:
      if (!reply) return End(Action::Kind::kProtocolError);
      if (!reply->ok) return End(Action::Kind::kRefused);
      stage_ = Stage::kPass;
      return {.kind = Action::Kind::kListen, .bytes = {}};
    case Stage::kPass:
      return OnVerdict(line);
    case Stage::kAuth:
    case Stage::kMessage:
      return OnAuthLine(line);
    case Stage::kCancelled:
      return End(reply && !reply->ok ? Action::Kind::kRefused : Action::Kind::kProtocolError);
    case Stage::kBegin:
    case Stage::kClient:
    case Stage::kDone:
      break;
  }
  return End(Action::Kind::kProtocolError);
}

NodeLogin::Action NodeLogin::OnAuthLine(std::string_view line) {
  const auto question = QuestionOf(line);
  if (!question) {
    const auto reply = ParseReply(line);
    // A login that nothing was shown for is none.
    if (stage_ == Stage::kAuth && reply && reply->ok) return End(Action::Kind::kProtocolError);
    return OnVerdict(line);
  }
  // Whatever it says: a server speaks first in none of these mechanisms. The same from one that
  // knows no initial responses and asks for the message that it has.
  if (stage_ == Stage::kAuth || (initial_ && question->empty())) return SendMessage();
  initial_ = false;
  return OnQuestion(*question);
}

NodeLogin::Action NodeLogin::OnQuestion(std::string_view text) {
  const bool clients = credential_.proof() == Proof::kToken || credential_.proof() == Proof::kScram;
  if (!clients || questions_ == kSaslQuestionsMax || !IsBase64(text))
    return End(Action::Kind::kProtocolError);
  ++questions_;
  stage_ = Stage::kClient;
  outgoing_ = Secret::Join({"+ ", text, "\r\n"});
  return {.kind = Action::Kind::kAskClient, .bytes = outgoing_.Expose()};
}

NodeLogin::Action NodeLogin::OnClient(std::optional<std::string_view> line) {
  assert(stage_ == Stage::kClient);
  if (line && *line == kEmptyInitial) line = "";
  const bool answers = line && line->size() + 2 <= kSaslLineBytesMax && IsBase64(*line);
  return answers ? Send(Stage::kMessage, {}, *line) : Send(Stage::kCancelled, {}, kCancel);
}

NodeLogin::Action NodeLogin::OnVerdict(std::string_view line) {
  const auto reply = ParseReply(line);
  if (!reply) return End(Action::Kind::kProtocolError);
  return End(reply->ok ? Action::Kind::kAccepted : Action::Kind::kRefused);
}

NodeLogin::Action NodeLogin::RefuseMode(std::string_view why) {
  way_.why = why;
  return End(Action::Kind::kModeRefused);
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
  way_.message.Clear();
  way_.user.Clear();
  return {.kind = kind, .bytes = {}};
}

}  // namespace poplar::pop3
