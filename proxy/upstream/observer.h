#pragma once

#include <string_view>

#include "balancer/node_health.h"
#include "proxy/io/clock.h"
#include "proxy/upstream/node_failure.h"

namespace poplar::upstream {

// How a parked session ended that served nobody any more.
enum class ParkedEnd : uint8_t {
  kExpired,  // nobody came for it in time
  kEvicted,  // gave way to a login in the queue, or to a newer one of its user
  kDrained,  // the node left service, or we stop
};

// Who wants to know what keepers and sessions learn of nodes: metrics and log. One worker's thread.
class Observer {
 public:
  virtual ~Observer() = default;
  virtual void ProbeEnded(balancer::NodeId node, NodeFailure failure, io::Duration took) = 0;
  virtual void NodeChanged(const balancer::Transition& transition) = 0;
  // A warm connection was opened, or could not be.
  virtual void WarmOpened(balancer::NodeId node, NodeFailure failure, io::Duration took) = 0;
  virtual void ParkedEnded(balancer::NodeId node, ParkedEnd end) = 0;
};

}  // namespace poplar::upstream
