#include "proxy/io/network.h"

#include <algorithm>
#include <charconv>

namespace poplar::io {
namespace {

constexpr int kBits4 = 32;
constexpr int kBits6 = 128;
constexpr int kBitsPerByte = 8;

int BitsOf(const Address& address) { return address.family() == AF_INET ? kBits4 : kBits6; }

}  // namespace

std::optional<Network> Network::Parse(std::string_view text) {
  const size_t slash = text.find('/');
  if (text.starts_with('[')) return std::nullopt;
  const auto address = Address::Parse(text.substr(0, slash), 0);
  if (!address) return std::nullopt;
  int bits = BitsOf(*address);
  if (slash != text.npos) {
    const std::string_view digits = text.substr(slash + 1);
    const auto [end, fault] = std::from_chars(digits.data(), digits.data() + digits.size(), bits);
    const bool number = fault == std::errc() && end == digits.data() + digits.size();
    if (!number || bits < 0 || bits > BitsOf(*address) || digits.front() == '-')
      return std::nullopt;
  }
  const Network network = Of(*address, bits);
  if (network.bytes_ != address->MappedBytes()) return std::nullopt;
  return network;
}

Network Network::Of(const Address& address, int bits) {
  return Masked(address.MappedBytes(), kBits6 - BitsOf(address) + bits);
}

Network Network::Masked(const Bytes& bytes, int bits) {
  Network network;
  network.bytes_ = bytes;
  network.bits_ = bits;
  for (int i = 0; i < static_cast<int>(bytes.size()); ++i) {
    const int kept = std::clamp(bits - i * kBitsPerByte, 0, kBitsPerByte);
    network.bytes_[static_cast<size_t>(i)] &= static_cast<uint8_t>(0xff00 >> kept);
  }
  return network;
}

bool Network::Contains(const Address& address) const {
  return Masked(address.MappedBytes(), bits_).bytes_ == bytes_;
}

void NetworkSet::Add(const Network& network) {
  networks_.insert(network);
  if (std::find(lengths_.begin(), lengths_.end(), network.bits_) == lengths_.end())
    lengths_.push_back(network.bits_);
}

bool NetworkSet::Contains(const Address& address) const {
  const Network::Bytes bytes = address.MappedBytes();
  return std::any_of(lengths_.begin(), lengths_.end(),
                     [&](int bits) { return networks_.contains(Network::Masked(bytes, bits)); });
}

}  // namespace poplar::io
