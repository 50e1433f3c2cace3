#include "proxy/pop3/xclient.h"

#include <algorithm>
#include <charconv>

#include "proxy/pop3/ascii.h"

namespace poplar::pop3 {
namespace {

// An IPv6 address with a mapped IPv4 one in it.
constexpr size_t kAddressBytesMax = 45;

template <class Number>
bool TakeNumber(std::string_view text, Number* number) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), *number);
  return error == std::errc() && end == text.data() + text.size();
}

bool TakeAddress(std::string_view text, std::string* address) {
  if (text.empty() || text.size() > kAddressBytesMax) return false;
  *address = text;
  return true;
}

bool Take(std::string_view name, std::string_view value, Xclient* xclient) {
  if (EqualsIgnoringCase(name, "ADDR")) return TakeAddress(value, &xclient->address);
  if (EqualsIgnoringCase(name, "PORT")) return TakeNumber(value, &xclient->port);
  if (EqualsIgnoringCase(name, "DESTADDR")) return TakeAddress(value, &xclient->local_address);
  if (EqualsIgnoringCase(name, "DESTPORT")) return TakeNumber(value, &xclient->local_port);
  if (EqualsIgnoringCase(name, "TTL")) return TakeNumber(value, &xclient->ttl.emplace());
  return true;
}

}  // namespace

std::optional<Xclient> ParseXclient(std::string_view argument) {
  Xclient xclient;
  while (!argument.empty()) {
    const std::string_view word = argument.substr(0, argument.find(' '));
    argument.remove_prefix(std::min(word.size() + 1, argument.size()));
    if (word.empty()) continue;
    const size_t sign = word.find('=');
    if (sign == word.npos || sign == 0) return std::nullopt;
    if (!Take(word.substr(0, sign), word.substr(sign + 1), &xclient)) return std::nullopt;
  }
  return xclient;
}

}  // namespace poplar::pop3
