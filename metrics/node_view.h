#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "metrics/labels.h"

namespace poplar::metrics {

// What /nodes and the gauges show of a node at one moment.
struct NodeView {
  Node label{};
  std::string name;
  std::string address;
  NodeState state = NodeState::kUp;
  AdminState admin = AdminState::kUp;
  bool leaving = false;            // it is no longer discovered; sessions there go on
  bool in_service = true;          // takes new users
  uint32_t ready_permille = 1000;  // the share of its users that it takes already (slow start)
  uint32_t weight = 0;
  uint32_t sessions = 0;   // of clients
  uint64_t ejections = 0;  // since the start
  uint32_t slots = 0;      // most connections at once; 0: unbounded
  uint32_t in_use = 0;     // slots taken, less the warm and parked ones
  uint32_t warm = 0;
  uint32_t parked = 0;
  uint32_t waiting = 0;  // logins in the queue for a slot
  std::array<uint64_t, LabelTraits<TakeSource>::kValues.size()> takes{};  // by logins
  std::optional<double> probe_seconds;  // the last probe's; none: there was none yet
  std::string evidence;                 // of the last change of state; empty: there was none
};

struct ClusterView {
  Cluster label{};
  std::string name;
  bool panic = false;  // so much is out that health is not believed
  std::vector<NodeView> nodes;
};

}  // namespace poplar::metrics
