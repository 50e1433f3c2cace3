#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <tl/expected.hpp>

namespace poplar::config {

// "192.0.2.1:110", "[2001:db8::1]:110", "mail-1.internal:110".
struct HostPort {
  enum class Kind { kIpv4, kIpv6, kName };
  Kind kind = Kind::kName;
  std::string host;  // as written, without brackets
  uint16_t port = 0;
  // Of an address, in network order; IPv4 mapped into IPv6 (::ffff:0:0/96), so that equal addresses
  // compare equal.
  std::array<uint8_t, 16> ip = {};

  bool IsWildcard() const;  // 0.0.0.0 or ::
};

// The error says what is wrong, without a full stop. Pure: names are not looked up.
tl::expected<HostPort, std::string> ParseHostPort(std::string_view text);

// Letters, digits, '-', '_' and dots, in labels of 1 to 63 bytes, 253 at most; not all digits and
// dots.
bool IsHostName(std::string_view text);

// An IP address without brackets.
bool IsIpAddress(std::string_view text);

// Whether two listening sockets at these addresses would get in each other's way. [::] takes IPv4
// as well.
bool Overlap(const HostPort& a, const HostPort& b);

// Equal for two texts that name the same peer, as far as the text tells.
std::string PeerKey(const HostPort& address);

}  // namespace poplar::config
