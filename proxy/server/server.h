#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <tl/expected.hpp>
#include <utility>
#include <vector>

#include "metrics/admin_server.h"
#include "metrics/exporter.h"
#include "proxy/config/config.h"
#include "proxy/handover/ghost_leases.h"
#include "proxy/handover/predecessor.h"
#include "proxy/handover/successor.h"
#include "proxy/server/admin_api.h"
#include "proxy/server/admin_tokens.h"
#include "proxy/server/build_clusters.h"
#include "proxy/server/discoveries.h"
#include "proxy/server/label_seats.h"
#include "proxy/server/listed_nodes.h"
#include "proxy/server/listeners.h"
#include "proxy/server/log.h"
#include "proxy/server/newest_settings.h"
#include "proxy/server/replicas.h"
#include "proxy/server/traces.h"
#include "proxy/server/worker.h"

namespace poplar::server {

// The running proxy: its workers, its listeners and the admin endpoint. Owned and driven by one
// thread.
class Server {
 public:
  using BuildInfo = std::vector<std::pair<std::string, std::string>>;

  // Prepare and Serve.
  static tl::expected<std::unique_ptr<Server>, std::string> Start(
      const config::Config& config, std::shared_ptr<const session::Settings> settings, Log& log,
      const io::Clock& clock, const BuildInfo& build_info);
  // Listens and starts the workers, which accept nobody yet. What can fail fails here or in Serve,
  // in one line that says what to do. `inherited`: what is listened on already.
  static tl::expected<std::unique_ptr<Server>, std::string> Prepare(
      const config::Config& config, std::shared_ptr<const session::Settings> settings, Log& log,
      const io::Clock& clock, const BuildInfo& build_info, handover::ListeningSockets inherited);
  // Accepts, and opens the admin endpoint.
  tl::expected<void, std::string> Serve();
  // Every session must have ended: Join first.
  ~Server();

  // In this order, any of them left out: say that we aren't ready, and go on; accept no more; end
  // the sessions of silent clients (Worker::LeaveWhenSilent); end sessions at a command boundary;
  // end them now.
  void BeginDrain();
  void StopAccepting();
  void LeaveWhenSilent(io::Duration silence);
  void DrainSessions();
  void AbortSessions();
  // All of that at once, and Join; for one that has never served.
  void End();

  // Takes another configuration, which has passed its checks, and in which all is as in `before`,
  // the one in force, that isn't live (config/changes.h). No session ends for it, but at nodes that
  // the operator takes down. The error is one line for the operator: all is as it was then. Blocks;
  // one thread at a time, any but a worker's.
  tl::expected<void, std::string> Reload(const config::Config& before,
                                         const config::Config& config);
  // What the admin endpoint asks for one.
  void OnReloadAsked(std::function<metrics::ReloadView()> reload);
  // For the metrics. Any thread.
  void CountReload(bool good);

  // Whether all workers have ended, and the process before this one is gone: it holds users.
  bool finished() const { return running_.load() == 0 && !followed(); }
  void Join();

  // --- from one process to the next (proxy/handover)

  // This one is the next: all that it needs is known, so that it may serve.
  bool prepared() const { return discoveries_->answered(); }
  // Before Serve: what the process before it remembers.
  void Recall(const handover::Memories& memories);
  // Behind Serve.
  void Follow(std::unique_ptr<handover::Predecessor> predecessor);
  bool followed() const { return predecessor_ != nullptr && !predecessor_->gone(); }

  // This one is the one before: where it listens, and by which key tickets are sealed (null: none).
  std::vector<Listeners::Handed> Sockets() const { return listeners_->HandOver(); }
  std::shared_ptr<const tls::TicketKeys> ticket_keys() const;
  // Nobody is accepted, the admin endpoint is closed; users are where the next process says.
  handover::Memories Suspend();
  // The next process doesn't serve after all.
  tl::expected<void, std::string> Resume();
  // It does: what is left is to drain, beginning with StopAccepting.
  void HandOver(io::ProcessChannel channel);

  // Before Serve: what an operator's wish for an upgrade comes to.
  using OnUpgrade = std::function<metrics::ApiResult<metrics::UpgradeResult>()>;
  void set_on_upgrade(OnUpgrade on_upgrade) { on_upgrade_ = std::move(on_upgrade); }

  bool Live() const;
  bool Ready() const { return ready_.load() && discoveries_->answered(); }

  // By listener, with the ports that were bound.
  const std::vector<io::Address>& addresses() const { return listeners_->addresses(); }
  // Of autoconfig.listen, likewise.
  const std::vector<io::Address>& autoconfig_addresses() const {
    return listeners_->autoconfig_addresses();
  }
  uint16_t admin_port() const { return admin_ == nullptr ? 0 : admin_->port(); }
  int64_t sessions() const { return shared_.admission.connections.sessions(); }
  size_t workers() const { return workers_.size(); }
  Worker& worker(size_t index) { return *workers_[index]; }
  const io::ChosenEngine& engine() const { return engine_; }

 private:
  Server(const config::Config& config, const BuildInfo& build_info,
         std::shared_ptr<const session::Settings> settings, std::unique_ptr<UserMaps> maps,
         std::shared_ptr<Directories> directories, std::unique_ptr<Discoveries> discoveries,
         std::unique_ptr<Replicas> replicas, Log& log, const io::Clock& clock);

