#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <tl/expected.hpp>

#include "proxy/io/resolver.h"

// Answers of name servers (RFC 1035, 2782, 3596), read without I/O. Whoever can reach this machine
// may have written them.
namespace poplar::io {

// What one answer may bring; the rest is left out, the same whatever order they come in. As many
// as a cluster can have nodes.
inline constexpr size_t kAddressesMax = 256;
inline constexpr size_t kServiceTargetsMax = 256;

enum class DnsType : uint16_t { kA = 1, kAaaa = 28, kSrv = 33 };

enum class DnsFault : uint8_t {
  kNothing,   // a good answer without a record of the type
  kNonsense,  // can't be read, or not to its end: nothing of it is used
};

// Letters, digits, '-' and '_' in labels of up to 63, up to 253 in all; the last dot may be there.
bool IsDnsName(std::string_view text);

// `message`: the whole of an answer to one question of that type, kA or kAaaa. All records of the
// type count, whichever alias led to them, and the TTLs of the aliases too.
tl::expected<HostAddresses, DnsFault> ReadHostAnswer(std::string_view message, DnsType type,
                                                     uint16_t port);
// A target "." says that the service isn't offered, and is no target.
tl::expected<ServiceTargets, DnsFault> ReadServiceAnswer(std::string_view message);

}  // namespace poplar::io
