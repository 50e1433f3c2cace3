#include "proxy/io/address.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <charconv>
#include <cstring>

namespace poplar::io {

// The members are laid out as struct sockaddr_in6 (and, in their first half, as sockaddr_in), so no
// copy is needed.
static_assert(sizeof(Address) == sizeof(sockaddr_in6));

std::optional<Address> Address::Parse(std::string_view host, uint16_t port) {
  if (host.size() >= 2 && host.front() == '[' && host.back() == ']') {
    host = host.substr(1, host.size() - 2);
    if (host.find(':') == std::string_view::npos) return std::nullopt;
  }
  // inet_pton reads up to a NUL and would accept whatever stands behind it.
  if (host.find('\0') != std::string_view::npos) return std::nullopt;
  const std::string text(host);
  Address address;
  if (inet_pton(AF_INET, text.c_str(), &address.flow_) == 1) {
    address.family_ = AF_INET;
  } else if (inet_pton(AF_INET6, text.c_str(), address.ip_) == 1) {
    address.flow_ = 0;
    address.family_ = AF_INET6;
  } else {
    return std::nullopt;
  }
  address.set_port(port);
  return address;
}

std::optional<Address> Address::ParseWithPort(std::string_view text) {
  const size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return std::nullopt;
  const std::string_view host = text.substr(0, colon);
  const std::string_view digits = text.substr(colon + 1);
  if (host.find(':') != std::string_view::npos && host.front() != '[') return std::nullopt;
  uint16_t port = 0;
  const auto [end, fault] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
  if (fault != std::errc() || end != digits.data() + digits.size()) return std::nullopt;
  return Parse(host, port);
}

Address Address::FromSockaddr(const sockaddr* from) {
  Address address;
  if (from->sa_family == AF_INET) {
    std::memcpy(static_cast<void*>(&address), from, offsetof(sockaddr_in, sin_zero));
  } else if (from->sa_family == AF_INET6) {
    std::memcpy(static_cast<void*>(&address), from, sizeof(sockaddr_in6));
  }
  return address;
}

Address Address::Loopback(uint16_t port) { return *Parse("127.0.0.1", port); }

int Address::family() const { return family_; }
uint16_t Address::port() const { return ntohs(port_); }
void Address::set_port(uint16_t port) { port_ = htons(port); }

std::array<uint8_t, 16> Address::MappedBytes() const {
  std::array<uint8_t, 16> bytes{};
  if (family_ == AF_INET) {
    bytes[10] = bytes[11] = 0xff;
    std::memcpy(bytes.data() + 12, &flow_, sizeof flow_);
  } else if (family_ == AF_INET6) {
    std::memcpy(bytes.data(), ip_, sizeof ip_);
  }
  return bytes;
}

std::string Address::Host() const {
  char text[INET6_ADDRSTRLEN] = {};
  if (family_ == AF_INET) {
    inet_ntop(AF_INET, &flow_, text, sizeof(text));
  } else if (family_ == AF_INET6) {
    constexpr uint8_t kMapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
    const bool mapped = std::memcmp(ip_, kMapped, sizeof(kMapped)) == 0;
    inet_ntop(mapped ? AF_INET : AF_INET6, mapped ? ip_ + 12 : ip_, text, sizeof(text));
  }
  return text;
}

std::string Address::Text() const {
  const std::string host = Host();
  const bool brackets = host.find(':') != std::string::npos;
  return (brackets ? "[" + host + "]" : host) + ":" + std::to_string(port());
}

const sockaddr* Address::sockaddr_pointer() const {
  return reinterpret_cast<const sockaddr*>(this);
}

socklen_t Address::sockaddr_length() const {
  return family_ == AF_INET6 ? sizeof(sockaddr_in6) : sizeof(sockaddr_in);
}

}  // namespace poplar::io
