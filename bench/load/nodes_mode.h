#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "proxy/demo/service_model.h"

namespace poplar::bench {

struct NodesSettings {
  std::string host = "127.0.0.1";
  unsigned first_port = 0;  // 0: free ones
  unsigned nodes = 3;
  unsigned users = 10000;
  unsigned messages = 3;          // a user; all share the same bytes
  size_t message_bytes = 4096;    // about
  bool tls = false;               // implicit TLS with a throw-away certificate
  demo::ServiceSettings service;  // of each node
  uint64_t seed = 1;              // of what is random in it
};

// Serves demo nodes over one shared store until SIGINT or SIGTERM. Prints a line "node ADDRESS" a
// node, then "ready". Returns the exit status.
int RunNodes(const NodesSettings& settings);

}  // namespace poplar::bench
