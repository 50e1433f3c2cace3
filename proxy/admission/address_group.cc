#include "proxy/admission/address_group.h"

#include <xxhash.h>

#include <algorithm>

namespace poplar::admission {
namespace {

constexpr AddressGroup kMapped = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
constexpr int kMappedBytes = 12;
constexpr int kBitsPerByte = 8;

}  // namespace

AddressGroup GroupOf(const io::Address& address, PrefixBits bits) {
  AddressGroup group = address.MappedBytes();
  const bool ipv4 = std::equal(group.begin(), group.begin() + kMappedBytes, kMapped.begin());
  const int kept_bits = ipv4 ? kMappedBytes * kBitsPerByte + bits.ipv4 : bits.ipv6;
  for (int i = 0; i < static_cast<int>(group.size()); ++i) {
    const int kept = std::clamp(kept_bits - i * kBitsPerByte, 0, kBitsPerByte);
    group[static_cast<size_t>(i)] &= static_cast<uint8_t>(0xff00 >> kept);
  }
  return group;
}

uint64_t TagOf(uint64_t key, const AddressGroup& group, std::string_view user) {
  const uint64_t there = XXH3_64bits_withSeed(group.data(), group.size(), key);
  const uint64_t tag = user.empty() ? there : XXH3_64bits_withSeed(user.data(), user.size(), there);
  return tag == 0 ? 1 : tag;
}

}  // namespace poplar::admission
