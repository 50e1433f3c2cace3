#include <chrono>
#include <utility>

#include "metrics/instruments.h"
#include "metrics/move_gauges.h"
#include "metrics/node_gauges.h"
#include "proxy/server/build_clusters.h"
#include "proxy/server/move_views.h"
#include "proxy/server/node_views.h"
#include "proxy/server/server.h"

// What a scrape is told of what all workers share.
namespace poplar::server {
namespace {

// Certificates and moves that reloads may add before their series need another start.
constexpr size_t kSpareLabels = 16;

metrics::Dimensions DimensionsOf(const config::Config& config, const io::ChosenEngine& engine) {
  metrics::Dimensions dimensions;
  dimensions.io_engines = {{std::string(io::NameOf(engine.engine)), std::string(engine.reason())}};
  for (const config::ListenerConfig& listener : config.listeners)
    dimensions.listeners.push_back(listener.name);
  for (const config::ClusterConfig& cluster : config.clusters) {
    dimensions.clusters.push_back(cluster.name);
    if (cluster.discovery.enabled()) dimensions.discovered.push_back(cluster.name);
    for (uint32_t i = 0; i < SeatsOf(cluster); ++i) dimensions.nodes.push_back({cluster.name, {}});
  }
  // Seats, all of them.
  dimensions.user_maps.resize(kUserMapsMax);
  dimensions.moves.resize(config.moves.size() + kSpareLabels);
  dimensions.certificates.resize(config.tls.certificates.size() + kSpareLabels);
  for (const config::DirectoryConfig& directory : config.directories)
    dimensions.directories.push_back(directory.name);
  if (config.shared_state.enabled()) dimensions.shared_states = {config.shared_state.redis};
  AddSessionDimensions(dimensions);
  return dimensions;
}

}  // namespace

void Server::SetLabels(const config::Config& config) {
  const metrics::Dimensions dimensions = DimensionsOf(config, engine_);
  certificate_seats_ = LabelSeats(dimensions.certificates.size());
  move_seats_ = LabelSeats(dimensions.moves.size());
  moves_told_.resize(dimensions.moves.size());
  layout_ = std::make_unique<metrics::Layout>(dimensions);
}

// What workers share is looked at when somebody asks.
std::string Server::MetricsText() {
  const std::lock_guard lock(node_gauges_mutex_);
  const auto base = newest_.Base();
  metrics::SetNodeGauges(*node_gauges_, ViewNodes(*base, clock_.Now()));
  TellUserMaps();
  TellDirectories();
  TellDiscoveries();
  TellTraces();
  TellCertificates(*base);
  TellReloads();
  TellMoves(*base);
  if (replicas_ != nullptr) replicas_->TellMetrics(*node_gauges_);
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

void Server::TellCertificates(const session::Settings& base) {
  seats_ = {};
  seats_.certificates.resize(certificate_seats_.size());
  const auto files = api_ == nullptr ? nullptr : api_->config();
  if (base.tls == nullptr || files == nullptr) return;
  const auto& facts = base.tls->certificates();
  // The demo has one of its own, without a file.
  for (size_t i = 0; i < facts.size() && i < files->tls.certificates.size(); ++i) {
    const std::string& file = files->tls.certificates[i].certificate;
    const auto seat = certificate_seats_.Of(file);
    if (!seat) continue;
    seats_.certificates[*seat] = file;
    node_gauges_->GaugeSet(metrics::kCertificateNotAfter, facts[i].not_after,
                           metrics::Certificate{static_cast<uint16_t>(*seat)});
  }
}

void Server::TellMoves(const session::Settings& base) {
  std::vector<metrics::MoveView> views = ViewMoves(base);
  seats_.moves.resize(move_seats_.size());
  std::erase_if(views, [this](metrics::MoveView& view) {
    const auto seat = move_seats_.Of(view.name);
    if (!seat) return true;
    view.label = metrics::Move{static_cast<uint16_t>(*seat)};
    seats_.moves[*seat] = view.name;
    return false;
  });
  metrics::SetMoveGauges(*node_gauges_, views, moves_told_);
}

void Server::TellReloads() {
  const ReloadCounts now = reloads();
  const ReloadCounts before = std::exchange(reloads_told_, now);
  metrics::Shard& shard = *node_gauges_;
  shard.Add(metrics::kConfigReloads, now.applied - before.applied, metrics::LoadResult::kOk);
  shard.Add(metrics::kConfigReloads, now.refused - before.refused, metrics::LoadResult::kRefused);
  shard.GaugeSet(metrics::kConfigLastReloadOk, now.last_was_good ? 1 : 0);
  shard.GaugeSet(metrics::kConfigLastReload, now.last_good);
}

// With node_gauges_mutex_: asked by MetricsText alone.
metrics::Exporter::Seats Server::NamesOnSeats() const {
  metrics::Exporter::Seats seats = seats_;
  seats.nodes.resize(settings_->upstream_nodes.size());
  for (const auto& cluster : settings_->clusters) {
    for (const auto& node : cluster->nodes) {
      if (cluster->IsTaken(*node))
        seats.nodes[static_cast<size_t>(node->id)] = upstream::NameInCluster(*node->endpoint());
    }
  }
  for (size_t i = 0; i < shared_.maps->size(); ++i)
    seats.user_maps.push_back(shared_.maps->file(i));
  return seats;
}

void Server::TellDirectories() {
  std::erase_if(former_directories_, [](const auto& former) { return former.use_count() == 1; });
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
  for (size_t i = 0; i < shared_.maps->size(); ++i) {
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

}  // namespace poplar::server
