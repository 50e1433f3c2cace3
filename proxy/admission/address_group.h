#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "proxy/io/address.h"

namespace poplar::admission {

// How many first bits of an address count.
struct PrefixBits {
  int ipv4 = 32;
  int ipv6 = 64;
};

// The addresses that share these bits. An IPv4 address is the same in both of its forms: on a
// listener for both families all of them come as IPv6, and are no single network.
using AddressGroup = std::array<uint8_t, 16>;

AddressGroup GroupOf(const io::Address& address, PrefixBits bits);

// Of the group, or of a user there. Under a key of this process's, so that nobody outside can make
// two collide; never 0.
uint64_t TagOf(uint64_t key, const AddressGroup& group, std::string_view user = {});

}  // namespace poplar::admission
