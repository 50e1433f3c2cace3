#include "proxy/pop3/authorization.h"

#include <algorithm>
#include <cassert>
#include <utility>

#include "proxy/pop3/ascii.h"
#include "proxy/pop3/reply.h"

namespace poplar::pop3 {
namespace {

using Step = Authorization::Step;

Step Say(std::string_view reply) { return {Step::Kind::kReply, reply, EndCause::kNone}; }

// RFC 5646 section 2.1: letters, digits and hyphens. "*" asks for the server's own choice.
bool IsLanguageTag(std::string_view tag) {
  constexpr size_t kBytesMax = 35;  // RFC 5646 section 4.4.1
  return tag.size() <= kBytesMax &&
         std::all_of(tag.begin(), tag.end(), [](char c) { return IsLetterOrDigit(c) || c == '-'; });
}

}  // namespace

Step Authorization::OnLine(std::string_view line) {
  assert(!login_under_way_ && !ended_);
  if (exchange_) return OnSasl(exchange_->OnLine(line));
  const Command command = ParseCommand(line);
  // Clients send tokens behind AUTH, whatever RFC 5034 section 4 says of its length.
  if (line.size() + 2 > kCommandLineBytesMax && command.verb != Verb::kAuth)
    return BadCommand(kReplyLineTooLong);
  return OnCommand(command);
}

Step Authorization::OnCommand(const Command& command) {
  switch (command.verb) {
    case Verb::kUser:
      return OnUser(command);
    case Verb::kPass:
      return OnPass(command);
    case Verb::kAuth:
      return OnAuth(command);
    case Verb::kCapa:
      rendered_ = RenderBeforeLogin(policy_.offer);
      return Say(rendered_);
    case Verb::kNoop:
      return Say(kReplyNoop);
    case Verb::kQuit:
      ended_ = true;
      return {.kind = Step::Kind::kReplyAndEnd, .reply = kReplyQuit, .cause = EndCause::kQuit};
    case Verb::kApop:
      return Say(kReplyMechanismUnavailable);
    case Verb::kStls:
      return OnStls(command);
    case Verb::kUtf8:
      return OnUtf8(command);
    case Verb::kLang:
      return OnLanguage(command);
    case Verb::kStat:
    case Verb::kList:
    case Verb::kUidl:
    case Verb::kRetr:
    case Verb::kTop:
    case Verb::kDele:
    case Verb::kRset:
    case Verb::kLast:
      return BadCommand(kReplyNotLoggedIn);
    case Verb::kUnknown:
      if (policy_.takes_xclient && EqualsIgnoringCase(command.keyword, "XCLIENT"))
        return OnXclient(command);
      break;
    case Verb::kMalformed:
      break;
  }
  return BadCommand(kReplyBadCommand);
}

Step Authorization::OnLineTooLong() {
  assert(!login_under_way_ && !ended_);
  exchange_.reset();
  return BadCommand(kReplyLineTooLong);
}

void Authorization::OnTls(AuthorizationPolicy policy) {
  policy_ = std::move(policy);
  user_.clear();
  utf8_ = false;
  language_.clear();
}

Step Authorization::OnLoginRefused() {
  OnLoginUnavailable();
  if (++failed_logins_ < policy_.failed_logins_max) return Say({});
  ended_ = true;
  return {Step::Kind::kReplyAndEnd, {}, EndCause::kTooManyFailedLogins};
}

void Authorization::OnLoginUnavailable() {
  assert(login_under_way_);
  login_under_way_ = false;
  user_.clear();
  credential_ = {};
}

Credential Authorization::TakeCredential() { return std::exchange(credential_, {}); }

Step Authorization::OnUser(const Command& command) {
  if (policy_.needs_tls) return Say(kReplyLoginNeedsTls);
  if (!policy_.offer.user) return Say(kReplyMechanismUnavailable);
  if (!command.has_argument || command.argument.size() > kUserBytesMax) {
    return BadCommand(kReplyBadArgument);
  }
  user_ = command.argument;
  return Say(kReplyUserAccepted);
}

// An empty password is refused here: many a directory takes it for an anonymous bind and says yes.
Step Authorization::OnPass(const Command& command) {
  if (policy_.needs_tls) return Say(kReplyLoginNeedsTls);
  if (user_.empty()) return BadCommand(kReplyUserFirst);
  if (command.argument.empty()) return BadCommand(kReplyBadArgument);
  return Login(PasswordCredential(user_, Secret(command.argument)));
}

// Clients try mechanisms unasked, promised or not, and go on with the next: an answer at once, and
// no count.
Step Authorization::OnAuth(const Command& command) {
  if (policy_.needs_tls) return Say(kReplyLoginNeedsTls);
  if (!command.has_argument) {
    rendered_ = RenderMechanisms(policy_.offer.mechanisms);
    return Say(rendered_);
  }
  const size_t blank = command.argument.find(' ');
  const auto mechanism = FindMechanism(command.argument.substr(0, blank));
  const bool open =
      mechanism && (policy_.offer.mechanisms.Has(*mechanism) || policy_.unpromised.Has(*mechanism));
  if (!open) return Say(kReplyMechanismUnavailable);
  std::optional<std::string_view> initial;
  if (blank != command.argument.npos) initial = command.argument.substr(blank + 1);
  exchange_.emplace(*mechanism);
  return OnSasl(exchange_->Begin(initial));
}

Step Authorization::OnSasl(const SaslExchange::Step& step) {
  using Kind = SaslExchange::Step::Kind;
  switch (step.kind) {
    case Kind::kChallenge:
      return Say(step.line);
    case Kind::kIdentity:
      return OnIdentity();
    case Kind::kRefused:
      break;
  }
  exchange_.reset();
  return step.line == kReplySaslCancelled ? Say(step.line) : BadCommand(step.line);
}

Step Authorization::OnIdentity() {
  Credential credential;
  credential.mechanism = exchange_->mechanism();
  credential.identity = exchange_->TakeIdentity();
  credential.first_message = exchange_->TakeFirstMessage();
  exchange_.reset();
  if (credential.proof() == Proof::kCertificate) {
    std::string& wanted = credential.identity.authorization;
    const bool own = wanted.empty() || EqualsIgnoringCase(wanted, policy_.certificate_user);
    if (!own) return BadCommand(kReplyLoginRefused);
    wanted.clear();
    credential.identity.user = policy_.certificate_user;
  }
  return Login(std::move(credential));
}

Step Authorization::Login(Credential credential) {
  credential_ = std::move(credential);
  credential_.utf8 = utf8_;
  credential_.language = language_;
  login_under_way_ = true;
  return {Step::Kind::kLogin, {}, EndCause::kNone};
}

Step Authorization::OnStls(const Command& command) {
  if (!policy_.offer.stls) return Say(kReplyStlsUnavailable);
  if (command.has_argument) return BadCommand(kReplyBadArgument);
  return {Step::Kind::kStartTls, kReplyBeginTls, EndCause::kNone};
}

// A proxy that hands a connection on takes one off its TTL; none left: it goes round in a loop.
Step Authorization::OnXclient(const Command& command) {
  auto parsed = ParseXclient(command.argument);
  if (!parsed) return BadCommand(kReplyBadArgument);
  xclient_ = std::move(*parsed);
  if (xclient_.ttl.value_or(1) > 0) return {Step::Kind::kXclient, kReplyXclient, EndCause::kNone};
  ended_ = true;
  return {Step::Kind::kReplyAndEnd, kReplyLoop, EndCause::kLoop};
}

// RFC 6856 section 2: in this state only, and nothing takes it back.
Step Authorization::OnUtf8(const Command& command) {
  if (!policy_.offer.NodesHave("UTF8")) return Say(kReplyNotSupported);
  if (command.has_argument) return BadCommand(kReplyBadArgument);
  utf8_ = true;
  return Say(kReplyUtf8);
}

Step Authorization::OnLanguage(const Command& command) {
  if (!policy_.offer.NodesHave("LANG")) return Say(kReplyNotSupported);
  if (!command.has_argument) return Say(kReplyLanguages);
  if (command.argument == "*" || EqualsIgnoringCase(command.argument, "i-default")) {
    language_.clear();
  } else if (IsLanguageTag(command.argument)) {
    language_ = command.argument;
  } else {
    return BadCommand(kReplyBadArgument);
  }
  return Say(kReplyLanguageSet);
}

Step Authorization::BadCommand(std::string_view reply) {
  if (++bad_commands_ < policy_.bad_commands_max) return Say(reply);
  ended_ = true;
  return {.kind = Step::Kind::kReplyAndEnd,
          .reply = kReplyTooManyBadCommands,
          .cause = EndCause::kTooManyBadCommands};
}

}  // namespace poplar::pop3
