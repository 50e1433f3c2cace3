#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <tl/expected.hpp>
#include <vector>

#include "balancer/affinity.h"
#include "metrics/shard.h"
#include "proxy/autoconfig/http_server.h"
#include "proxy/handover/successor.h"
#include "proxy/io/descriptor.h"
#include "proxy/io/engine.h"
#include "proxy/io/sync.h"
#include "proxy/io/system_clock.h"
#include "proxy/io/task_scope.h"
#include "proxy/server/node_observer.h"
#include "proxy/server/session_views.h"
#include "proxy/server/shard_meter.h"
#include "proxy/server/visit_meter.h"
#include "proxy/server/worker_lookups.h"
#include "proxy/session/session.h"
#include "proxy/shared_state/claim_gate.h"
#include "proxy/tls/keyed_digest.h"
#include "proxy/tls/sealer.h"
#include "proxy/upstream/discovery.h"
#include "proxy/upstream/keeper.h"
#include "proxy/upstream/prober.h"

namespace poplar::server {

// What all workers share. Touched once or twice a session, never while mail is relayed.
struct Shared {
  // `admission_key`: random, or what all replicas have.
  Shared(io::Random& random, uint64_t admission_key, std::unique_ptr<UserMaps> user_maps,
         std::shared_ptr<Directories> services)
      : digest(random),
        sealer(random),
        listing_key(random.Next()),
        admission(admission_key),
        maps(std::move(user_maps)),
        directories(std::move(services)) {}

  balancer::Affinity affinity;
  const tls::KeyedDigest digest;
  const tls::Sealer sealer;
  const uint64_t listing_key;
  admission::Admission admission;
  const std::unique_ptr<UserMaps> maps;
  std::shared_ptr<Directories> directories;  // in force; workers have theirs
  // At start; null: clients are told nothing.
  std::shared_ptr<const autoconfig::Service> autoconfig;
  session::Successor* successor = nullptr;  // before the workers
};

// One thread, one proactor, its listeners and its sessions.
//
// Set up by one thread, run by another; what is told while it runs may come from any.
class Worker {
 public:
  struct Options {
    io::Engine engine;
    size_t buffer_bytes_max;
  };

  static tl::expected<std::unique_ptr<Worker>, io::RingRefusal> Create(
      Shared& shared, std::shared_ptr<const session::Settings> settings, metrics::Shard& shard,
      Log& log, const io::Clock& clock, const Options& options);
  ~Worker();

  // For whom a socket listens.
  struct Clients {
    std::optional<size_t> listener = {};  // its number; null: those that ask for their settings
    bool secure = false;                  // of those
  };
  // Accepts from it, once StartAccepting was called.
  void ListenOn(const Clients& clients, io::Descriptor socket);
  void StartAccepting();
  // Closes what it listens on; all else goes on. What was accepted is served. It may listen on
  // others then.
  void StopListening();

  // Before Run: this worker probes the node and keeps its pool.
  void Keep(upstream::Cluster& cluster, upstream::Node& node);

  // Before Run: this worker finds the cluster's nodes. All outlive Run.
  const upstream::Discovery& Discover(upstream::Cluster& cluster, io::Resolver& resolver,
                                      upstream::DiscoveryOptions options,
                                      upstream::DiscoveryHost& host);

  // Before Run: its sessions ask there, and it carries what all of them ask, until somebody stops
  // that. Both outlive Run.
  void ShareUsers(shared_state::Claims& claims) { environment_->claims = &claims; }
  void Carry(shared_state::Replica& replica) { replica_ = &replica; }

  // The thread's body; returns when the worker was told to stop and its last session has ended.
  void Run();

