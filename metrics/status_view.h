#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "metrics/totals.h"

namespace poplar::metrics {

// The process at one moment. What is counted is counted since its start; what a session has
// carried, from its end on.
struct StatusView {
  struct Listener {
    std::string name;
    std::string address;
    uint64_t sessions = 0;
  };
  struct Certificate {
    std::string name;     // its file
    int64_t expires = 0;  // Unix time
  };

  std::string version;
  double started = 0;  // Unix time
  double now = 0;
  bool ready = false;
  bool draining = false;  // it takes no new clients any more
  size_t workers = 0;
  std::string io;
  std::string io_note;  // why it isn't io_uring, although that was wished; else empty
  uint64_t sessions = 0;
  std::vector<Listener> listeners;
  std::vector<Certificate> certificates;

  Counts logins;  // by result
  Counts ends;    // by reason, as the next two
  Counts handshake_failures;
  Counts rejected;
  HistogramTotal login;  // of good ones
  HistogramTotal first_byte;
  HistogramTotal download;
  HistogramTotal handshake;
  uint64_t messages = 0;
  uint64_t bytes_to_clients = 0;
  uint64_t bytes_from_clients = 0;
  uint64_t waits = 0;  // of logins, for a slot
  // Where it is, and how it does; empty: nothing is shared with other replicas.
  std::string shared_state;
};

}  // namespace poplar::metrics
