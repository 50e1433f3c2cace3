#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace poplar::pop3 {

// Whose session it is, as another proxy says it by Dovecot's XCLIENT. Untrusted until its sender is
// known to be a proxy of ours.
struct Xclient {
  std::string address;  // of the client; empty: not said
  uint16_t port = 0;
  std::string local_address;  // that the client connected to; empty: not said
  uint16_t local_port = 0;
  std::optional<uint32_t> ttl;  // how many proxies more may hand it on
};

// What is behind the keyword: NAME=VALUE, separated by blanks, of which those that aren't ours are
// skipped. Nothing where it isn't that, or a value isn't what its name says. Addresses are only
// taken over, not looked at.
std::optional<Xclient> ParseXclient(std::string_view argument);

}  // namespace poplar::pop3
