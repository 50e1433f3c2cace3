#include "proxy/config/address_text.h"

#include <arpa/inet.h>

#include <algorithm>
#include <cctype>
#include <charconv>
#include <optional>

#include "proxy/config/quote.h"

namespace poplar::config {
namespace {

using Ip = std::array<uint8_t, 16>;
constexpr Ip kAnyIpv4 = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0, 0, 0, 0};
constexpr Ip kAnyIpv6 = {};
constexpr size_t kMappedPrefixBytes = 12;

bool IsMappedIpv4(const Ip& ip) {
  return std::equal(ip.begin(), ip.begin() + kMappedPrefixBytes, kAnyIpv4.begin());
}

std::optional<Ip> ParseIpv4(const std::string& text) {
  Ip ip = kAnyIpv4;
  if (inet_pton(AF_INET, text.c_str(), ip.data() + kMappedPrefixBytes) != 1) return std::nullopt;
  return ip;
}

std::optional<Ip> ParseIpv6(const std::string& text) {
  Ip ip = {};
  if (inet_pton(AF_INET6, text.c_str(), ip.data()) != 1) return std::nullopt;
  return ip;
}

tl::expected<uint16_t, std::string> ParsePort(std::string_view text) {
  uint16_t port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (text.empty() || error != std::errc() || end != text.data() + text.size()) {
    return tl::make_unexpected(Quote(text) + " is not a port from 0 to 65535");
  }
  return port;
}

// Fills kind, host and ip.
tl::expected<HostPort, std::string> ParseHost(std::string_view host, bool in_brackets) {
  HostPort result;
  result.host = std::string(host);
  if (host.find('\0') != std::string_view::npos)
    return tl::make_unexpected(Quote(host) + " contains a NUL");
  if (in_brackets) {
    const auto ip = ParseIpv6(result.host);
    if (!ip) return tl::make_unexpected(Quote(host) + " is not an IPv6 address");
    result.kind = HostPort::Kind::kIpv6;
    result.ip = *ip;
    return result;
  }
  if (const auto ip = ParseIpv4(result.host)) {
    result.kind = HostPort::Kind::kIpv4;
    result.ip = *ip;
    return result;
  }
  if (!IsHostName(host))
    return tl::make_unexpected(Quote(host) + " is neither an IP address nor a host name");
  return result;
}

}  // namespace

bool HostPort::IsWildcard() const {
  return kind != Kind::kName && (ip == kAnyIpv4 || ip == kAnyIpv6);
}

tl::expected<HostPort, std::string> ParseHostPort(std::string_view text) {
  const size_t colon = text.rfind(':');
  const bool in_brackets = text.starts_with('[');
  const size_t bracket = text.find(']');
  if (in_brackets && bracket == std::string_view::npos)
    return tl::make_unexpected(Quote(text) + " lacks a ]");
  if (colon == std::string_view::npos || (in_brackets && colon != bracket + 1)) {
    return tl::make_unexpected(Quote(text) + " has no port");
  }
  if (!in_brackets && text.find(':') != colon) {
    return tl::make_unexpected(Quote(text) +
                               " has more than one colon and no brackets around an IPv6 address");
  }
  const std::string_view host = in_brackets ? text.substr(1, bracket - 1) : text.substr(0, colon);
  const auto port = ParsePort(text.substr(colon + 1));
  if (!port) return tl::make_unexpected(port.error());
  auto result = ParseHost(host, in_brackets);
  if (result) result->port = *port;
  return result;
}

bool IsHostName(std::string_view text) {
  constexpr size_t kMaxNameBytes = 253;
  constexpr size_t kMaxLabelBytes = 63;
  if (text.empty() || text.size() > kMaxNameBytes) return false;
  if (text.find_first_not_of("0123456789.") == std::string_view::npos) return false;
  size_t label_bytes = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '.') {
      if (label_bytes == 0) return false;
      label_bytes = 0;
    } else {
      const bool is_allowed = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                              (c >= '0' && c <= '9') || c == '_' || (c == '-' && label_bytes > 0);
      if (!is_allowed || ++label_bytes > kMaxLabelBytes) return false;
    }
  }
  return text.back() != '-';
}

bool IsIpAddress(std::string_view text) {
  const std::string address(text);
  return text.find('\0') == std::string_view::npos && (ParseIpv4(address) || ParseIpv6(address));
}

bool Overlap(const HostPort& a, const HostPort& b) {
  if (a.port != b.port || a.port == 0) return false;
  if (a.ip == b.ip || a.ip == kAnyIpv6 || b.ip == kAnyIpv6) return true;
  return (a.ip == kAnyIpv4 && IsMappedIpv4(b.ip)) || (b.ip == kAnyIpv4 && IsMappedIpv4(a.ip));
}

std::string PeerKey(const HostPort& address) {
  std::string key;
  if (address.kind == HostPort::Kind::kName) {
    for (char c : address.host)
      key += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  } else {
    key.assign(address.ip.begin(), address.ip.end());
  }
  return key + ':' + std::to_string(address.port);
}

}  // namespace poplar::config
