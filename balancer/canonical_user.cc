#include "balancer/canonical_user.h"

#include <xxhash.h>

#include <algorithm>

namespace poplar::balancer {
namespace {

bool IsControl(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return byte < 0x20 || byte == 0x7f;
}

void ToLower(std::string& text) {
  for (char& c : text) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
}

// All of it where there is no separator.
std::string_view Before(std::string_view text, std::string_view separator) {
  return separator.empty() ? text : text.substr(0, text.find(separator));
}

}  // namespace

std::string_view Text(UserNameError error) {
  switch (error) {
    case UserNameError::kEmpty:
      return "empty user name";
    case UserNameError::kTooLong:
      return "user name too long";
    case UserNameError::kControlCharacter:
      return "control character in user name";
  }
  return "unknown";
}

uint64_t CanonicalUser::Hash() const { return XXH64(text_.data(), text_.size(), 0); }

tl::expected<CanonicalUser, UserNameError> CanonicalUser::FromLogin(
    std::string_view login, const CanonicalRules& rules, std::string_view default_domain) {
  if (login.empty()) return tl::unexpected(UserNameError::kEmpty);
  if (login.size() > kMaxUserBytes) return tl::unexpected(UserNameError::kTooLong);
  if (std::any_of(login.begin(), login.end(), IsControl)) {
    return tl::unexpected(UserNameError::kControlCharacter);
  }
  const std::string_view mailbox = Before(login, rules.master_separator);
  const size_t at = mailbox.rfind('@');
  std::string_view name = mailbox.substr(0, at);
  if (const std::string_view whole = Before(name, rules.detail_separator); !whole.empty())
    name = whole;
  if (name.empty()) return tl::unexpected(UserNameError::kEmpty);
  std::string text(name);
  if (rules.lower_case) ToLower(text);
  std::string domain(at == mailbox.npos
                         ? (default_domain.empty() ? rules.default_domain : default_domain)
                         : mailbox.substr(at + 1));
  ToLower(domain);
  if (const auto same = rules.domain_aliases.find(domain); same != rules.domain_aliases.end())
    domain = same->second;
  if (at != mailbox.npos || !domain.empty()) text.append("@").append(domain);
  if (rules.aliases != nullptr) {
    if (const auto same = rules.aliases->find(text); same != rules.aliases->end())
      text = same->second;
  }
  if (text.size() > kMaxUserBytes) return tl::unexpected(UserNameError::kTooLong);
  return CanonicalUser(std::move(text));
}

}  // namespace poplar::balancer
