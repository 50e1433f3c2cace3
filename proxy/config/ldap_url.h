#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <tl/expected.hpp>

namespace poplar::config {

// Where an LDAP server is: a URL without base, filter and the like, which have settings of their
// own.
struct LdapUrl {
  enum class Scheme : uint8_t { kLdap, kLdaps, kLdapi };
  Scheme scheme = Scheme::kLdap;
  std::string host;   // a name or an address without brackets; kLdapi: the socket's path
  uint16_t port = 0;  // 0: the scheme's own
};

// The error says what is wrong with it.
tl::expected<LdapUrl, std::string> ParseLdapUrl(std::string_view text);

}  // namespace poplar::config
