#pragma once

#include <optional>
#include <string_view>

#include "proxy/io/buffer.h"
#include "proxy/io/proactor.h"
#include "proxy/io/stream.h"
#include "proxy/proxy_protocol/header.h"

namespace poplar::session {

// What a load balancer said ahead of a connection.
struct ProxyHeader {
  // Empty: `endpoints` count, where there are any. Otherwise the connection is of no use.
  std::string_view fault;
  std::optional<proxy_protocol::Endpoints> endpoints;  // nothing: the balancer's own connection
  io::Buffer rest;                                     // what the client itself said behind it
};

// Reads the header, which must come first and soon. Nothing else may read from the stream.
io::Task<ProxyHeader> ReadProxyHeader(io::Proactor& proactor, io::Stream& stream);

}  // namespace poplar::session
