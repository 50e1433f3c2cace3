#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "proxy/io/address.h"

// HAProxy's PROXY protocol, versions 1 and 2: what a load balancer says ahead of a connection of
// whose it is. https://www.haproxy.org/download/2.8/doc/proxy-protocol.txt
namespace poplar::proxy_protocol {

// Both ends of the connection that the client made.
struct Endpoints {
  io::Address source;
  io::Address destination;

  friend bool operator==(const Endpoints&, const Endpoints&) = default;
};

// Bytes of a whole header. Version 1 has 107 at most (section 2.1). Version 2 may have 65,551, most
// of it TLVs; those that are in use (a TLS certificate's name, a unique id, a cloud's ids) take
// some hundred bytes.
inline constexpr size_t kHeaderBytesMax = 2048;

struct Parsed {
  enum class Kind : uint8_t {
    kNeedMore,   // so far it can be one
    kHeader,     // `bytes` of it
    kNone,       // it isn't one: something else begins here
    kMalformed,  // it begins like one and isn't; or is longer than kHeaderBytesMax
  };
  Kind kind = Kind::kNeedMore;
  size_t bytes = 0;
  // Nothing: the connection is the load balancer's own (LOCAL, a health check), or it doesn't say
  // (UNKNOWN, a family that we don't speak). Then the connection's own addresses count.
  std::optional<Endpoints> endpoints;
};

// `input`: all bytes of the connection so far.
Parsed ParseHeader(std::string_view input);

// Whole headers, to be sent in one write. Addresses of two families, or none, are UNKNOWN.
std::string RenderV1(const Endpoints& endpoints);
std::string RenderV2(const Endpoints& endpoints);
// Version 2's LOCAL: of our own, as a probe is.
std::string RenderLocal();

}  // namespace poplar::proxy_protocol
