#include "proxy/server/server.h"

#include <algorithm>
#include <system_error>

#include "proxy/config/address_text.h"
#include "proxy/server/build_autoconfig.h"
#include "proxy/server/build_routing.h"
#include "proxy/server/choose_engine.h"
#include "proxy/server/cpus.h"
#include "proxy/server/move_views.h"

namespace poplar::server {
namespace {

// A loop that hasn't come round for so long hangs: /livez says so, and Kubernetes restarts the
// process.
constexpr io::Duration kStuckAfter = std::chrono::seconds(30);

}  // namespace

Server::Server(const config::Config& config, const BuildInfo& build_info,
               std::shared_ptr<const session::Settings> settings, std::unique_ptr<UserMaps> maps,
               std::shared_ptr<Directories> directories, std::unique_ptr<Discoveries> discoveries,
               std::unique_ptr<Replicas> replicas, Log& log, const io::Clock& clock)
    : config_(config),
      build_info_(build_info),
      settings_(std::move(settings)),
      log_(log),
      clock_(clock),
      shared_(random_, replicas == nullptr ? random_.Next() : replicas->penalty_key(),
              std::move(maps), std::move(directories)),
      newest_(settings_),
      maps_told_(kUserMapsMax),
      directories_told_(shared_.directories->size()),
      discoveries_told_(discoveries->tasks().size()),
      taken_(std::make_shared<config::Config>(config)),
      discoveries_(std::move(discoveries)),
      replicas_(std::move(replicas)),
      successor_(std::make_unique<handover::Successor>(shared_.affinity, PlacesNow())),
      ghosts_(std::make_unique<handover::GhostLeases>(shared_.affinity, PlacesNow(), *successor_)) {
  shared_.successor = successor_.get();
  reloads_.last_good = clock_.UnixMicros() / 1'000'000;
}

// Who waits for an answer of the next process gets one first.
Server::~Server() {
  Join();
  successor_->Disconnect();
  predecessor_.reset();
  ghosts_.reset();
  shared_.directories->Close();
  for (const auto& former : former_directories_) former->Close();
}

tl::expected<std::unique_ptr<Server>, std::string> Server::Start(
    const config::Config& config, std::shared_ptr<const session::Settings> settings, Log& log,
    const io::Clock& clock, const BuildInfo& build_info) {
  auto server = Prepare(config, std::move(settings), log, clock, build_info, {});
  if (!server) return server;
  if (auto served = (*server)->Serve(); !served) {
    (*server)->End();
    return tl::unexpected(served.error());
  }
  return server;
}

tl::expected<std::unique_ptr<Server>, std::string> Server::Prepare(
    const config::Config& config, std::shared_ptr<const session::Settings> settings, Log& log,
    const io::Clock& clock, const BuildInfo& build_info, handover::ListeningSockets inherited) {
  auto engine = ChooseEngine(config.io, log);
  if (!engine) return tl::unexpected(engine.error());
  auto maps = UserMaps::Load(UserMapFiles(config));
  if (!maps) return tl::unexpected(maps.error());
  auto directories = Directories::Build(config, clock, log);
  if (!directories) return tl::unexpected(directories.error());
  auto discoveries = Discoveries::Build(config);
  if (!discoveries) return tl::unexpected(discoveries.error());
  auto replicas = Replicas::Build(config);
  if (!replicas) return tl::unexpected(replicas.error());
  auto autoconfig = BuildAutoconfig(config);
  if (!autoconfig) return tl::unexpected(autoconfig.error());
  std::unique_ptr<Server> server(
      new Server(config, build_info, std::move(settings), std::move(*maps), std::move(*directories),
                 std::move(*discoveries), std::move(*replicas), log, clock));
  server->shared_.autoconfig = std::move(*autoconfig);
  server->engine_ = std::move(*engine);
  server->SetLabels(config);
  server->AddListedNodes(config);
  auto done = server->AddWorkers(config);
  if (done) server->AddDiscoveries();
  if (done) server->AddReplicas();
  if (done) server->BuildExporter();
  server->listeners_ = std::make_unique<Listeners>(server->config_, server->workers_, log);
  if (done) done = server->listeners_->Open(std::move(inherited));
  if (done) done = server->StartThreads();
  if (!done) return tl::unexpected(done.error());
  return server;
}

tl::expected<void, std::string> Server::Serve() {
  auto done = StartAdmin();
  if (!done) return done;
  listeners_->StartAccepting();
  SetVoice(true);
  ready_ = true;
  return {};
}

void Server::End() {
  StopAccepting();
  if (replicas_ != nullptr) replicas_->Stop();
  AbortSessions();
  Join();
}

tl::expected<void, std::string> Server::AddWorkers(const config::Config& config) {
  const int count = config.workers > 0 ? config.workers : UsableCpus();
  const Worker::Options options{
      .engine = engine_.engine,
      .buffer_bytes_max = config.limits.buffer_memory.bytes / static_cast<size_t>(count)};
  for (int i = 0; i < count; ++i) {
    shards_.push_back(std::make_unique<metrics::Shard>(*layout_));
    auto worker = Worker::Create(shared_, settings_, *shards_.back(), log_, clock_, options);
    if (!worker) return tl::unexpected(worker.error().text);
    workers_.push_back(std::move(*worker));
    workers_.back()->UseSettings(newest_.Base(), newest_.Get());
    workers_.back()->OnNodeChanged([this](balancer::NodeId node) {
      for (const std::unique_ptr<Worker>& each : workers_) each->LookAtNode(node);
      if (replicas_ != nullptr) replicas_->LookAtNodes();
    });
  }
  shards_.front()->GaugeSet(metrics::kIoEngineInfo, 1, metrics::IoEngine{0});
  traces_ = std::make_unique<Traces>(config.trace, clock_, log_, [this](const auto& rules) {
    for (const std::unique_ptr<Worker>& worker : workers_) worker->UseTraces(rules);
  });
  // Each node has its keeper; they are spread over the workers.
  size_t next = 0;
  for (const auto& cluster : settings_->clusters) {
    for (const auto& node : cluster->nodes)
      workers_[next++ % workers_.size()]->Keep(*cluster, *node);
  }
  workers_.front()->OnEachSecond([this] {
    for (const auto& listed : listed_)
      listed->Vacate([this](auto seat) { return IsForgotten(seat); });
  });
  return {};
}

void Server::AddListedNodes(const config::Config& config) {
  for (size_t i = 0; i < config.clusters.size(); ++i) {
    const config::ClusterConfig& from = config.clusters[i];
    upstream::Cluster& cluster = *settings_->clusters[i];
    std::vector<NodePlan> at_start;
    for (size_t k = 0; k < from.nodes.size(); ++k) {
      const io::Address& address = cluster.nodes[k]->endpoint()->address;
      at_start.push_back({.name = from.nodes[k].name,
                          .weight = static_cast<uint32_t>(from.nodes[k].weight),
                          .admin = AdminOf(from.nodes[k].state),
                          .print = EndpointPrint(config, from, from.nodes[k], address)});
    }
    listed_.push_back(std::make_unique<ListedNodes>(cluster, at_start));
  }
}

bool Server::IsForgotten(balancer::NodeId seat) const {
  return !newest_.Knows(seat) && !shared_.affinity.AnyOn(seat);
}

void Server::AddDiscoveries() {
  newest_.OnPublished([this](const auto& base, const auto& newest) {
    for (const std::unique_ptr<Worker>& worker : workers_) worker->UseSettings(base, newest);
  });
  discoveries_->Connect(newest_, shared_.affinity, log_, [this](balancer::NodeId seat) {
    exporter_->SatDown(metrics::Node{static_cast<uint16_t>(seat)});
  });
  size_t next = 0;
  for (Discoveries::Task& task : discoveries_->tasks()) {
    upstream::Cluster& cluster = *settings_->clusters[task.cluster];
    task.running = &workers_[next++ % workers_.size()]->Discover(cluster, *task.resolver,
                                                                 task.options, *discoveries_);
    log_.Info("cluster " + cluster.name + ": asking for its nodes by the name of " +
              task.options.name + "; not ready until they are known");
  }
}

void Server::BuildExporter() {
  std::vector<const metrics::Shard*> shards;
  shards.reserve(shards_.size());
  for (const std::unique_ptr<metrics::Shard>& shard : shards_) shards.push_back(shard.get());
  node_gauges_ = std::make_unique<metrics::Shard>(*layout_);
  shards.push_back(node_gauges_.get());
  exporter_ = std::make_unique<metrics::Exporter>(*layout_, std::move(shards), build_info_,
                                                  [this] { return NamesOnSeats(); });
}

tl::expected<void, std::string> Server::StartAdmin() {
  if (!config_.admin.enabled) return {};
  const auto address = config::ParseHostPort(config_.admin.address);
  if (!address) return tl::unexpected("admin.address: " + address.error());
  if (api_ == nullptr) {
    auto tokens = AdminTokens::Read(config_.admin, shared_.digest);
    if (!tokens) return tl::unexpected(tokens.error());
    tokens_.Use(std::move(*tokens));
    api_ = std::make_unique<AdminApi>(AdminApi::Parts{.config = config_,
                                                      .newest = newest_,
                                                      .shared = shared_,
                                                      .workers = workers_,
                                                      .exporter = *exporter_,
                                                      .traces = *traces_,
                                                      .addresses = listeners_->addresses(),
                                                      .log = log_,
                                                      .clock = clock_,
                                                      .build_info = build_info_});
  }
  auto admin = metrics::AdminServer::Start({address->host, address->port}, Handlers());
  if (!admin) return tl::unexpected("admin.address: " + admin.error());
  admin_ = std::move(*admin);
  return {};
}

metrics::AdminHandlers Server::Handlers() {
  return {
      .metrics = [this] { return MetricsText(); },
      .live = [this] { return Live(); },
      .ready = [this] { return Ready(); },
      .tokens = [this] { return tokens_.Get(); },
      .nodes = [this] { return api_->Nodes(); },
      .set_state = [this](std::string_view cluster, std::string_view node,
                          metrics::AdminState state) { return SetNodeState(cluster, node, state); },
      .moves = [this] { return ViewMoves(*newest_.Base()); },
      .set_move = [this](std::string_view name,
                         uint32_t permille) { return SetMove(name, permille); },
      .status = [this] { return Status(); },
      .sessions = [this](const metrics::SessionQuery& query) { return api_->Sessions(query); },
      .kick = [this](const metrics::KickQuery& query) { return Kick(query); },
      .route = [this](const metrics::RouteQuery& query) { return api_->Route(query); },
      .trace = [this](const metrics::TraceQuery& query) { return api_->Trace(query); },
      .traces = [this] { return traces_->List(); },
      .untrace = [this](uint64_t id) { return traces_->Stop(id); },
      .upgrade = on_upgrade_,
      .reload = [this] { return AskForReload(); }};
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
      End();
      return tl::unexpected(std::string("cannot start a worker's thread: ") + error.what() +
                            ". Raise the limit on threads (TasksMax= in the systemd unit, the "
                            "container's pids limit), or lower workers.");
    }
  }
  return {};
}

