#include "proxy/server/server.h"

#include <algorithm>
#include <cstring>
#include <system_error>

#include "balancer/credential_digest.h"
#include "metrics/instruments.h"
#include "metrics/move_gauges.h"
#include "metrics/move_page.h"
#include "metrics/node_gauges.h"
#include "proxy/config/address_text.h"
#include "proxy/config/password_file.h"
#include "proxy/server/build_autoconfig.h"
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
    if (!cluster.discovery.enabled()) continue;
    dimensions.discovered.push_back(cluster.name);
    for (int i = 0; i < cluster.discovery.max_nodes; ++i)
      dimensions.nodes.push_back({cluster.name, {}});
  }
  dimensions.user_maps = UserMapFiles(config);
  for (const config::MoveConfig& move : config.moves) dimensions.moves.push_back(move.name);
  for (const config::DirectoryConfig& directory : config.directories)
    dimensions.directories.push_back(directory.name);
  if (config.shared_state.enabled()) dimensions.shared_states = {config.shared_state.redis};
  for (const config::CertificateConfig& files : config.tls.certificates) {
    dimensions.certificates.push_back(files.certificate);
  }
  AddSessionDimensions(dimensions);
  return dimensions;
}

// And no vacant seat.
bool HasNode(const upstream::Cluster& cluster, const upstream::Node& node) {
  return cluster.health.seat(node.id) != balancer::Seating::State::kVacant;
}

// Whether a token is the one in the file, of which only a digest is kept; empty without a file.
tl::expected<std::function<bool(std::string_view)>, std::string> TokenCheck(
    const std::string& file, const char* setting, const tls::KeyedDigest& digest) {
  if (file.empty()) return std::function<bool(std::string_view)>();
  auto token = config::ReadPasswordFile(file);
  if (!token) return tl::unexpected(std::string(setting) + ": " + file + " " + token.error());
  const balancer::CredentialDigest expected{digest.Of(setting, *token)};
  explicit_bzero(token->data(), token->size());
  return [&digest, setting, expected](std::string_view shown) {
    return expected.Matches({digest.Of(setting, shown)});
  };
}

// `who`: whose address it is.
std::string ListenFault(const std::string& who, const std::string& address,
                        const io::Error& error) {
  std::string text = who + ": cannot listen on " + address + ": " + error.Text();
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
               std::unique_ptr<Resolvers> resolvers, std::unique_ptr<Directories> directories,
               std::unique_ptr<Discoveries> discoveries, std::unique_ptr<Replicas> replicas,
               Log& log, const io::Clock& clock)
    : settings_(std::move(settings)),
      log_(log),
      clock_(clock),
      shared_(random_, replicas == nullptr ? random_.Next() : replicas->penalty_key(),
              std::move(maps), std::move(directories)),
      newest_(settings_),
      maps_told_(shared_.maps->size()),
      directories_told_(shared_.directories->size()),
      moves_told_(settings_->moves == nullptr ? 0 : settings_->moves->size()),
      discoveries_told_(discoveries->tasks().size()),
      discoveries_(std::move(discoveries)),
      resolvers_(std::move(resolvers)),
      replicas_(std::move(replicas)) {}

Server::~Server() { Join(); }

tl::expected<std::unique_ptr<Server>, std::string> Server::Start(
    const config::Config& config, std::shared_ptr<const session::Settings> settings, Log& log,
    const io::Clock& clock, const BuildInfo& build_info) {
  auto maps = UserMaps::Load(UserMapFiles(config));
  if (!maps) return tl::unexpected(maps.error());
  auto resolvers = std::make_unique<Resolvers>();
  auto directories = Directories::Build(config, clock, *resolvers, log);
  if (!directories) return tl::unexpected(directories.error());
  auto discoveries = Discoveries::Build(config);
  if (!discoveries) return tl::unexpected(discoveries.error());
  auto replicas = Replicas::Build(config, *resolvers);
  if (!replicas) return tl::unexpected(replicas.error());
  auto autoconfig = BuildAutoconfig(config);
  if (!autoconfig) return tl::unexpected(autoconfig.error());
  std::unique_ptr<Server> server(new Server(
      std::move(settings), std::move(*maps), std::move(resolvers), std::move(*directories),
      std::move(*discoveries), std::move(*replicas), log, clock));
  server->shared_.autoconfig = std::move(*autoconfig);
  server->layout_ = std::make_unique<metrics::Layout>(DimensionsOf(config));
  auto done = server->AddWorkers(config);
  if (done) server->AddDiscoveries();
  if (done) server->AddReplicas();
  if (done) done = server->Listen(config);
  if (done) done = server->ListenForAutoconfig(config.autoconfig);
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
      if (replicas_ != nullptr) replicas_->LookAtNodes();
    });
  }
  traces_ = std::make_unique<Traces>(config.trace, clock_, log_, [this](const auto& rules) {
    for (const std::unique_ptr<Worker>& worker : workers_) worker->UseTraces(rules);
  });
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

