#include "proxy/config/ldap_url.h"

#include <algorithm>
#include <optional>

#include "proxy/config/address_text.h"

namespace poplar::config {
namespace {

using Scheme = LdapUrl::Scheme;
using Parsed = tl::expected<LdapUrl, std::string>;

struct Prefix {
  std::string_view text;
  Scheme scheme;
};
constexpr Prefix kPrefixes[] = {
    {"ldap://", Scheme::kLdap}, {"ldaps://", Scheme::kLdaps}, {"ldapi://", Scheme::kLdapi}};

std::optional<int> HexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return std::nullopt;
}

// Nothing: a % without two digits, or a NUL.
std::optional<std::string> Unescape(std::string_view text) {
  std::string plain;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      plain += text[i];
      continue;
    }
    const auto high = i + 2 < text.size() ? HexDigit(text[i + 1]) : std::nullopt;
    const auto low = high ? HexDigit(text[i + 2]) : std::nullopt;
    if (!low || (*high == 0 && *low == 0)) return std::nullopt;
    plain += static_cast<char>(*high * 16 + *low);
    i += 2;
  }
  return plain;
}

Parsed ParseSocket(std::string_view text) {
  auto path = Unescape(text);
  if (!path || !path->starts_with('/') || path->find('\0') != path->npos)
    return tl::unexpected(std::string("has no path of a Unix socket, with %2f for each /"));
  return LdapUrl{Scheme::kLdapi, std::move(*path), 0};
}

Parsed ParseHost(Scheme scheme, std::string_view text) {
  // A port of the scheme's own counts as none.
  const bool has_port = text.starts_with('[') ? text.find("]:") != text.npos
                                              : std::count(text.begin(), text.end(), ':') == 1;
  auto at = ParseHostPort(has_port ? std::string(text) : std::string(text) + ":1");
  if (!at || at->port == 0) return tl::unexpected(std::string("has no host and port"));
  return LdapUrl{scheme, std::move(at->host), has_port ? at->port : uint16_t{0}};
}

}  // namespace

Parsed ParseLdapUrl(std::string_view text) {
  const auto prefix = std::find_if(std::begin(kPrefixes), std::end(kPrefixes),
                                   [&](const Prefix& each) { return text.starts_with(each.text); });
  if (prefix == std::end(kPrefixes))
    return tl::unexpected(std::string("begins with none of ldap://, ldaps://, ldapi://"));
  std::string_view rest = text.substr(prefix->text.size());
  if (rest.ends_with('/')) rest.remove_suffix(1);
  const bool visible = std::all_of(rest.begin(), rest.end(),
                                   [](char c) { return c > 0x20 && c < 0x7f && c != '#'; });
  if (!visible) return tl::unexpected(std::string("has characters that a URL can't have"));
  if (rest.find_first_of("/?") != rest.npos)
    return tl::unexpected(
        std::string("says more than where to ask; base, scope and filter are settings beside it"));
  if (rest.find('@') != rest.npos)
    return tl::unexpected(std::string("names a user; that is bind_dn"));
  return prefix->scheme == Scheme::kLdapi ? ParseSocket(rest) : ParseHost(prefix->scheme, rest);
}

}  // namespace poplar::config
