#pragma once

#include "proxy/io/proactor.h"
#include "proxy/io/sync.h"
#include "proxy/upstream/cluster.h"
#include "proxy/upstream/connection.h"
#include "proxy/upstream/observer.h"

namespace poplar::upstream {

// Asks one node again and again whether it works (DESIGN section 5) and what it can do, on a
// connection of its own that takes no slot. Each probe ends with QUIT, so that the node's log stays
// clean. One worker's.
class Prober {
 public:
  // All must outlive it.
  Prober(io::Proactor& proactor, Cluster& cluster, Node& node, Observer& observer);

  // Until Stop.
  io::Task<void> Run();
  void Stop();

 private:
  io::Task<NodeError> Probe();

  io::Proactor& proactor_;
  Cluster& cluster_;
  Node& node_;
  Observer& observer_;
};

}  // namespace poplar::upstream