  // Accepts no more, and ends what is idle in the pools it keeps; sessions go on.
  void StopAccepting();
  // Ends sessions whose clients are silent for so long from now on; those that have been already
  // learn it at their next command.
  void LeaveWhenSilent(io::Duration silence);
  // Ends each session at its next command boundary.
  void DrainSessions();
  // Ends every session now.
  void AbortSessions();
  // Counts and logs it.
  void NodeChanged(const balancer::Transition& transition);
  // An operator took the node down: its sessions are dropped.
  void DropNode(balancer::NodeId node);
  // Before Run: `tell` is called, on the worker's thread, when a node's health changes by what the
  // worker has seen; all workers' sessions are to look at it.
  void OnNodeChanged(std::function<void(balancer::NodeId)> tell);
  void LookAtNode(balancer::NodeId node);
  // Connections that come, and logins that begin, after it was heard of go by these
  // (NewestSettings).
  void UseSettings(std::shared_ptr<const session::Settings> base,
                   std::shared_ptr<const session::Settings> newest);
  // Likewise, what clients are told who ask for their settings.
  void UseAutoconfig(std::shared_ptr<const autoconfig::Service> service);
  // Likewise, who knows where users are.
  void UseDirectories(std::shared_ptr<Directories> directories);
  // The operator has said something else of the clusters.
  void LookAtTerms();
  // Before Run: `look` is called on the worker's thread, about once a second.
  void OnEachSecond(std::function<void()> look) { on_each_second_ = std::move(look); }
  // Before Run: `tell` is called on the worker's thread, once it was told to stop and its last
  // session has ended.
  void OnEmpty(std::function<void()> tell) { on_empty_ = std::move(tell); }
  // Likewise, of what is traced.
  void UseTraces(std::shared_ptr<const trace::Rules> rules);
  // `look` is called on the worker's thread, with all sessions that it has at that moment.
  void LookAtSessions(std::function<void(const SessionSet& sessions, io::Time now)> look);
  // Ends the user's parked connections, whichever node they are at; `tell` hears, on the worker's
  // thread, how many there were.
  void EndParked(std::string user, std::function<void(size_t)> tell);
  // Asks the directory as a login would that shows no password; `tell` hears the answer on the
  // worker's thread.
  void AskDirectory(size_t index, std::string user, std::function<void(directory::Answer)> tell);
  // Its share has changed: sessions and parked ones whose users are elsewhere now end.
  void LookAtMove(std::string move);

  io::Proactor& proactor() { return *proactor_; }
  // Nothing that is posted to it is done any more.
  bool ended() const { return ended_.load(); }
  // When the loop last came round, in nanoseconds of the clock; for /livez.
  int64_t heartbeat() const { return heartbeat_.load(std::memory_order_relaxed); }

 private:
  struct Listening {
    io::SocketId socket;
    size_t listener;  // its number
  };
  struct Served {
    Worker& worker;
    session::Session session;
  };

  Worker(Shared& shared, std::shared_ptr<const session::Settings> settings, metrics::Shard& shard,
         Log& log, const io::Clock& clock);

  io::Task<void> AcceptFrom(Listening listening);
  void Begin(const Listening& listening, const io::Accepted& accepted, session::Place place);
  static io::Task<void> Serve(std::unique_ptr<Served> served);
  tl::expected<session::Place, admission::Refusal> Admit(const session::ListenerSettings& listener,
                                                         const io::Address& peer);
  autoconfig::HttpServer::Terms TermsOfAutoconfig() const;
  io::Task<void> PassAnswer(size_t index, std::string user,
                            std::function<void(directory::Answer)> tell);
  io::Task<void> StopWhenEmpty();
  void CloseListeners();
  void EndSilent();
  void Sample();

  Shared& shared_;
  std::shared_ptr<const session::Settings> settings_;  // for new connections
  std::shared_ptr<const session::Settings> newest_;    // for logins
  std::shared_ptr<const trace::Rules> traces_ = std::make_shared<const trace::Rules>();
  metrics::Shard& shard_;
  ShardMeter meter_;
  NodeObserver observer_;
  VisitMeter visits_;
  io::SystemRandom random_;
  const io::Clock& clock_;
  std::unique_ptr<io::Proactor> proactor_;
  std::unique_ptr<io::TaskScope> accepting_;
  std::unique_ptr<io::TaskScope> keeping_;
  std::unique_ptr<io::TaskScope> serving_;
  std::unique_ptr<io::TaskScope> sharing_;
  std::unique_ptr<io::TaskScope> root_;
  admission::Seniority newcomers_;
  std::unique_ptr<WorkerLookups> lookups_;
  std::unique_ptr<session::Environment> environment_;
  std::shared_ptr<const autoconfig::Service> service_;  // null: as in Shared; likewise
  std::unique_ptr<autoconfig::HttpServer> autoconfig_;
  std::unique_ptr<io::Timer> sampler_;
  std::unique_ptr<io::Timer> leaving_timer_;
  std::unique_ptr<io::Event> stopped_;
  std::vector<Listening> listening_;
  std::vector<std::unique_ptr<upstream::Keeper>> keepers_;
  std::vector<std::unique_ptr<upstream::Prober>> probers_;
  std::vector<std::unique_ptr<upstream::Discovery>> discoveries_;
  shared_state::Replica* replica_ = nullptr;  // null: another worker carries it, or nobody
  SessionSet sessions_;
  std::function<void()> on_each_second_ = [] {};
  std::function<void()> on_empty_ = [] {};
  io::ProactorCounters sampled_;
  io::Duration silence_{};    // after which sessions end
  io::Time leaving_since_{};  // likewise
  bool stopping_ = false;
  bool draining_ = false;
  bool aborting_ = false;
  std::atomic<int64_t> heartbeat_ = 0;
  std::atomic<bool> ended_ = false;
};

}  // namespace poplar::server
