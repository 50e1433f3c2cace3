#pragma once

#include "proxy/io/proactor.h"
#include "proxy/io/sync.h"
#include "proxy/io/task_scope.h"
#include "proxy/upstream/cluster.h"
#include "proxy/upstream/connection.h"
#include "proxy/upstream/observer.h"

namespace poplar::upstream {

// Keeps a node's pool: opens warm connections ahead of demand, a few at a time and not in step with
// other keepers, renews them, ends parked sessions whose time is up, and empties the pool when the
// node leaves service. One worker's; the pool is everybody's.
class Keeper {
 public:
  // Connects at once, so that a node which comes back isn't stormed.
  static constexpr int kOpeningMax = 2;

  // All must outlive it. `scope` runs what it opens and ends.
  Keeper(io::Proactor& proactor, io::TaskScope& scope, Cluster& cluster, Node& node,
         Observer& observer);

  // Until Stop; by then nothing is idle in the pool, and every QUIT has been sent.
  io::Task<void> Run();
  void Stop();

 private:
  io::Proactor& proactor_;
  io::TaskScope& scope_;
  Cluster& cluster_;
  Node& node_;
  Observer& observer_;
};

// Ends a connection with QUIT in the background.
void RetireInBackground(io::Proactor& proactor, io::TaskScope& scope,
                        balancer::NodePool::Idle idle);

}  // namespace poplar::upstream
