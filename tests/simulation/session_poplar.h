#pragma once

#include <array>
#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "balancer/affinity.h"
#include "proxy/tls/keyed_digest.h"
#include "proxy/tls/sealer.h"
#include "proxy/upstream/prober.h"
#include "tests/simulation/health_judge.h"
#include "tests/simulation/move_judge.h"
#include "tests/simulation/pool_saboteur.h"
#include "tests/simulation/queue_judge.h"
#include "tests/simulation/session_discovery.h"
#include "tests/simulation/session_doubles.h"
#include "tests/simulation/session_worker.h"

namespace poplar::simulation {

// A Poplar of two workers, with its keepers and probers: what proxy/server puts together, on a
// simulated machine. Watches its own bounds after every event.
//
// The probers have a machine of their own, so that their connections, which take no slot, can be
// told from the others.
class SessionPoplar final : private Actor {
 public:
  SessionPoplar(Network& network, const SessionRules& rules, SessionMistake mistake,
                const Places& places);
  ~SessionPoplar() override;

  // `users`: whose sessions a planted mistake of the pool may meet.
  void Start(std::shared_ptr<const session::Settings> settings, std::vector<std::string> users);
  // After Start: finds the first cluster's nodes from now on. Outlives it.
  void Discover(NameServer& names);
  void StopAccepting();
  void Drain();
  void Abort();
  // Nothing where the node isn't known at the moment.
  void SetAdmin(size_t node, balancer::AdminState state);
  // An operator moves so many of the users whom the move means.
  void SetShare(uint32_t permille);
  // The process gets no time, or one of its workers, and afterwards finds that its clock has
  // jumped.
  void Freeze(bool frozen);
  void FreezeWorker(size_t worker, bool frozen);

  const session::Settings& settings() const { return *settings_; }
  const HealthJudge& health() const { return health_; }
  // Null: the nodes are always the same.
  const SessionDiscovery* discovery() const { return discovery_.get(); }
  SimProactor& machine() { return workers_.front().proactor(); }
  const io::Address& prober_host() const { return prober_machine_.host(); }
  io::Address address() const { return workers_.front().address(); }
  bool stopped() const { return stopped_; }
  bool drained() const { return draining_; }
  bool aborted() const { return aborted_; }
  bool dropped_node() const { return dropped_node_; }
  bool idle() const;
  const std::vector<session::Record>& records() const { return log_.records(); }
  const BalancedMeter::Totals& totals() const { return meter_.totals(); }
  // Everything is given back and each accepted connection has its one record.
  void MustBeClean();

 private:
  void Poke() override;
  void MustKeepSlots();
  void MustKeepSlots(size_t node);
  std::optional<size_t> NodeAt(balancer::NodeId id) const;
  upstream::Cluster& ClusterOf(balancer::NodeId id) const;

  World& world_;
  Network& network_;
  const SessionRules& rules_;
  const Places& places_;
  QueueJudge queues_;
  HealthJudge health_;
  RecordingLog log_;
  BalancedMeter meter_;
  SeededRandom key_;
  balancer::Affinity affinity_;
  admission::Admission admission_{0};
  const tls::KeyedDigest digest_;
  const tls::Sealer sealer_;
  std::shared_ptr<const session::Settings> settings_;
  PoolSaboteur saboteur_;
  SimProactor prober_machine_;
  io::TaskScope probing_;
  std::vector<std::unique_ptr<upstream::Prober>> probers_;
  std::deque<SessionWorker> workers_;
  std::unique_ptr<SessionDiscovery> discovery_;
  NameServer* names_ = nullptr;
  size_t dials_seen_ = 0;
  uint64_t pokes_ = 0;
  bool stopped_ = false;
  bool draining_ = false;
  bool aborted_ = false;
  bool dropped_node_ = false;
};

}  // namespace poplar::simulation
