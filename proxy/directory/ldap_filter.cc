#include "proxy/directory/ldap_filter.h"

#include <algorithm>

namespace poplar::directory {
namespace {

constexpr std::string_view kHexDigits = "0123456789abcdef";

bool IsPlain(char c) {
  return c >= 0x20 && c < 0x7f && c != '*' && c != '(' && c != ')' && c != '\\';
}

}  // namespace

std::string EscapeForLdapFilter(std::string_view value) {
  std::string escaped;
  escaped.reserve(value.size());
  for (const char c : value) {
    if (IsPlain(c)) {
      escaped += c;
      continue;
    }
    const auto byte = static_cast<unsigned char>(c);
    escaped += '\\';
    escaped += kHexDigits[byte >> 4];
    escaped += kHexDigits[byte & 0xf];
  }
  return escaped;
}

std::string RenderLdapFilter(std::string_view pattern, std::string_view user) {
  const size_t at = std::min(user.rfind('@'), user.size());
  const std::string_view domain = user.substr(std::min(at + 1, user.size()));
  std::string filter;
  for (size_t i = 0; i < pattern.size(); ++i) {
    if (pattern[i] != '%' || i + 1 == pattern.size()) {
      filter += pattern[i];
      continue;
    }
    switch (const char what = pattern[++i]) {
      case 'u':
        filter += EscapeForLdapFilter(user);
        break;
      case 'n':
        filter += EscapeForLdapFilter(user.substr(0, at));
        break;
      case 'd':
        filter += EscapeForLdapFilter(domain);
        break;
      default:
        filter += what;
    }
  }
  return filter;
}

}  // namespace poplar::directory
