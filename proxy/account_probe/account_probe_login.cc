// What is said up to the login and in it.
#include <algorithm>
#include <array>
#include <utility>

#include "proxy/account_probe/account_probe.h"
#include "proxy/pop3/ascii.h"
#include "proxy/pop3/limits.h"
#include "proxy/pop3/login_way.h"
#include "proxy/pop3/reply.h"

namespace poplar::account_probe {
namespace {

using Kind = pop3::NodeLogin::Action::Kind;

// RFC 7628 section 3.2.3, and XOAUTH2's empty answer: to the server's reason for its no.
constexpr std::string_view kBearerGoOn = "AQ==";

// Lines of an answer, without its first and its last.
std::vector<std::string> InnerLines(std::string_view reply) {
  std::vector<std::string> lines;
  for (size_t at = reply.find('\n'); at != reply.npos;) {
    const size_t end = reply.find('\n', at + 1);
    std::string_view line = reply.substr(at + 1, end - at - 1);
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (line == "." || end == reply.npos) break;
    lines.emplace_back(line);
    at = end;
  }
  return lines;
}

bool Mentions(std::string_view text, std::string_view word) {
  const auto same = [](char a, char b) { return pop3::ToUpper(a) == pop3::ToUpper(b); };
  return std::search(text.begin(), text.end(), word.begin(), word.end(), same) != text.end();
}

bool MentionsAny(std::string_view text, std::initializer_list<std::string_view> words) {
  return std::any_of(words.begin(), words.end(),
                     [text](std::string_view word) { return Mentions(text, word); });
}

std::string WayText(const pop3::LoginWay& way) {
  if (way.kind == pop3::LoginWay::Kind::kUserPass) return "USER and PASS";
  return "AUTH " + std::string(pop3::Name(way.mechanism));
}

}  // namespace

// RFC 2449: a server needn't know it.
io::Task<bool> AccountProbe::Capabilities() {
  StepResult& step = Begin(Step::kCapabilities);
  std::string reply;
  const auto status = co_await dialogue_.AskForMore(
      "CAPA", pop3::kCapaReplyBytesMax, [&reply](std::string_view piece) { reply.append(piece); });
  if (!status) co_return Fail(step, status.error());
  if (!status->starts_with('+')) co_return End(step, "the server knows no CAPA");
  offered_.emplace(reply);
  std::string detail;
  for (const std::string& line : InnerLines(reply)) {
    report_.capabilities.push_back(shown_(line));
    detail.append(detail.empty() ? "" : ", ").append(report_.capabilities.back());
  }
  co_return End(step, shown_(detail));
}

io::Task<bool> AccountProbe::LogIn() {
  StepResult& step = Begin(Step::kLogin);
  const pop3::Credential& credential = *options_.credential;
  const pop3::MasterUser none{.name = {}, .password = {}, .separator = {}};
  const pop3::Capabilities* offered = offered_ ? &*offered_ : nullptr;
  report_.login_way = WayText(pop3::ChooseWay(credential, offered, none));
  std::string line;
  std::optional<Finding> trouble;
  const Kind kind = co_await Converse(&line, &trouble);
  if (trouble) co_return Fail(step, std::move(*trouble));
  switch (kind) {
    case Kind::kAccepted:
      co_return End(step, report_.login_way + ": " + shown_(line));
    case Kind::kRefused:
      co_return Fail(step, Refusal(line));
    case Kind::kUnsafeCredential:
      co_return Fail(step, {Fault::kUnwritable, "nothing was sent"});
    case Kind::kImpossible:
      co_return Fail(
          step, {Fault::kNoTokenMechanism,
                 offered == nullptr ? "the server knows no CAPA"
                                    : shown_("it offers " + std::string(offered->Line("SASL")))});
    default:
      co_return Fail(step, {Fault::kNonsense, "not an answer to a login: " + shown_(line)});
  }
}

// The dialogue of the login itself; `line` is the server's last word.
io::Task<Kind> AccountProbe::Converse(std::string* line, std::optional<Finding>* trouble) {
  const pop3::NodeLoginTerms terms{.offered = offered_ ? &*offered_ : nullptr};
  pop3::NodeLogin login(*options_.credential, terms);
  pop3::NodeLogin::Action action = login.Start();
  while (action.kind == Kind::kSend || action.kind == Kind::kAskClient) {
    if (action.kind == Kind::kAskClient) {
      action = login.OnClient(AnswerToQuestion(action.bytes));
      continue;
    }
    if (const auto sent = co_await dialogue_.Send(action.bytes); !sent) {
      *trouble = sent.error();
      co_return Kind::kProtocolError;
    }
    auto answer = co_await dialogue_.ReadLine(pop3::kSaslLineBytesMax);
    if (!answer) {
      *trouble = answer.error();
      co_return Kind::kProtocolError;
    }
    *line = std::move(*answer);
    action = login.OnLine(*line);
    if (action.kind != Kind::kRefused && dialogue_.has_stray_bytes())
      action.kind = Kind::kProtocolError;
  }
  co_return action.kind;
}

std::string AccountProbe::AnswerToQuestion(std::string_view question) {
  while (question.ends_with('\n') || question.ends_with('\r')) question.remove_suffix(1);
  if (question.starts_with("+ ")) question.remove_prefix(2);
  if (const auto decoded = pop3::DecodeBase64(question)) token_fault_ = shown_(decoded->Expose());
  const bool bearer = report_.login_way == "AUTH OAUTHBEARER";
  return std::string(bearer ? kBearerGoOn : std::string_view());
}

Finding AccountProbe::Refusal(std::string_view line) const {
  const auto reply = pop3::ParseReply(line);
  const std::string_view text = reply ? reply->text : line;
  Finding finding{Fault::kWrongCredential, shown_(line)};
  const bool token = options_.credential->proof() == pop3::Proof::kToken;
  if (token) finding.fault = Fault::kWrongToken;
  if (!token_fault_.empty()) finding.text += " (" + token_fault_ + ")";
  switch (reply ? reply->code : pop3::ResponseCode::kNone) {
    case pop3::ResponseCode::kInUse:
      finding.fault = Fault::kInUse;
      break;
    case pop3::ResponseCode::kLoginDelay:
      finding.fault = Fault::kLoginDelay;
      break;
    case pop3::ResponseCode::kSysTemp:
      finding.fault = Fault::kTemporary;
      break;
    case pop3::ResponseCode::kSysPerm:
      finding.fault = Fault::kPermanent;
      break;
    default:
      if (options_.security == Security::kPlain &&
          MentionsAny(text, {"TLS", "SSL", "STLS", "plaintext", "encrypt", "secure"}))
        finding.fault = Fault::kNeedsTls;
      else if (MentionsAny(text, {"is locked", "in use", "already locked", "lock busy"}))
        finding.fault = Fault::kInUse;
      break;
  }
  return finding;
}

}  // namespace poplar::account_probe
