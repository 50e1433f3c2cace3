#include "balancer/canonical_user.h"

#include <xxhash.h>

#include <algorithm>

namespace poplar::balancer {
namespace {

bool IsControl(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return byte < 0x20 || byte == 0x7f;
}

char AsciiLower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

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

tl::expected<CanonicalUser, UserNameError> CanonicalUser::FromLogin(std::string_view login,
                                                                    const CanonicalRules& rules) {
  if (login.empty()) return tl::unexpected(UserNameError::kEmpty);
  const bool add_domain = !rules.default_domain.empty() && login.find('@') == login.npos;
  const size_t size = login.size() + (add_domain ? 1 + rules.default_domain.size() : 0);
  if (size > kMaxUserBytes) return tl::unexpected(UserNameError::kTooLong);
  if (std::any_of(login.begin(), login.end(), IsControl)) {
    return tl::unexpected(UserNameError::kControlCharacter);
  }
  std::string text;
  text.reserve(size);
  text.append(login);
  if (add_domain) text.append("@").append(rules.default_domain);
  std::transform(text.begin(), text.end(), text.begin(), AsciiLower);
  return CanonicalUser(std::move(text));
}

}  // namespace poplar::balancer
