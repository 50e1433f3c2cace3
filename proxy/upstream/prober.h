#pragma once

#include "proxy/io/proactor.h"
#include "proxy/upstream/alarm.h"
#include "proxy/upstream/cluster.h"
#include "proxy/upstream/connection.h"
#include "proxy/upstream/observer.h"

namespace poplar::upstream {

// Asks one node again and again whether it works (DESIGN section 5) and what it can do, on a
// connection of its own that takes no slot. Each probe that was greeted ends with QUIT, so that the
// node's log stays clean; the level `connect` sends nothing at all. A node that is
// administratively down is left alone, and a vacant seat. One worker's.
class Prober {
 public:
  // Between looks at a cluster that isn't probed; LookAtTerms comes sooner.
  static constexpr io::Duration kIdle = std::chrono::hours(1);

  // All must outlive it.
  Prober(io::Proactor& proactor, Cluster& cluster, Node& node, Observer& observer);

  // Until Stop. Once.
  io::Task<void> Run();
  // The operator has said something else of the cluster.
  void LookAtTerms();
  // Cuts in wherever the probe is; what it had asked is then no evidence.
  void Stop();

 private:
  // One probe from its connect to the end of its QUIT. True: its result fits the node's state.
  io::Task<bool> Round(const ProbeOptions& options);
  // As deep as the cluster's level says, within the probe's timeout.
  io::Task<NodeError> Probe(Connection& connection, const ProbeOptions& options);
  io::Task<NodeError> LearnCapabilities(Connection& connection);
  io::Task<NodeError> LogInAndStat(Connection& connection, const ProbeOptions& options);
  void Report(const NodeError& error, io::Duration took);
  void Tell(const std::optional<balancer::Transition>& transition);
  bool IsOfTheNode(const Connection& connection) const;
  bool MayProbe() const;
  bool NodeIsUp() const;

  io::Proactor& proactor_;
  Cluster& cluster_;
  Node& node_;
  Observer& observer_;
  Alarm alarm_;
  Connection* probing_ = nullptr;  // while a probe is under way
  bool stopped_ = false;
};

}  // namespace poplar::upstream
