#pragma once

#include <string>
#include <string_view>

namespace poplar::config {

// Filters may lie in one another so deep.
inline constexpr int kLdapFilterDepthMax = 20;

// What is wrong with a filter (RFC 4515) in whose values %u, %n and %d stand for the user; empty:
// nothing. Fits behind the filter's text ("lacks a )").
std::string WhyBadLdapFilter(std::string_view text);

// An attribute's name, with or without options; or an OID.
bool IsLdapAttribute(std::string_view text);

}  // namespace poplar::config
