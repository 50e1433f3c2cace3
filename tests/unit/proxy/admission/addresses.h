#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>

#include "proxy/io/address.h"
#include "proxy/io/network.h"

namespace poplar::admission {

inline io::Address At(std::string_view host) { return *io::Address::Parse(host, 4711); }

// The index-th IPv4 address.
inline io::Address Numbered(uint32_t index) {
  return At(std::to_string(index >> 24) + "." + std::to_string(index >> 16 & 255) + "." +
            std::to_string(index >> 8 & 255) + "." + std::to_string(index & 255));
}

inline io::NetworkSet Networks(std::initializer_list<std::string_view> texts) {
  io::NetworkSet networks;
  for (std::string_view text : texts) networks.Add(*io::Network::Parse(text));
  return networks;
}

}  // namespace poplar::admission
