#pragma once

#include <absl/container/flat_hash_set.h>

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "proxy/io/address.h"

namespace poplar::io {

// The addresses that share their first bits: "192.0.2.0/24", "2001:db8::/32". IPv4 addresses are
// taken as the IPv6 ones that they map to, so a listener for both families needs no second entry.
class Network {
 public:
  // An address alone is a network of one. Nothing for anything else, also where bits behind the
  // prefix are set: "192.0.2.1/24" may mean one address or 256.
  static std::optional<Network> Parse(std::string_view text);
  // Of an address's first bits; `bits` counts as for its own family, so at most 32 for IPv4.
  static Network Of(const Address& address, int bits);

  bool Contains(const Address& address) const;

  friend bool operator==(const Network&, const Network&) = default;
  template <class H>
  friend H AbslHashValue(H hash, const Network& network) {
    return H::combine(std::move(hash), network.bytes_, network.bits_);
  }

 private:
  friend class NetworkSet;
  using Bytes = std::array<uint8_t, 16>;
  static Network Masked(const Bytes& bytes, int bits);

  Bytes bytes_{};
  int bits_ = 0;  // of 128
};

// Many networks. Looking up costs one hash for each length of prefix among them, however many there
// are. Immutable once shared between threads.
class NetworkSet {
 public:
  void Add(const Network& network);
  bool empty() const { return networks_.empty(); }
  bool Contains(const Address& address) const;

 private:
  absl::flat_hash_set<Network> networks_;
  std::vector<int> lengths_;  // of 128, each once
};

}  // namespace poplar::io
