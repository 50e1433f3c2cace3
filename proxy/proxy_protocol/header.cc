#include "proxy/proxy_protocol/header.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>

namespace poplar::proxy_protocol {
namespace {

using std::string_view_literals::operator""sv;
using Kind = Parsed::Kind;

// Version 1, section 2.1.
constexpr std::string_view kV1Begin = "PROXY ";
constexpr size_t kV1BytesMax = 107;  // with CRLF

// Version 2, section 2.2: 12 bytes, version and command, family, length in network order.
constexpr std::string_view kV2Begin = "\r\n\r\n\0\r\nQUIT\n"sv;
constexpr size_t kV2FixedBytes = 16;
constexpr unsigned kV2Version = 0x20;
constexpr unsigned kV2Local = 0x00;
constexpr unsigned kV2Proxy = 0x01;
constexpr unsigned kV2Tcp4 = 0x11;
constexpr unsigned kV2Tcp6 = 0x21;
constexpr size_t kTlvFixedBytes = 3;
constexpr size_t kPortBytes = 2;

Parsed Malformed() { return {.kind = Kind::kMalformed}; }

bool MayBecome(std::string_view input, std::string_view begin) {
  return input.substr(0, begin.size()) == begin.substr(0, input.size());
}

// --- version 1

std::optional<std::string_view> TakeWord(std::string_view& rest) {
  if (rest.empty()) return std::nullopt;
  const size_t end = std::min(rest.find(' '), rest.size());
  const std::string_view word = rest.substr(0, end);
  rest.remove_prefix(std::min(end + 1, rest.size()));
  if (word.empty()) return std::nullopt;
  return word;
}

// Decimal, without leading zeros.
std::optional<uint16_t> ParsePort(std::string_view word) {
  uint16_t port = 0;
  const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), port);
  if (error != std::errc() || end != word.data() + word.size()) return std::nullopt;
  if (word.size() > 1 && word.front() == '0') return std::nullopt;
  return port;
}

std::optional<io::Address> ParseAddress(std::string_view host, std::string_view port, int family) {
  const auto number = ParsePort(port);
  if (!number || host.starts_with('[')) return std::nullopt;
  const auto address = io::Address::Parse(host, *number);
  if (!address || address->family() != family) return std::nullopt;
  return address;
}

Parsed ParseV1(std::string_view input) {
  const std::string_view line = input.substr(0, kV1BytesMax);
  const size_t end = line.find('\n');
  if (end == line.npos) return input.size() < kV1BytesMax ? Parsed{} : Malformed();
  if (line[end - 1] != '\r') return Malformed();
  std::string_view rest = line.substr(kV1Begin.size(), end - 1 - kV1Begin.size());
  Parsed parsed{.kind = Kind::kHeader, .bytes = end + 1};
  const auto protocol = TakeWord(rest);
  if (!protocol) return Malformed();
  if (*protocol == "UNKNOWN") return parsed;  // whatever follows is to be ignored
  const int family = *protocol == "TCP4" ? AF_INET : *protocol == "TCP6" ? AF_INET6 : AF_UNSPEC;
  std::array<std::string_view, 4> words;
  for (std::string_view& word : words) {
    const auto next = TakeWord(rest);
    if (!next || family == AF_UNSPEC) return Malformed();
    word = *next;
  }
  const auto source = ParseAddress(words[0], words[2], family);
  const auto destination = ParseAddress(words[1], words[3], family);
  const bool whole = line[end - 2] != ' ' && rest.empty();
  if (!source || !destination || !whole) return Malformed();
  parsed.endpoints = {*source, *destination};
  return parsed;
}

// --- version 2

unsigned ByteAt(std::string_view bytes, size_t at) { return static_cast<unsigned char>(bytes[at]); }

size_t LengthAt(std::string_view bytes, size_t at) {
  return ByteAt(bytes, at) << 8 | ByteAt(bytes, at + 1);
}

io::Address AddressAt(std::string_view bytes, size_t at, size_t port_at, int family) {
  const char* from = bytes.data() + at;
  if (family == AF_INET) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    std::memcpy(&address.sin_addr, from, sizeof address.sin_addr);
    std::memcpy(&address.sin_port, bytes.data() + port_at, kPortBytes);
    return io::Address::FromSockaddr(reinterpret_cast<const sockaddr*>(&address));
  }
  sockaddr_in6 address{};
  address.sin6_family = AF_INET6;
  std::memcpy(&address.sin6_addr, from, sizeof address.sin6_addr);
  std::memcpy(&address.sin6_port, bytes.data() + port_at, kPortBytes);
  return io::Address::FromSockaddr(reinterpret_cast<const sockaddr*>(&address));
}

size_t HostBytes(int family) { return family == AF_INET ? sizeof(in_addr) : sizeof(in6_addr); }

