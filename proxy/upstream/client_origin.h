#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "proxy/io/address.h"
#include "proxy/proxy_protocol/header.h"

namespace poplar::upstream {

// Whose session it is that a connection to a node is for. What is Poplar's own (probes, connections
// that are opened ahead of demand) has none.
struct ClientOrigin {
  io::Address client;    // as far as we can see behind load balancers
  io::Address local;     // that the client connected to
  uint64_t session = 0;  // its number
  // How many proxies more may hand it on: of XCLIENT, against loops. Dovecot's proxies begin so.
  uint32_t ttl = 7;
};

// A session's number as the log has it, and the nodes' logs too: 16 hexadecimal digits.
std::string SessionName(uint64_t session);

// Dovecot's XCLIENT with its CRLF, for a node that offers it to us; far below the 1024 bytes that
// Dovecot takes. Addresses and numbers need none of the encoding that other values would.
std::string RenderXclient(const ClientOrigin& origin);

enum class ProxyProtocol : uint8_t { kNone, kV1, kV2 };

// What a connection to a node begins with; empty with kNone. null: it is Poplar's own.
std::string RenderProxyHeader(ProxyProtocol version, const ClientOrigin* origin);

}  // namespace poplar::upstream
