#pragma once

#include <chrono>
#include <cstddef>

#include "proxy/io/clock.h"

// Every bound on what strangers can make this folder hold. How many may be served at once is a
// setting (autoconfig.connections).
namespace poplar::autoconfig {

// A request line with its headers, in bytes: browsers send 1 or 2 KiB.
inline constexpr size_t kHeaderBytesMax = size_t{8} * 1024;

// The body of an Autodiscover request, in bytes: Outlook's has 400.
inline constexpr size_t kBodyBytesMax = size_t{64} * 1024;

// From the connection to the end of the answer, TLS included.
inline constexpr io::Duration kVisitTime = std::chrono::seconds(5);

// What is read past, in bytes, of a client that still sends when it has its answer.
inline constexpr size_t kLingerBytes = size_t{64} * 1024;

// RFC 5321 section 4.5.3.1: of a path without its angle brackets, and of a local part.
inline constexpr size_t kAddressBytesMax = 254;
inline constexpr size_t kLocalPartBytesMax = 64;

}  // namespace poplar::autoconfig
