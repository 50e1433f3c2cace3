#pragma once

#include <sys/socket.h>

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace poplar::io {

// An IPv4 or IPv6 address with its port. A value of 28 bytes; no names, no look-ups.
class Address {
 public:
  Address() = default;

  // "192.0.2.1", "2001:db8::1" or "[2001:db8::1]"; nothing for anything else.
  static std::optional<Address> Parse(std::string_view host, uint16_t port);
  // "192.0.2.1:995" or "[2001:db8::1]:995".
  static std::optional<Address> ParseWithPort(std::string_view text);
  static Address FromSockaddr(const sockaddr* address);
  static Address Loopback(uint16_t port);

  int family() const;
  uint16_t port() const;
  void set_port(uint16_t port);
  std::string Host() const;  // an IPv4-mapped IPv6 address reads as the IPv4 one
  // In network order; an IPv4 address as the IPv6 one that it maps to (RFC 4291 section 2.5.5.2),
  // so that both forms of it are equal. All zero for no address.
  std::array<uint8_t, 16> MappedBytes() const;
  std::string Text() const;  // with the port, in the form ParseWithPort takes

  const sockaddr* sockaddr_pointer() const;
  socklen_t sockaddr_length() const;

  friend bool operator==(const Address&, const Address&) = default;

 private:
  uint16_t family_ = 0;
  uint16_t port_ = 0;  // network order, as in struct sockaddr
  uint32_t flow_ = 0;  // for IPv4: the address, as in struct sockaddr_in
  uint8_t ip_[16] = {};
  uint32_t scope_ = 0;
};

}  // namespace poplar::io
