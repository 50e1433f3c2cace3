#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <vector>

#include "balancer/warm_target.h"
#include "proxy/io/proactor.h"
#include "proxy/io/task_scope.h"
#include "proxy/upstream/alarm.h"
#include "proxy/upstream/cluster.h"
#include "proxy/upstream/connection.h"
#include "proxy/upstream/observer.h"

namespace poplar::upstream {

// Keeps a node's pool: opens warm connections ahead of demand, a few at a time and not in step with
// other keepers, renews them, ends parked sessions whose time is up, and empties the pool when the
// node leaves service, its seat or its address. Does nothing for a vacant seat, which is never in
// service. One worker's; the pool is everybody's.
class Keeper {
 public:
  // Connects at once, so that a node which comes back isn't stormed.
  static constexpr int kOpeningMax = 2;
  // Between looks at the node's health and at whose time is up; jittered. What has expired lies
  // that much longer, and a connect that failed is tried again no sooner.
  static constexpr io::Duration kTick = std::chrono::seconds(1);
  // Between judgements of how many to hold. What a login took is replaced without one.
  static constexpr io::Duration kPause = std::chrono::milliseconds(5);
  // How long Stop lets a connection come about that is being opened.
  static constexpr io::Duration kStopPatience = std::chrono::seconds(1);

  // All must outlive it, and the proactor also whoever takes from the pool. `scope` runs what it
  // opens and ends.
  Keeper(io::Proactor& proactor, io::TaskScope& scope, Cluster& cluster, Node& node,
         Observer& observer);

  // Until Stop, and then for as long as it takes to end what is idle with QUIT: as a rule a few
  // milliseconds, a few seconds at most. Nothing is idle in the pool then. Once. It may go when
  // this has returned.
  io::Task<void> Run();
  void Stop();

 private:
  // How the pool, on any thread, reaches a keeper that may be gone by the time the call arrives.
  // Looked at and cut on the keeper's thread only.
  struct Line {
    Keeper* keeper;
  };

  void Listen();
  void HangUp();
  void Sweep(io::Time now);
  void SetServing(bool serving, io::Time now);
  void FollowAddress();
  void LookAtDemand(io::Time now);
  void Refill(io::Time now);
  io::Task<void> OpenWarm(std::unique_ptr<Connection> connection);
  void Keep(std::unique_ptr<Connection> connection, io::Duration took);
  void OnOpenFailed(const NodeError& error, io::Duration took);
  void End(balancer::NodePool::Idle idle, ParkedEnd why);
  io::Task<void> EndAndCount(balancer::NodePool::Idle idle);
  void Tell(const std::optional<balancer::Transition>& transition);

  io::Proactor& proactor_;
  io::TaskScope& scope_;
  Cluster& cluster_;
  Node& node_;
  Observer& observer_;
  Alarm alarm_;
  std::shared_ptr<Line> line_;
  balancer::WarmTarget target_;
  io::Time target_updated_;
  uint64_t demand_ = 0;  // since then
  uint32_t wanted_ = 0;  // warm connections
  io::Time next_sweep_;
  io::Time opens_from_;                       // no new connect before
  std::shared_ptr<const Endpoint> endpoint_;  // of the idle ones
  std::optional<bool> serving_;       // whether the pool is open; unset before the first sweep
  std::vector<Connection*> opening_;  // at most kOpeningMax
  int ending_ = 0;
  bool stopped_ = false;
};

// Ends a connection with QUIT in the background; its slot, and then the lease, are free afterwards.
// The connection is detached, as it came from the pool. An empty `idle` is nothing to end.
void RetireInBackground(io::Proactor& proactor, io::TaskScope& scope,
                        balancer::NodePool::Idle idle);

}  // namespace poplar::upstream
