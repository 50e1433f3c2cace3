#pragma once

#include <map>
#include <vector>

#include "proxy/session/meter.h"
#include "tests/simulation/session_rules.h"
#include "tests/simulation/world.h"

namespace poplar::simulation {

// Holds the logins that wait for a node's slots to their order, across workers, and to their
// patience. It sees them when they leave the queue, which is a little later than they are served:
// the wake-up has to reach their worker.
class QueueJudge {
 public:
  QueueJudge(World& world, const SessionRules& rules) : world_(world), rules_(rules) {}

  void OnLeft(balancer::NodeId node, session::QueueResult result, io::Duration waited);
  uint64_t left() const { return left_; }

 private:
  // The one that came last of those that have been served, and when it was.
  struct Served {
    io::Time came{};
    io::Time served{};
  };

  World& world_;
  const SessionRules& rules_;
  std::map<balancer::NodeId, std::vector<Served>> served_;
  uint64_t left_ = 0;
};

}  // namespace poplar::simulation
