#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <string_view>

#include "balancer/affinity.h"
#include "proxy/demo/mail_node.h"
#include "proxy/session/session.h"
#include "proxy/upstream/keeper.h"
#include "proxy/upstream/prober.h"
#include "tests/simulation/network.h"
#include "tests/simulation/sim_proactor.h"
#include "tests/unit/proxy/session/recording.h"
#include "tests/unit/proxy/upstream/driven_peer.h"
#include "tests/unit/proxy/upstream/scripted_node.h"

namespace poplar::session {

// A worker's worth of sessions in a simulated world, with a listener in the clear, the nodes behind
// it and the clients in front of it in the test's hands.
class SessionBench {
 public:
  struct Options {
    simulation::Faults faults{};
    uint64_t seed = 7;
    size_t nodes = 1;
    // Further nodes, numbered after these, are a cluster of their own called archive.
    size_t archive_nodes = 0;
    // What is different in the settings; rules for instance.
    std::function<void(Settings&)> edit = {};
    Lookups* lookups = nullptr;
    Successor* successor = nullptr;
    Meter* meter = nullptr;  // null: the bench's own
    bool shared_storage = false;
    // The nodes serve this store, instead of answering as scripted.
    demo::MailStore* store = nullptr;
    demo::MailNodeOptions mail_node{};
    Timeouts timeouts{};
    upstream::UpstreamTimeouts upstream{};
    // Nothing is kept, and a node that fails is out for this login only: what the tests of plain
    // sessions expect.
    balancer::PoolLimits pool{.warm = 0, .max_snapshot_age = io::Duration(0)};
    io::Duration pool_wait = std::chrono::seconds(15);
    balancer::HealthRules health = OneStrike();
    bool affinity = true;
    upstream::LoginRules login{.in_use_retries = 0};
    upstream::ResumeRules resume{.enabled = false};
    ListenerSettings listener{.login = {.require_tls = false}};  // its name and cluster are set
    admission::Policy admission{};
    ClusterPolicy cluster{};
    // Whether somebody keeps the pools and probes the nodes, as a worker does.
    bool keepers = false;
    bool probers = false;
    // With a store: the nodes speak TLS, and Poplar to them.
    bool node_tls = false;
  };
  static balancer::HealthRules OneStrike();

  SessionBench() : SessionBench(Options{}) {}
  explicit SessionBench(const Options& options);
  // Ends what is left and checks that nothing leaks.
  ~SessionBench();

  // By NodeId. Only without a store.
  upstream::ScriptedNode& node(size_t index) { return nodes_[index]; }
  // The nodes in the user's order of preference.
  std::vector<size_t> Preferred(std::string_view user) const;
  void FreezeMailNode(size_t index, bool frozen) { mail_machines_[index].proactor.Freeze(frozen); }
  void KillMailNode(size_t index) { mail_machines_[index].proactor.Kill(); }
  demo::MailNode& mail_node(size_t index) { return mail_machines_[index].node; }
  // Sessions that the node still has, of those it ever had.
  size_t OpenAtNode(size_t index);

  // A client that has the greeting, which is forgotten.
  upstream::DrivenPeer& Connect();
  // One that talks to the node itself; only with a store.
  upstream::DrivenPeer& ConnectToNode(size_t index);
  // The same, but says `first` before it looks at anything.
  upstream::DrivenPeer& ConnectAndSay(std::string_view first);
  // Sends it and lets happen what follows; what came back.
  std::string Ask(upstream::DrivenPeer& client, std::string_view bytes);
  // USER and PASS; the answer to PASS.
  std::string LogIn(upstream::DrivenPeer& client, std::string_view user = "alice",
                    std::string_view password = "secret");

  void Settle(io::Duration most = std::chrono::milliseconds(200));
  // Poplar's one worker does nothing for so long; the world goes on.
  void StandStill(io::Duration how_long);
  bool Run(const std::function<bool()>& predicate, io::Duration most);
  // Until no session is left; the last one's record.
  const Record& RunToEnd(io::Duration most = std::chrono::seconds(5));

  upstream::Cluster& cluster() { return *cluster_; }
  upstream::Node& pool_of(size_t node) { return *cluster_->nodes[node]; }

  const std::set<Session*>& sessions() const { return sessions_; }
  void DrainAll();
  // A drain is about to begin, and goes on until nobody is silent any more: as a worker does it.
  void LeaveAll(io::Duration silence);
  void AbortAll();
  // As an operator's word does it.
  void SetAdmin(size_t node, balancer::AdminState state);
  // As evidence that others have found, and as the server makes it known.
  void TakeOut(size_t node);
  // The keepers and probers; as when Poplar stops.
  void StopKeeping();
  io::Time Now() const { return world_.Now(); }
  simulation::Network& network() { return network_; }
  simulation::SimProactor& poplar() { return poplar_; }
  Environment& environment() { return *environment_; }
  const Settings& settings() const { return *settings_; }
  balancer::Affinity& affinity() { return affinity_; }

  admission::Admission admission{4711};
  admission::Seniority newcomers;
  RecordingLog log;
  RecordingMeter meter;
  RecordingObserver observer;

 private:
  struct MailMachine {
    MailMachine(simulation::Network& network, const io::Address& host, const Options& options);
    io::Task<void> ServeTls(io::SocketId listener);
    io::Task<void> ServeOne(io::SocketId socket);
    bool idle() const { return proactor.open_sockets() == 0 && scope.count() == 0; }
    void Stop();

    simulation::SimProactor proactor;
    demo::MailNode node;
    std::shared_ptr<const tls::ServerContext> tls;  // null: in the clear
    io::TaskScope scope{proactor.ready()};
    io::SocketId listener{};
  };

  void BuildSettings();
  std::shared_ptr<upstream::Cluster> BuildCluster(size_t index);
  io::Task<void> AcceptAll(io::SocketId listener);
  io::Task<void> Serve(io::Accepted accepted);
  void BeginKeeping();
  bool Idle() const;
  void EndIdle();

  const Options options_;
  simulation::World world_;
  simulation::Network network_;
  simulation::SimProactor poplar_;
  simulation::SimProactor client_machine_;
  std::deque<upstream::ScriptedNode> nodes_;
  std::deque<MailMachine> mail_machines_;
  std::deque<upstream::DrivenPeer> clients_;
  std::shared_ptr<Settings> settings_ = std::make_shared<Settings>();
  std::shared_ptr<upstream::Cluster> cluster_;
  balancer::Affinity affinity_;
  std::unique_ptr<tls::KeyedDigest> digest_;
  std::unique_ptr<tls::Sealer> sealer_;
  io::TaskScope scope_{poplar_.ready()};
  io::TaskScope accepting_{poplar_.ready()};
  io::TaskScope keeping_{poplar_.ready()};
  std::vector<std::unique_ptr<upstream::Keeper>> keepers_;
  std::vector<std::unique_ptr<upstream::Prober>> probers_;
  std::unique_ptr<Environment> environment_;
  io::SocketId listener_{};
  std::set<Session*> sessions_;
};

}  // namespace poplar::session
