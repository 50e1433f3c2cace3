#include "proxy/pop3/sasl_message.h"

#include <absl/strings/escaping.h>

#include <algorithm>
#include <array>

#include "proxy/pop3/ascii.h"
#include "proxy/pop3/limits.h"
#include "proxy/pop3/node_login.h"

namespace poplar::pop3 {
namespace {

constexpr std::array<std::string_view, kMechanismCount> kNames = {
    "PLAIN", "LOGIN", "XOAUTH2", "OAUTHBEARER", "EXTERNAL", "SCRAM-SHA-256", "SCRAM-SHA-1"};

constexpr char kSeparator = '\x01';  // of XOAUTH2's and OAUTHBEARER's fields
constexpr std::string_view kBearer = "auth=Bearer ";
constexpr size_t kGroup = 4;  // base64 characters

bool IsBase64(std::string_view text) {
  if (text.size() % kGroup != 0) return false;
  if (text.ends_with('=')) text.remove_suffix(1);
  if (text.ends_with('=')) text.remove_suffix(1);
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return IsLetterOrDigit(c) || c == '+' || c == '/'; });
}

// What stands before the next `end`, which goes with it; nothing if there is none.
std::optional<std::string_view> TakeUntil(std::string_view& rest, char end) {
  const size_t at = rest.find(end);
  if (at == rest.npos) return std::nullopt;
  const std::string_view field = rest.substr(0, at);
  rest.remove_prefix(at + 1);
  return field;
}

bool Consume(std::string_view& rest, std::string_view prefix) {
  if (!rest.starts_with(prefix)) return false;
  rest.remove_prefix(prefix.size());
  return true;
}

// RFC 5802 section 5.1: "=2C" for a comma and "=3D" for an equals sign, and no other "=".
std::optional<std::string> ParseSaslName(std::string_view text) {
  constexpr std::string_view kComma = "=2C";
  constexpr std::string_view kEquals = "=3D";
  std::string name;
  while (!text.empty()) {
    if (Consume(text, kComma)) {
      name += ',';
    } else if (Consume(text, kEquals)) {
      name += '=';
    } else if (text.front() == '=') {
      return std::nullopt;
    } else {
      name += text.front();
      text.remove_prefix(1);
    }
  }
  return ParseName(name);
}

// RFC 5801's header, "n,a=name,": without channel binding, which ends here. The name, or "".
std::optional<std::string> TakeGs2Header(std::string_view& rest) {
  const auto binding = TakeUntil(rest, ',');
  // "y": the client could, and thinks that we can't.
  if (!binding || (*binding != "n" && *binding != "y")) return std::nullopt;
  auto name = TakeUntil(rest, ',');
  if (!name) return std::nullopt;
  if (name->empty()) return "";
  return Consume(*name, "a=") ? ParseSaslName(*name) : std::nullopt;
}

// The token of an "auth=Bearer" field; the scheme's case is free (RFC 7235 section 2.1).
std::optional<Secret> ParseBearer(std::string_view field) {
  if (field.size() <= kBearer.size()) return std::nullopt;
  if (!EqualsIgnoringCase(field.substr(0, kBearer.size()), kBearer)) return std::nullopt;
  field.remove_prefix(kBearer.size());
  if (!IsSafeCredential(field)) return std::nullopt;
  return Secret(field);
}

}  // namespace

std::string_view Name(Mechanism mechanism) { return kNames[static_cast<size_t>(mechanism)]; }

std::optional<Mechanism> FindMechanism(std::string_view name) {
  for (size_t i = 0; i < kNames.size(); ++i) {
    if (EqualsIgnoringCase(name, kNames[i])) return static_cast<Mechanism>(i);
  }
  return std::nullopt;
}

std::optional<Secret> DecodeBase64(std::string_view text) {
  if (!IsBase64(text)) return std::nullopt;
  std::string decoded;
  const bool ok = absl::Base64Unescape(absl::string_view(text.data(), text.size()), &decoded);
  std::optional<Secret> message;
  if (ok) message.emplace(decoded);
  Wipe(decoded.data(), decoded.size());
  return message;
}

std::optional<std::string> ParseName(std::string_view message) {
  if (!IsSafeCredential(message) || message.size() > kUserBytesMax) return std::nullopt;
  return std::string(message);
}

std::optional<SaslIdentity> ParsePlain(std::string_view message) {
  const auto authorization = TakeUntil(message, '\0');
  const auto user = TakeUntil(message, '\0');
  if (!authorization || !user || !IsSafeCredential(message)) return std::nullopt;
  SaslIdentity identity;
  const auto name = ParseName(*user);
  if (!name) return std::nullopt;
  identity.user = *name;
  if (!authorization->empty()) {
    const auto other = ParseName(*authorization);
    if (!other) return std::nullopt;
    identity.authorization = *other;
  }
  identity.secret = Secret(message);
  return identity;
}

std::optional<SaslIdentity> ParseXoauth2(std::string_view message) {
  if (!Consume(message, "user=")) return std::nullopt;
  const auto user = TakeUntil(message, kSeparator);
  const auto bearer = TakeUntil(message, kSeparator);
  if (!user || !bearer || message != std::string_view(&kSeparator, 1)) return std::nullopt;
  auto name = ParseName(*user);
  auto token = ParseBearer(*bearer);
  if (!name || !token) return std::nullopt;
  return SaslIdentity{.user = std::move(*name), .authorization = {}, .secret = std::move(*token)};
}

// RFC 7628 section 3.1: fields in any order, of which we need one; an empty one ends them.
std::optional<SaslIdentity> ParseOauthBearer(std::string_view message) {
  auto name = TakeGs2Header(message);
  if (!name || name->empty()) return std::nullopt;
  if (!Consume(message, std::string_view(&kSeparator, 1))) return std::nullopt;
  std::optional<Secret> token;
  for (;;) {
    const auto field = TakeUntil(message, kSeparator);
    if (!field) return std::nullopt;
    if (field->empty()) break;
    if (!field->starts_with("auth=")) continue;
    if (token) return std::nullopt;
    token = ParseBearer(*field);
    if (!token) return std::nullopt;
  }
  if (!token || !message.empty()) return std::nullopt;
  return SaslIdentity{.user = std::move(*name), .authorization = {}, .secret = std::move(*token)};
}

std::optional<SaslIdentity> ParseScramFirst(std::string_view message) {
  auto authorization = TakeGs2Header(message);
  if (!authorization || !Consume(message, "n=")) return std::nullopt;
  const auto user = TakeUntil(message, ',');
  if (!user || !message.starts_with("r=")) return std::nullopt;
  auto name = ParseSaslName(*user);
  if (!name) return std::nullopt;
  return SaslIdentity{
      .user = std::move(*name), .authorization = std::move(*authorization), .secret = {}};
}

}  // namespace poplar::pop3
