#include "proxy/config/network_text.h"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>

#include "proxy/config/address_text.h"
#include "proxy/config/quote.h"

namespace poplar::config {
namespace {

constexpr int kBitsPerByte = 8;

// Whether bits behind the first `bits` are set.
bool HasHostBits(const std::array<uint8_t, 16>& ip, int bytes, int bits) {
  for (int i = 0; i < bytes; ++i) {
    const int kept = std::clamp(bits - i * kBitsPerByte, 0, kBitsPerByte);
    if ((ip[static_cast<size_t>(i)] & (0xff >> kept)) != 0) return true;
  }
  return false;
}

}  // namespace

tl::expected<void, std::string> CheckNetworkText(std::string_view text) {
  const size_t slash = text.find('/');
  const std::string host(text.substr(0, slash));
  if (!IsIpAddress(host))
    return tl::make_unexpected(Quote(text) + " is neither an IP address nor a network");
  if (slash == std::string_view::npos) return {};
  const int family = host.find(':') == std::string::npos ? AF_INET : AF_INET6;
  const int bytes = family == AF_INET ? 4 : 16;
  const std::string_view digits = text.substr(slash + 1);
  int bits = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), bits);
  if (error != std::errc() || end != digits.data() + digits.size() || digits.front() == '-' ||
      bits > bytes * kBitsPerByte) {
    return tl::make_unexpected(Quote(digits) + " is no length of a network's prefix (0 to " +
                               std::to_string(bytes * kBitsPerByte) + ")");
  }
  std::array<uint8_t, 16> ip{};
  inet_pton(family, host.c_str(), ip.data());
  if (HasHostBits(ip, bytes, bits))
    return tl::make_unexpected(Quote(text) + " has bits set behind its prefix");
  return {};
}

}  // namespace poplar::config