  struct ReloadCounts {
    uint64_t applied = 0;
    uint64_t refused = 0;
    bool last_was_good = true;
    int64_t last_good = 0;  // Unix time in seconds
  };

  void SetLabels(const config::Config& config);
  void AddListedNodes(const config::Config& config);
  bool IsForgotten(balancer::NodeId seat) const;
  tl::expected<void, std::string> AddWorkers(const config::Config& config);
  void AddDiscoveries();
  void AddReplicas();
  void Obey(const shared_state::Word& word);
  void SetVoice(bool has_voice);
  void BuildExporter();
  tl::expected<void, std::string> StartAdmin();
  metrics::AdminHandlers Handlers();
  tl::expected<void, std::string> StartThreads();
  handover::Places PlacesNow();
  std::string MetricsText();
  void TellDirectories();
  void TellUserMaps();
  void TellDiscoveries();
  void TellTraces();
  void TellCertificates(const session::Settings& base);
  void TellReloads();
  void TellMoves(const session::Settings& base);
  metrics::Exporter::Seats NamesOnSeats() const;
  tl::expected<std::shared_ptr<const session::Settings>, std::string> BuildNext(
      const config::Config& before, const config::Config& config,
      const std::vector<ClusterPlan>& plans);
  void ApplyPlans(std::vector<ClusterPlan>& plans);
  void UseDirectories(std::shared_ptr<Directories> directories);
  void Publish(const config::Config& config,
               const std::shared_ptr<const session::Settings>& settings);
  metrics::ReloadView AskForReload() const;
  ReloadCounts reloads() const;
  std::shared_ptr<const config::Config> taken() const;
  metrics::StatusView Status() const;
  metrics::SetStateResult SetNodeState(std::string_view cluster, std::string_view node,
                                       metrics::AdminState state);
  metrics::SetStateResult SetNodeStateHere(std::string_view cluster, std::string_view node,
                                           balancer::AdminState state);
  metrics::SetMoveResult SetMove(std::string_view name, uint32_t permille);
  metrics::SetMoveResult SetMoveHere(std::string_view name, uint32_t permille);
  metrics::ApiResult<metrics::KickResult> Kick(const metrics::KickQuery& query);

  // Of the start: for what stays as it was then.
  const config::Config config_;
  const BuildInfo build_info_;
  // Of the start; for clusters and nodes, which are the same for ever. See newest_.
  const std::shared_ptr<const session::Settings> settings_;
  Log& log_;
  const io::Clock& clock_;
  io::ChosenEngine engine_;
  io::SystemRandom random_;
  Shared shared_;
  NewestSettings newest_;
  std::unique_ptr<metrics::Layout> layout_;
  std::vector<std::unique_ptr<metrics::Shard>> shards_;
  std::mutex node_gauges_mutex_;
  std::unique_ptr<metrics::Shard> node_gauges_;
  std::vector<UserMaps::Counts> maps_told_;  // of them what the metrics have; as node_gauges_
  std::vector<directory::AnswerCache::Counts> directories_told_;  // likewise
  std::vector<metrics::MoveView> moves_told_;                     // likewise
  std::vector<upstream::Discovery::Status> discoveries_told_;     // likewise
  uint64_t traces_told_ = 0;                                      // likewise
  // Those before, until no worker asks them any more; likewise.
  std::vector<std::shared_ptr<Directories>> former_directories_;
  ReloadCounts reloads_told_;        // likewise
  LabelSeats certificate_seats_{0};  // likewise
  LabelSeats move_seats_{0};         // likewise
  metrics::Exporter::Seats seats_;   // likewise; but for the nodes
  std::unique_ptr<metrics::Exporter> exporter_;
  std::vector<std::unique_ptr<ListedNodes>> listed_;  // by cluster
  std::vector<std::unique_ptr<Worker>> workers_;
  AdminTokens tokens_;
  mutable std::mutex reloads_mutex_;
  ReloadCounts reloads_;                         // guarded by reloads_mutex_, as the next
  std::shared_ptr<const config::Config> taken_;  // by the last reload; else config_
  mutable std::mutex reload_mutex_;
  std::function<metrics::ReloadView()> reload_asked_;  // guarded by reload_mutex_
  std::unique_ptr<Traces> traces_;                     // tells workers, so it goes before them
  std::unique_ptr<Discoveries> discoveries_;           // answers workers, so it goes before them
  std::unique_ptr<Replicas> replicas_;                 // likewise; null: nothing is shared
  std::vector<std::thread> threads_;
  std::unique_ptr<Listeners> listeners_;
  std::unique_ptr<handover::Successor> successor_;
  std::unique_ptr<handover::GhostLeases> ghosts_;       // claims of the successor
  std::unique_ptr<handover::Predecessor> predecessor_;  // null: there was none
  OnUpgrade on_upgrade_;
  std::unique_ptr<AdminApi> api_;
  std::unique_ptr<metrics::AdminServer> admin_;
  std::atomic<int> running_ = 0;
  std::atomic<bool> ready_ = false;
  std::atomic<bool> draining_ = false;
};

}  // namespace poplar::server
