#pragma once

#include <memory>
#include <string>

#include "proxy/io/address.h"
#include "proxy/io/clock.h"
#include "proxy/tls/client_context.h"

namespace poplar::upstream {

// Where a node is and how to speak to it. Immutable; shared by all workers.
struct Endpoint {
  std::string name;  // "cluster/node", as logs and metrics show it
  io::Address address;
  std::shared_ptr<const tls::ClientContext> tls;  // null: plain
  std::string host_name;                          // SNI, and what the certificate must be for
};

struct UpstreamTimeouts {
  io::Duration connect = std::chrono::seconds(15);
  // For each single answer, from the last byte sent to it or received from it; TLS handshakes too.
  io::Duration response = std::chrono::seconds(15);
};

}  // namespace poplar::upstream