metrics::StatusView Server::Status() const {
  metrics::StatusView status = api_->Status();
  status.io = io::NameOf(engine_.engine);
  status.io_note = FallbackNote(engine_);
  status.ready = Ready();
  status.draining = draining_.load();
  if (replicas_ != nullptr) status.shared_state = replicas_->StatusText();
  return status;
}

bool Server::Live() const {
  const int64_t now = clock_.Now().time_since_epoch().count();
  return std::all_of(workers_.begin(), workers_.end(), [&](const std::unique_ptr<Worker>& worker) {
    const int64_t last = worker->heartbeat();
    return last == 0 || now - last < kStuckAfter.count();
  });
}

void Server::BeginDrain() {
  ready_ = false;
  draining_ = true;
}

void Server::StopAccepting() {
  BeginDrain();
  listeners_->Close();
  SetVoice(false);
  for (const std::unique_ptr<Worker>& worker : workers_) worker->StopAccepting();
  discoveries_->Stop();
}

void Server::LeaveWhenSilent(io::Duration silence) {
  for (const std::unique_ptr<Worker>& worker : workers_) worker->LeaveWhenSilent(silence);
}

void Server::DrainSessions() {
  for (const std::unique_ptr<Worker>& worker : workers_) worker->DrainSessions();
}

void Server::AbortSessions() {
  if (predecessor_ != nullptr) predecessor_->Leave();
  for (const std::unique_ptr<Worker>& worker : workers_) worker->AbortSessions();
}

void Server::Join() {
  for (std::thread& thread : threads_) {
    if (thread.joinable()) thread.join();
  }
}

}  // namespace poplar::server