// What stands behind the addresses is skipped, but must be whole.
bool AreTlvs(std::string_view rest) {
  while (!rest.empty()) {
    if (rest.size() < kTlvFixedBytes) return false;
    const size_t length = kTlvFixedBytes + LengthAt(rest, 1);
    if (rest.size() < length) return false;
    rest.remove_prefix(length);
  }
  return true;
}

Parsed ParseV2(std::string_view input) {
  if (input.size() < kV2FixedBytes) return {};
  const unsigned command = ByteAt(input, 12) ^ kV2Version;
  if (command != kV2Local && command != kV2Proxy) return Malformed();
  const size_t bytes = kV2FixedBytes + LengthAt(input, 14);
  if (bytes > kHeaderBytesMax) return Malformed();
  if (input.size() < bytes) return {};
  Parsed parsed{.kind = Kind::kHeader, .bytes = bytes};
  const unsigned transport = ByteAt(input, 13);
  const bool is_ip = transport == kV2Tcp4 || transport == kV2Tcp6;
  // Section 2.2: of LOCAL the rest is to be ignored, and a family that we don't speak is UNSPEC.
  if (command == kV2Local || !is_ip) return parsed;
  const int family = transport == kV2Tcp4 ? AF_INET : AF_INET6;
  const size_t host = HostBytes(family);
  const size_t addresses = 2 * host + 2 * kPortBytes;
  const std::string_view rest = input.substr(kV2FixedBytes, bytes - kV2FixedBytes);
  if (rest.size() < addresses || !AreTlvs(rest.substr(addresses))) return Malformed();
  parsed.endpoints = {AddressAt(rest, 0, 2 * host, family),
                      AddressAt(rest, host, 2 * host + kPortBytes, family)};
  return parsed;
}

// --- writing

// A socket for both families has IPv4 peers as IPv4-mapped ones, which nobody expects in a header.
io::Address Unmapped(const io::Address& address) {
  return io::Address::Parse(address.Host(), address.port()).value_or(address);
}

Endpoints Unmapped(const Endpoints& endpoints) {
  return {Unmapped(endpoints.source), Unmapped(endpoints.destination)};
}

int CommonFamily(const Endpoints& endpoints) {
  const int family = endpoints.source.family();
  return family == endpoints.destination.family() ? family : AF_UNSPEC;
}

std::string_view HostOf(const io::Address& address) {
  const sockaddr* any = address.sockaddr_pointer();
  if (address.family() == AF_INET) {
    const auto* four = reinterpret_cast<const sockaddr_in*>(any);
    return {reinterpret_cast<const char*>(&four->sin_addr), sizeof four->sin_addr};
  }
  const auto* six = reinterpret_cast<const sockaddr_in6*>(any);
  return {reinterpret_cast<const char*>(&six->sin6_addr), sizeof six->sin6_addr};
}

void AppendShort(std::string& to, size_t value) {
  to += static_cast<char>(value >> 8 & 0xff);
  to += static_cast<char>(value & 0xff);
}

std::string BeginV2(unsigned command, unsigned transport, size_t length) {
  std::string header(kV2Begin);
  header += static_cast<char>(kV2Version | command);
  header += static_cast<char>(transport);
  AppendShort(header, length);
  return header;
}

}  // namespace

Parsed ParseHeader(std::string_view input) {
  const bool one = MayBecome(input, kV1Begin);
  const bool two = MayBecome(input, kV2Begin);
  if (!one && !two) return {.kind = Kind::kNone};
  if (input.size() < (one ? kV1Begin : kV2Begin).size()) return {};
  return one ? ParseV1(input) : ParseV2(input);
}

std::string RenderV1(const Endpoints& given) {
  const Endpoints endpoints = Unmapped(given);
  const int family = CommonFamily(endpoints);
  if (family != AF_INET && family != AF_INET6) return "PROXY UNKNOWN\r\n";
  return std::string(family == AF_INET ? "PROXY TCP4 " : "PROXY TCP6 ") + endpoints.source.Host() +
         " " + endpoints.destination.Host() + " " + std::to_string(endpoints.source.port()) + " " +
         std::to_string(endpoints.destination.port()) + "\r\n";
}

std::string RenderV2(const Endpoints& given) {
  const Endpoints endpoints = Unmapped(given);
  const int family = CommonFamily(endpoints);
  if (family != AF_INET && family != AF_INET6) return BeginV2(kV2Proxy, 0, 0);
  const size_t length = 2 * HostBytes(family) + 2 * kPortBytes;
  std::string header = BeginV2(kV2Proxy, family == AF_INET ? kV2Tcp4 : kV2Tcp6, length);
  header += HostOf(endpoints.source);
  header += HostOf(endpoints.destination);
  AppendShort(header, endpoints.source.port());
  AppendShort(header, endpoints.destination.port());
  return header;
}

std::string RenderLocal() { return BeginV2(kV2Local, 0, 0); }

}  // namespace poplar::proxy_protocol
