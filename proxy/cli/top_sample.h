#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "proxy/cli/session_table.h"

namespace poplar::cli {

// Cumulative, as /api/v1/status has it.
struct TopHistogram {
  std::vector<std::pair<double, uint64_t>> buckets;  // up to so many seconds, so many
  uint64_t count = 0;
};

// A running Poplar at one moment.
struct TopSample {
  struct Node {
    std::string cluster;
    std::string name;
    std::string state;
    std::string admin_state;
    std::string evidence;
    bool in_service = false;
    uint64_t sessions = 0;
    uint64_t slots = 0;
    uint64_t in_use = 0;
    uint64_t warm = 0;
    uint64_t parked = 0;
    uint64_t waiting = 0;
    std::optional<double> probe_seconds;
  };

  std::string version;
  std::string io_note;
  double started = 0;
  double now = 0;
  bool ready = false;
  bool draining = false;
  uint64_t sessions = 0;
  uint64_t logins_ok = 0;
  uint64_t logins_failed = 0;
  uint64_t messages = 0;
  uint64_t bytes_to_clients = 0;
  TopHistogram login;
  std::vector<Node> nodes;
  ListedSessions listed;
};

// The answers to /status, /nodes and /sessions. Nothing: one is none.
std::optional<TopSample> ReadTopSample(std::string_view status, std::string_view nodes,
                                       std::string_view sessions);

// The q-th part of what was observed between two samples, evenly spread within its bucket; nothing:
// there was nothing. What lies beyond the last bucket counts as its bound.
std::optional<double> QuantileBetween(const TopHistogram& before, const TopHistogram& now,
                                      double q);

}  // namespace poplar::cli
