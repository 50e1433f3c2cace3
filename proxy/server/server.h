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
#include "proxy/server/admin_api.h"
#include "proxy/server/discoveries.h"
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

  // Listens and starts the workers. Everything that can fail fails here, in one line that says what
  // to do.
  static tl::expected<std::unique_ptr<Server>, std::string> Start(
      const config::Config& config, std::shared_ptr<const session::Settings> settings, Log& log,
      const io::Clock& clock, const BuildInfo& build_info);
  // Every session must have ended: Join first.
  ~Server();

  // In this order: accept no more; end sessions at a command boundary; end them now.
  void StopAccepting();
  void DrainSessions();
  void AbortSessions();

  // Whether all workers have ended.
  bool finished() const { return running_.load() == 0; }
  void Join();

  // By listener, with the ports that were bound.
  const std::vector<io::Address>& addresses() const { return addresses_; }
  // Of autoconfig.listen, likewise.
  const std::vector<io::Address>& autoconfig_addresses() const { return autoconfig_addresses_; }
  uint16_t admin_port() const { return admin_ == nullptr ? 0 : admin_->port(); }
  int64_t sessions() const { return shared_.admission.connections.sessions(); }
  size_t workers() const { return workers_.size(); }
  Worker& worker(size_t index) { return *workers_[index]; }
  std::string kernel_features() const { return workers_.front()->proactor().features().Text(); }

 private:
  Server(std::shared_ptr<const session::Settings> settings, std::unique_ptr<UserMaps> maps,
         std::unique_ptr<Resolvers> resolvers, std::unique_ptr<Directories> directories,
         std::unique_ptr<Discoveries> discoveries, std::unique_ptr<Replicas> replicas, Log& log,
         const io::Clock& clock);

  tl::expected<void, std::string> AddWorkers(const config::Config& config);
  void AddDiscoveries();
  void AddReplicas();
  void Obey(const shared_state::Word& word);
  tl::expected<void, std::string> Listen(const config::Config& config);
  tl::expected<void, std::string> ListenForAutoconfig(const config::AutoconfigConfig& config);
  tl::expected<void, std::string> StartAdmin(const config::Config& config,
                                             const BuildInfo& build_info);
  tl::expected<void, std::string> StartThreads();
  bool Live() const;
  bool Ready() const { return ready_.load() && discoveries_->answered(); }
  std::string MetricsText();
  void TellDirectories();
  void TellUserMaps();
  void TellDiscoveries();
  void TellTraces();
  metrics::Exporter::Names NamesOfNodes() const;
  metrics::StatusView Status() const;
  metrics::SetStateResult SetNodeState(std::string_view cluster, std::string_view node,
                                       metrics::AdminState state);
  metrics::SetStateResult SetNodeStateHere(std::string_view cluster, std::string_view node,
                                           balancer::AdminState state);
  metrics::SetMoveResult SetMove(std::string_view name, uint32_t permille);
  metrics::SetMoveResult SetMoveHere(std::string_view name, uint32_t permille);
  metrics::ApiResult<metrics::KickResult> Kick(const metrics::KickQuery& query);

  const std::shared_ptr<const session::Settings> settings_;
  Log& log_;
  const io::Clock& clock_;
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
  std::unique_ptr<metrics::Exporter> exporter_;
  std::vector<std::unique_ptr<Worker>> workers_;
  std::unique_ptr<Traces> traces_;            // tells workers, so it goes before them
  std::unique_ptr<Discoveries> discoveries_;  // answers workers, so it goes before them
  std::unique_ptr<Resolvers> resolvers_;      // the directories'; likewise
  std::unique_ptr<Replicas> replicas_;        // likewise; null: nothing is shared
  std::vector<std::thread> threads_;
  std::vector<io::Address> addresses_;
  std::unique_ptr<AdminApi> api_;
  std::vector<io::Address> autoconfig_addresses_;
  std::unique_ptr<metrics::AdminServer> admin_;
  std::atomic<int> running_ = 0;
  std::atomic<bool> ready_ = false;
  std::atomic<bool> draining_ = false;
};

}  // namespace poplar::server
