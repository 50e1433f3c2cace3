#pragma once

#include <cstdint>
#include <string>

namespace poplar::metrics {

// Whose dialogues are to be written down: exactly one of the first three.
struct TraceQuery {
  std::string user;      // as a client would type it
  std::string client;    // an IP address or a network
  std::string node;      // NODE or CLUSTER/NODE
  std::string duration;  // as typed, such as 10m; empty: as long as it is by default
};

// A trace that is on.
struct TraceView {
  uint64_t id = 0;
  std::string kind;  // "user", "client" or "node"
  std::string of;    // which one
  std::string file;
  int64_t began = 0;  // Unix time in seconds
  int64_t until = 0;  // likewise
  uint64_t lines = 0;
  uint64_t bytes = 0;
  uint64_t dropped = 0;  // lines that there was no room for
};

}  // namespace poplar::metrics
