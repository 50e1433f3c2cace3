#pragma once

#include <list>
#include <memory>
#include <string_view>
#include <utility>
#include <vector>

#include "proxy/io/task_scope.h"
#include "proxy/session/session.h"
#include "proxy/upstream/discovery.h"
#include "proxy/upstream/keeper.h"
#include "tests/simulation/session_mistake.h"
#include "tests/simulation/sim_proactor.h"

namespace poplar::simulation {

// What proxy/server's Worker does around the sessions, on a simulated machine.
class SessionWorker {
 public:
  // What all workers share.
  struct Shared {
    balancer::Affinity& affinity;
    const tls::KeyedDigest& digest;
    const tls::Sealer& sealer;
    uint64_t listing_key;
    session::SessionLog& log;
    session::Meter& meter;
    upstream::Observer& observer;
    admission::Admission& admission;
  };
  SessionWorker(Network& network, std::string_view name, const io::Address& host,
                const Shared& shared, SessionMistake mistake);

  // Listens at port 995 of the machine, as the other workers do.
  void Start(std::shared_ptr<const session::Settings> settings);
  // After Start: keeps the node's pool.
  void Keep(upstream::Cluster& cluster, upstream::Node& node);
  // Likewise: runs it.
  void Discover(upstream::Discovery& discovery);
  void StopAccepting();
  void Drain();
  void Abort();
  void DropNode(balancer::NodeId node);
  void LookAtNode(balancer::NodeId node);
  void LookAtMove(size_t move);
  void UseSettings(std::shared_ptr<const session::Settings> newest);
  void Retire(balancer::NodePool::Idle idle) {
    upstream::RetireInBackground(proactor_, serving_, std::move(idle));
  }

  SimProactor& proactor() { return proactor_; }
  io::Address address() const { return address_; }
  size_t accepted() const { return accepted_; }
  // Tasks that may hold a lease.
  size_t tasks() const { return serving_.count() + keeping_.count(); }
  bool idle() const {
    return accepting_.count() == 0 && keeping_.count() == 0 && serving_.count() == 0;
  }
  // Once it is idle: nothing is left.
  void MustBeClean();
  // Its bounds, which hold after every event.
  void MustKeepBounds();

 private:
  io::Task<void> AcceptAll();
  io::Task<void> Serve(io::Accepted accepted);
  session::Environment EnvironmentWith(balancer::Affinity& affinity);

  World& world_;
  const Shared shared_;
  const SessionMistake mistake_;
  SimProactor proactor_;
  io::TaskScope accepting_;
  io::TaskScope keeping_;
  io::TaskScope serving_;
  admission::Seniority newcomers_;
  std::list<balancer::Affinity> own_affinities_;  // of kIgnoresAffinity
  std::shared_ptr<const session::Settings> settings_;
  std::shared_ptr<const session::Settings> newest_;  // of settings_, but for the nodes
  upstream::Discovery* discovery_ = nullptr;         // if this one finds them
  std::vector<std::unique_ptr<upstream::Keeper>> keepers_;
  std::list<session::Session*> sessions_;  // in order of arrival
  io::SocketId listener_ = io::SocketId::kNone;
  io::Address address_;
  size_t accepted_ = 0;
  bool stopping_ = false;
  bool draining_ = false;
  bool aborted_ = false;
};

}  // namespace poplar::simulation