void Server::AddDiscoveries() {
  newest_.OnPublished([this](const auto& newest) {
    for (const std::unique_ptr<Worker>& worker : workers_) worker->UseSettings(newest);
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
      if (!bound)
        return tl::unexpected(
            ListenFault("listener " + listener.name, listener.address, bound.error()));
      addresses_.back() = *bound;
    }
  }
  return {};
}

tl::expected<void, std::string> Server::ListenForAutoconfig(
    const config::AutoconfigConfig& config) {
  for (const config::AutoconfigListenConfig& listen : config.listen) {
    const auto parsed = config::ParseHostPort(listen.address);
    const auto address = parsed ? io::Address::Parse(parsed->host, parsed->port) : std::nullopt;
    if (!address)
      return tl::unexpected("autoconfig.listen: " + listen.address + " is no IP address and port");
    autoconfig_addresses_.push_back(*address);
    for (const std::unique_ptr<Worker>& worker : workers_) {
      const io::Result<io::Address> bound =
          worker->ListenForAutoconfig(autoconfig_addresses_.back(), listen.tls);
      if (!bound)
        return tl::unexpected(ListenFault("autoconfig.listen", listen.address, bound.error()));
      autoconfig_addresses_.back() = *bound;
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
  exporter_ = std::make_unique<metrics::Exporter>(*layout_, std::move(shards), build_info,
                                                  [this] { return NamesOfNodes(); });
  if (!config.admin.enabled) return {};
  const auto address = config::ParseHostPort(config.admin.address);
  if (!address) return tl::unexpected("admin.address: " + address.error());
  auto may_read = TokenCheck(config.admin.read_token_file, "admin.read_token_file", shared_.digest);
  if (!may_read) return tl::unexpected(may_read.error());
  auto may_change =
      TokenCheck(config.admin.write_token_file, "admin.write_token_file", shared_.digest);
  if (!may_change) return tl::unexpected(may_change.error());
  api_ = std::make_unique<AdminApi>(AdminApi::Parts{.config = config,
                                                    .settings = *settings_,
                                                    .newest = newest_,
                                                    .shared = shared_,
                                                    .workers = workers_,
                                                    .exporter = *exporter_,
                                                    .traces = *traces_,
                                                    .addresses = addresses_,
                                                    .log = log_,
                                                    .clock = clock_,
                                                    .build_info = build_info});
  auto admin = metrics::AdminServer::Start(
      {address->host, address->port},
      {.metrics = [this] { return MetricsText(); },
       .live = [this] { return Live(); },
       .ready = [this] { return Ready(); },
       .may_read = std::move(*may_read),
       .may_change = std::move(*may_change),
       .nodes = [this] { return api_->Nodes(); },
       .set_state = [this](
                        std::string_view cluster, std::string_view node,
                        metrics::AdminState state) { return SetNodeState(cluster, node, state); },
       .moves = [this] { return ViewMoves(*settings_); },
       .set_move = [this](std::string_view name,
                          uint32_t permille) { return SetMove(name, permille); },
       .status = [this] { return Status(); },
       .sessions = [this](const metrics::SessionQuery& query) { return api_->Sessions(query); },
       .kick = [this](const metrics::KickQuery& query) { return Kick(query); },
       .route = [this](const metrics::RouteQuery& query) { return api_->Route(query); },
       .trace = [this](const metrics::TraceQuery& query) { return api_->Trace(query); },
       .traces = [this] { return traces_->List(); },
       .untrace = [this](uint64_t id) { return traces_->Stop(id); }});
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

metrics::StatusView Server::Status() const {
  metrics::StatusView status = api_->Status();
  status.ready = Ready();
  status.draining = draining_.load();
  if (replicas_ != nullptr) status.shared_state = replicas_->StatusText();
  return status;
}

metrics::SetStateResult Server::SetNodeState(std::string_view cluster, std::string_view node,
                                             metrics::AdminState state) {
  const balancer::AdminState wanted = state == metrics::AdminState::kUp ? balancer::AdminState::kUp
                                      : state == metrics::AdminState::kDrain
                                          ? balancer::AdminState::kDrain
                                          : balancer::AdminState::kDown;
  const auto result = SetNodeStateHere(cluster, node, wanted);
  if (result == metrics::SetStateResult::kOk && replicas_ != nullptr) {
    replicas_->Say({.kind = shared_state::Word::Kind::kNode,
                    .subject = std::string(cluster).append(1, '/').append(node),
                    .state = wanted});
  }
  return result;
}

metrics::SetStateResult Server::SetNodeStateHere(std::string_view cluster, std::string_view node,
                                                 balancer::AdminState wanted) {
  const auto found = settings_->nodes->FindCluster(cluster);
  if (!found) return metrics::SetStateResult::kUnknownNode;
  upstream::Cluster& owner = settings_->ClusterOf(*found);
  for (const auto& member : owner.nodes) {
    if (upstream::NameInCluster(*member->endpoint()) != node || !HasNode(owner, *member)) continue;
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
  const auto result = SetMoveHere(name, permille);
  if (result == metrics::SetMoveResult::kOk && replicas_ != nullptr) {
    replicas_->Say({.kind = shared_state::Word::Kind::kMove,
                    .subject = std::string(name),
                    .permille = permille});
  }
  return result;
}

metrics::SetMoveResult Server::SetMoveHere(std::string_view name, uint32_t permille) {
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
  TellDirectories();
  TellDiscoveries();
  TellTraces();
  if (replicas_ != nullptr) replicas_->TellMetrics(*node_gauges_);
  metrics::SetMoveGauges(*node_gauges_, ViewMoves(*settings_), moves_told_);
  return exporter_->Text();
}

void Server::TellTraces() {
  const uint64_t dropped = traces_->dropped();
  node_gauges_->GaugeSet(metrics::kTraces, static_cast<int64_t>(traces_->List().size()));
  node_gauges_->Add(metrics::kTraceLinesDropped, dropped - std::exchange(traces_told_, dropped));
}

void Server::TellDiscoveries() {
  using metrics::LookupResult;
  for (size_t i = 0; i < discoveries_told_.size(); ++i) {
    const upstream::Discovery::Status now = discoveries_->tasks()[i].running->status();
    const upstream::Discovery::Status before = std::exchange(discoveries_told_[i], now);
    const metrics::Discovered label{static_cast<uint16_t>(i)};
    metrics::Shard& shard = *node_gauges_;
    shard.Add(metrics::kDiscoveryLookups, now.ok - before.ok, label, LookupResult::kOk);
    shard.Add(metrics::kDiscoveryLookups, now.not_found - before.not_found, label,
              LookupResult::kNotFound);
    shard.Add(metrics::kDiscoveryLookups, now.failed - before.failed, label, LookupResult::kFailed);
    shard.GaugeSet(metrics::kDiscoveryNodes, now.nodes, label);
    shard.GaugeSet(metrics::kDiscoveryLeaving, now.leaving, label);
    shard.GaugeSet(metrics::kDiscoveryUnseated, now.unseated, label);
    if (!now.answered) continue;
    const auto age =
        std::chrono::duration_cast<std::chrono::seconds>(clock_.Now() - now.last_answer);
    shard.GaugeSet(metrics::kDiscoveryLastAnswer, clock_.UnixMicros() / 1'000'000 - age.count(),
                   label);
  }
}

metrics::Exporter::Names Server::NamesOfNodes() const {
  metrics::Exporter::Names names(settings_->upstream_nodes.size());
  for (const auto& cluster : settings_->clusters) {
    for (const auto& node : cluster->nodes) {
      if (HasNode(*cluster, *node))
        names[static_cast<size_t>(node->id)] = upstream::NameInCluster(*node->endpoint());
    }
  }
  return names;
}

void Server::TellDirectories() {
  using metrics::DirectoryAnswer;
  for (size_t i = 0; i < directories_told_.size(); ++i) {
    const directory::AnswerCache::Counts now = shared_.directories->cache(i).counts();
    const directory::AnswerCache::Counts before = std::exchange(directories_told_[i], now);
    const metrics::Directory label{static_cast<uint16_t>(i)};
    metrics::Shard& shard = *node_gauges_;
    shard.Add(metrics::kDirectoryAnswers, now.asked - before.asked, label, DirectoryAnswer::kAsked);
    shard.Add(metrics::kDirectoryAnswers, now.fresh - before.fresh, label, DirectoryAnswer::kKept);
    shard.Add(metrics::kDirectoryAnswers, now.stale - before.stale, label, DirectoryAnswer::kStale);
    shard.Add(metrics::kDirectoryAnswers, now.merged - before.merged, label,
              DirectoryAnswer::kMerged);
  }
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
  draining_ = true;
  for (const std::unique_ptr<Worker>& worker : workers_) worker->StopAccepting();
  discoveries_->Stop();
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
