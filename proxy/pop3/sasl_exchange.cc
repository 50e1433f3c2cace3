#include "proxy/pop3/sasl_exchange.h"

#include <utility>

#include "proxy/pop3/node_login.h"
#include "proxy/pop3/reply.h"

namespace poplar::pop3 {
namespace {

using Step = SaslExchange::Step;

// RFC 5034 section 4: a challenge is "+ " and base64, also where there is nothing to say.
constexpr std::string_view kEmptyChallenge = "+ \r\n";
constexpr std::string_view kAskUser = "+ VXNlcm5hbWU6\r\n";      // "Username:"
constexpr std::string_view kAskPassword = "+ UGFzc3dvcmQ6\r\n";  // "Password:"

constexpr std::string_view kCancel = "*";
constexpr std::string_view kEmptyInitial = "=";

}  // namespace

Step SaslExchange::Begin(std::optional<std::string_view> initial) {
  if (!initial) {
    const bool login = mechanism_ == Mechanism::kLogin;
    return {Step::Kind::kChallenge, login ? kAskUser : kEmptyChallenge};
  }
  if (*initial == kEmptyInitial) return OnMessage({});
  // An empty word is no initial response, and a cancellation can't be one.
  return initial->empty() ? Step{Step::Kind::kRefused, kReplySaslMalformed} : OnLine(*initial);
}

Step SaslExchange::OnLine(std::string_view line) {
  if (line == kCancel) return {Step::Kind::kRefused, kReplySaslCancelled};
  std::optional<Secret> message = DecodeBase64(line);
  if (!message) return {Step::Kind::kRefused, kReplySaslMalformed};
  return OnMessage(std::move(*message));
}

Step SaslExchange::OnMessage(Secret message) {
  const std::string_view text = message.Expose();
  switch (mechanism_) {
    case Mechanism::kPlain:
      return Complete(ParsePlain(text));
    case Mechanism::kLogin:
      return OnLoginMessage(text);
    case Mechanism::kXoauth2:
      return Complete(ParseXoauth2(text));
    case Mechanism::kOauthBearer:
      return Complete(ParseOauthBearer(text));
    case Mechanism::kExternal: {
      auto wanted = text.empty() ? std::string() : ParseName(text);
      if (!wanted) return Complete(std::nullopt);
      return Complete(SaslIdentity{.user = {}, .authorization = std::move(*wanted), .secret = {}});
    }
    case Mechanism::kScramSha256:
    case Mechanism::kScramSha1: {
      auto identity = ParseScramFirst(text);
      message_ = std::move(message);
      return Complete(std::move(identity));
    }
  }
  return Complete(std::nullopt);
}

Step SaslExchange::OnLoginMessage(std::string_view message) {
  if (identity_.user.empty()) {
    auto user = ParseName(message);
    if (!user) return Complete(std::nullopt);
    identity_.user = std::move(*user);
    return {Step::Kind::kChallenge, kAskPassword};
  }
  if (!IsSafeCredential(message)) return Complete(std::nullopt);
  return Complete(SaslIdentity{
      .user = std::move(identity_.user), .authorization = {}, .secret = Secret(message)});
}

Step SaslExchange::Complete(std::optional<SaslIdentity> identity) {
  if (!identity) return {Step::Kind::kRefused, kReplySaslMalformed};
  identity_ = std::move(*identity);
  return {Step::Kind::kIdentity, {}};
}

}  // namespace poplar::pop3
