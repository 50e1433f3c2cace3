#include "proxy/server/server.h"

#include <algorithm>
#include <system_error>

#include "metrics/instruments.h"
#include "metrics/move_gauges.h"
#include "metrics/move_page.h"
#include "metrics/node_gauges.h"
#include "proxy/config/address_text.h"
#include "proxy/server/build_routing.h"
#include "proxy/server/cpus.h"
#include "proxy/server/move_views.h"
#include "proxy/server/node_views.h"

namespace poplar::server {
namespace {

// A loop that hasn't come round for so long hangs: /livez says so, and Kubernetes restarts the
// process.
constexpr io::Duration kStuckAfter = std::chrono::seconds(30);

metrics::Dimensions DimensionsOf(const config::Config& config) {
  metrics::Dimensions dimensions;
  for (const config::ListenerConfig& listener : config.listeners)
    dimensions.listeners.push_back(listener.name);
  for (const config::ClusterConfig& cluster : config.clusters) {
    dimensions.clusters.push_back(cluster.name);
    for (const config::NodeConfig& node : cluster.nodes)
      dimensions.nodes.push_back({cluster.name, node.name});
  }
  dimensions.user_maps = UserMapFiles(config);
  for (const config::MoveConfig& move : config.moves) dimensions.moves.push_back(move.name);
  for (const config::CertificateConfig& files : config.tls.certificates) {
    dimensions.certificates.push_back(files.certificate);
  }
  AddSessionDimensions(dimensions);
  return dimensions;
}

std::string ListenFault(const config::ListenerConfig& listener, const io::Error& error) {
  std::string text =
      "listener " + listener.name + ": cannot listen on " + listener.address + ": " + error.Text();
  if (error.code == EADDRINUSE)
    text += ". Another program has this port: stop it, or choose another port.";
  if (error.code == EACCES) {
    text +=
        ". Ports below 1024 need a right: run under systemd with "
        "AmbientCapabilities=CAP_NET_BIND_SERVICE, or as root.";
  }
  if (error.code == EADDRNOTAVAIL) text += ". No interface of this machine has that address.";
  return text;
}

}  // namespace

Server::Server(std::shared_ptr<const session::Settings> settings, std::unique_ptr<UserMaps> maps,
               std::unique_ptr<Directories> directories, Log& log, const io::Clock& clock)
    : settings_(std::move(settings)),
      log_(log),
      clock_(clock),
      shared_(random_, std::move(maps), std::move(directories)),
      maps_told_(shared_.maps->size()),
      moves_told_(settings_->moves == nullptr ? 0 : settings_->moves->size()) {}

Server::~Server() { Join(); }

tl::expected<std::unique_ptr<Server>, std::string> Server::Start(
    const config::Config& config, std::shared_ptr<const session::Settings> settings, Log& log,
    const io::Clock& clock, const BuildInfo& build_info) {
  auto maps = UserMaps::Load(UserMapFiles(config));
  if (!maps) return tl::unexpected(maps.error());
  auto directories = Directories::Build(config);
  if (!directories) return tl::unexpected(directories.error());
  std::unique_ptr<Server> server(
      new Server(std::move(settings), std::move(*maps), std::move(*directories), log, clock));
  server->layout_ = std::make_unique<metrics::Layout>(DimensionsOf(config));
  auto done = server->AddWorkers(config);
  if (done) done = server->Listen(config);
  if (done) done = server->StartAdmin(config, build_info);
  if (done) done = server->StartThreads();
  if (!done) return tl::unexpected(done.error());
  return server;
}

tl::expected<void, std::string> Server::AddWorkers(const config::Config& config) {
  const int count = config.workers > 0 ? config.workers : UsableCpus();
  const Worker::Options options{.buffer_bytes_max =
                                    config.limits.buffer_memory.bytes / static_cast<size_t>(count)};
  for (int i = 0; i < count; ++i) {
    shards_.push_back(std::make_unique<metrics::Shard>(*layout_));
    auto worker = Worker::Create(shared_, settings_, *shards_.back(), log_, clock_, options);
    if (!worker) return tl::unexpected(worker.error().text);
    workers_.push_back(std::move(*worker));
    workers_.back()->OnNodeChanged([this](balancer::NodeId node) {
      for (const std::unique_ptr<Worker>& each : workers_) each->LookAtNode(node);
    });
  }
  // Each node has its keeper; they are spread over the workers.
  size_t next = 0;
  for (const auto& cluster : settings_->clusters) {
    for (const auto& node : cluster->nodes)
      workers_[next++ % workers_.size()]->Keep(*cluster, *node);
  }
  for (size_t i = 0; settings_->tls != nullptr && i < settings_->tls->certificates().size(); ++i) {
    if (i >= config.tls.certificates.size()) break;
    shards_.front()->GaugeSet(metrics::kCertificateNotAfter,
                              settings_->tls->certificates()[i].not_after,
                              metrics::Certificate{static_cast<uint16_t>(i)});
  }
  return {};
}

tl::expected<void, std::string> Server::Listen(const config::Config& config) {
  for (size_t i = 0; i < config.listeners.size(); ++i) {
    const config::ListenerConfig& listener = config.listeners[i];
    const auto parsed = config::ParseHostPort(listener.address);
    const auto address = parsed ? io::Address::Parse(parsed->host, parsed->port) : std::nullopt;
    if (!address)
      return tl::unexpected("listener " + listener.name + ": " + listener.address +
                            " is no IP address and port");
    addresses_.push_back(*address);
    for (const std::unique_ptr<Worker>& worker : workers_) {
      // The first worker's socket takes a free port for all when the configuration says 0.
      const io::Result<io::Address> bound =
          worker->Listen(settings_->listeners[i], addresses_.back());
      if (!bound) return tl::unexpected(ListenFault(listener, bound.error()));
      addresses_.back() = *bound;
    }
  }
  return {};
}

tl::expected<void, std::string> Server::StartAdmin(const config::Config& config,
                                                   const BuildInfo& build_info) {
  std::vector<const metrics::Shard*> shards;
  shards.reserve(shards_.size());
  for (const std::unique_ptr<metrics::Shard>& shard : shards_) shards.push_back(shard.get());
  node_gauges_ = std::make_unique<metrics::Shard>(*layout_);
  shards.push_back(node_gauges_.get());
  exporter_ = std::make_unique<metrics::Exporter>(*layout_, std::move(shards), build_info);
  if (!config.admin.enabled) return {};
  const auto address = config::ParseHostPort(config.admin.address);
  if (!address) return tl::unexpected("admin.address: " + address.error());
  auto admin = metrics::AdminServer::Start(
      {address->host, address->port},
      {.metrics = [this] { return MetricsText(); },
       .live = [this] { return Live(); },
       .ready = [this] { return ready_.load(); },
       .nodes = [this] { return ViewNodes(*settings_, clock_.Now()); },
       .set_state = [this](
                        std::string_view cluster, std::string_view node,
                        metrics::AdminState state) { return SetNodeState(cluster, node, state); },
       .moves = [this] { return ViewMoves(*settings_); },
       .set_move = [this](std::string_view name,
                          uint32_t permille) { return SetMove(name, permille); }});
  if (!admin) return tl::unexpected("admin.address: " + admin.error());
  admin_ = std::move(*admin);
  return {};
}

tl::expected<void, std::string> Server::StartThreads() {
  shared_.maps->Watch(log_);
  threads_.reserve(workers_.size());
  for (const std::unique_ptr<Worker>& worker : workers_) {
    ++running_;
    try {
      threads_.emplace_back([this, &worker] {
        worker->Run();
        --running_;
      });
    } catch (const std::system_error& error) {
      StopAccepting();
      AbortSessions();
      Join();
      return tl::unexpected(std::string("cannot start a worker's thread: ") + error.what() +
                            ". Raise the limit on threads (TasksMax= in the systemd unit, the "
                            "container's pids limit), or lower workers.");
    }
  }
  ready_ = true;
  return {};
}

metrics::SetStateResult Server::SetNodeState(std::string_view cluster, std::string_view node,
                                             metrics::AdminState state) {
  const auto found = settings_->nodes->FindCluster(cluster);
  if (!found) return metrics::SetStateResult::kUnknownNode;
  upstream::Cluster& owner = settings_->ClusterOf(*found);
  for (const auto& member : owner.nodes) {
    if (settings_->nodes->FindNode(member->id)->name != node) continue;
    const balancer::AdminState wanted =
        state == metrics::AdminState::kUp      ? balancer::AdminState::kUp
        : state == metrics::AdminState::kDrain ? balancer::AdminState::kDrain
                                               : balancer::AdminState::kDown;
    const auto changed = owner.health.SetAdmin(member->id, wanted, clock_.Now().time_since_epoch());
    if (changed) workers_.front()->NodeChanged(*changed);
    for (const std::unique_ptr<Worker>& worker : workers_) {
      if (wanted == balancer::AdminState::kDown) worker->DropNode(member->id);
    }
    return metrics::SetStateResult::kOk;
  }
  return metrics::SetStateResult::kUnknownNode;
}

metrics::SetMoveResult Server::SetMove(std::string_view name, uint32_t permille) {
  balancer::Moves* const moves = settings_->moves.get();
  const auto move = moves == nullptr ? std::nullopt : moves->Find(name);
  if (!move) return metrics::SetMoveResult::kUnknownMove;
  const std::string before = metrics::PercentText(moves->permille(*move));
  moves->SetPermille(*move, permille);
  for (const std::unique_ptr<Worker>& worker : workers_) worker->LookAtMove(*move);
  log_.Info("move " + std::string(name) + ": " + metrics::PercentText(permille) +
            " percent of its users are moved; before it were " + before);
  return metrics::SetMoveResult::kOk;
}

// What workers share is looked at when somebody asks.
std::string Server::MetricsText() {
  const std::lock_guard lock(node_gauges_mutex_);
  metrics::SetNodeGauges(*node_gauges_, ViewNodes(*settings_, clock_.Now()));
  TellUserMaps();
  metrics::SetMoveGauges(*node_gauges_, ViewMoves(*settings_), moves_told_);
  return exporter_->Text();
}

void Server::TellUserMaps() {
  for (size_t i = 0; i < maps_told_.size(); ++i) {
    const UserMaps::Counts now = shared_.maps->counts(i);
    const UserMaps::Counts before = std::exchange(maps_told_[i], now);
    const metrics::UserMap label{static_cast<uint16_t>(i)};
    node_gauges_->GaugeSet(metrics::kUserMapUsers, static_cast<int64_t>(now.users), label);
    node_gauges_->Add(metrics::kUserMapLoads, now.loaded - before.loaded, label,
                      metrics::LoadResult::kOk);
    node_gauges_->Add(metrics::kUserMapLoads, now.refused - before.refused, label,
                      metrics::LoadResult::kRefused);
  }
}

bool Server::Live() const {
  const int64_t now = clock_.Now().time_since_epoch().count();
  return std::all_of(workers_.begin(), workers_.end(), [&](const std::unique_ptr<Worker>& worker) {
    const int64_t last = worker->heartbeat();
    return last == 0 || now - last < kStuckAfter.count();
  });
}

void Server::StopAccepting() {
  ready_ = false;
  for (const std::unique_ptr<Worker>& worker : workers_) worker->StopAccepting();
}

void Server::DrainSessions() {
  for (const std::unique_ptr<Worker>& worker : workers_) worker->DrainSessions();
}

void Server::AbortSessions() {
  for (const std::unique_ptr<Worker>& worker : workers_) worker->AbortSessions();
}

void Server::Join() {
  for (std::thread& thread : threads_) {
    if (thread.joinable()) thread.join();
  }
}

}  // namespace poplar::server
