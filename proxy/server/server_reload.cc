#include <chrono>
#include <utility>

#include "proxy/server/build_autoconfig.h"
#include "proxy/server/build_clusters.h"
#include "proxy/server/build_routing.h"
#include "proxy/server/build_settings.h"
#include "proxy/server/server.h"

// What another configuration changes while all runs.
namespace poplar::server {
namespace {

template <class T>
using Built = tl::expected<T, std::string>;

// The list stays as it was meant until the reload is over, whatever comes of it.
class PlannedNodes {
 public:
  explicit PlannedNodes(std::vector<std::unique_ptr<ListedNodes>>& listed) : listed_(listed) {}
  ~PlannedNodes() {
    for (const auto& each : listed_) each->Done();
  }
  PlannedNodes(const PlannedNodes&) = delete;
  PlannedNodes& operator=(const PlannedNodes&) = delete;

 private:
  std::vector<std::unique_ptr<ListedNodes>>& listed_;
};

std::string UnseatedText(const std::string& cluster, const std::vector<std::string>& names) {
  std::string text = "cluster " + cluster + ": there is no room for";
  for (size_t i = 0; i < names.size(); ++i) text.append(i == 0 ? " " : ", ").append(names[i]);
  return text +
         ": as many nodes may be added to a running Poplar as it had at its start, and those that "
         "have left count until their last session has ended; start Poplar anew";
}

}  // namespace

metrics::ReloadView Server::AskForReload() const {
  const std::lock_guard lock(reload_mutex_);
  if (reload_asked_) return reload_asked_();
  return {.applied = false,
          .changes = {},
          .report = "There is no configuration file to take anew, or Poplar is about to stop.\n"};
}

void Server::OnReloadAsked(std::function<metrics::ReloadView()> reload) {
  const std::lock_guard lock(reload_mutex_);
  reload_asked_ = std::move(reload);
}

void Server::CountReload(bool good) {
  const std::lock_guard lock(reloads_mutex_);
  ++(good ? reloads_.applied : reloads_.refused);
  reloads_.last_was_good = good;
  if (good) reloads_.last_good = clock_.UnixMicros() / 1'000'000;
}

Server::ReloadCounts Server::reloads() const {
  const std::lock_guard lock(reloads_mutex_);
  return reloads_;
}

std::shared_ptr<const config::Config> Server::taken() const {
  const std::lock_guard lock(reloads_mutex_);
  return taken_;
}

// Whatever can go wrong does so before anything has changed.
tl::expected<void, std::string> Server::Reload(const config::Config& before,
                                               const config::Config& config) {
  auto plans = PlanClusters(config);
  if (!plans) return tl::unexpected(plans.error());
  auto autoconfig = BuildAutoconfig(config);
  if (!autoconfig) return tl::unexpected(autoconfig.error());
  auto tokens = AdminTokens::Read(config.admin, shared_.digest);
  if (!tokens) return tl::unexpected(tokens.error());
  std::shared_ptr<Directories> directories;
  if (!shared_.directories->FitTo(config)) {
    auto built = Directories::Build(config, clock_, log_);
    if (!built) return tl::unexpected(built.error());
    directories = std::move(*built);
  }
  const PlannedNodes planned(listed_);
  auto settings = BuildNext(before, config, *plans);
  if (!settings) return tl::unexpected(settings.error());

  log_.Use(config.log);
  traces_->Use(config.trace);
  tokens_.Use(std::move(*tokens));
  if (directories != nullptr) UseDirectories(std::move(directories));
  ApplyPlans(*plans);
  Publish(config, *settings);
  if (shared_.autoconfig != nullptr && *autoconfig != nullptr) {
    (*autoconfig)->connections = shared_.autoconfig->connections;
    for (const std::unique_ptr<Worker>& worker : workers_) worker->UseAutoconfig(*autoconfig);
  }
  return {};
}

Built<std::shared_ptr<const session::Settings>> Server::BuildNext(
    const config::Config& before, const config::Config& config,
    const std::vector<ClusterPlan>& plans) {
  const auto base = newest_.Base();
  NewParts parts;
  const bool own_keys = base->tls != nullptr && before.tls.ticket_key_file.empty();
  auto tls = BuildTls(config.tls, own_keys ? base->tls->ticket_keys() : nullptr);
  if (!tls) return tl::unexpected(tls.error());
  parts.tls = std::move(*tls);
  const std::vector<std::string> files = UserMapFiles(config);
  const size_t maps = shared_.maps->size();
  auto added = shared_.maps->Add(files);
  if (shared_.maps->size() > maps) shared_.maps->Watch(log_);
  if (!added) return tl::unexpected(added.error());
  for (size_t i = 0; i < shared_.maps->size(); ++i)
    parts.user_maps.push_back(shared_.maps->file(i));
  for (size_t i = 0; i < plans.size(); ++i) {
    ListedNodes::Seated seated = listed_[i]->Plan(plans[i].nodes);
    if (!seated.unseated.empty())
      return tl::unexpected(UnseatedText(config.clusters[i].name, seated.unseated));
    auto& addresses = parts.addresses.emplace_back();
    for (const NodePlan& node : plans[i].nodes) addresses.push_back(node.endpoint->address);
    parts.nodes.push_back(std::move(seated.nodes));
  }
  return RebuildSettings(config, *base, parts);
}

// What was counted of those before is told first.
void Server::UseDirectories(std::shared_ptr<Directories> directories) {
  for (const std::unique_ptr<Worker>& worker : workers_) worker->UseDirectories(directories);
  const std::lock_guard lock(node_gauges_mutex_);
  TellDirectories();
  former_directories_.push_back(std::exchange(shared_.directories, std::move(directories)));
  directories_told_.assign(shared_.directories->size(), {});
}

void Server::ApplyPlans(std::vector<ClusterPlan>& plans) {
  const balancer::Moment now = clock_.Now().time_since_epoch();
  for (size_t i = 0; i < plans.size(); ++i) {
    upstream::Cluster& cluster = *settings_->clusters[i];
    cluster.set_terms(std::move(plans[i].terms));
    cluster.health.SetRules(plans[i].health);
    const ListedNodes::Applied applied = listed_[i]->Apply(plans[i].nodes, now);
    for (const balancer::NodeId seat : applied.came)
      exporter_->SatDown(metrics::Node{static_cast<uint16_t>(seat)});
    for (const balancer::Transition& each : applied.transitions)
      workers_.front()->NodeChanged(each);
    for (const balancer::NodeId node : applied.down) {
      for (const std::unique_ptr<Worker>& worker : workers_) worker->DropNode(node);
    }
  }
  for (const std::unique_ptr<Worker>& worker : workers_) worker->LookAtTerms();
}

void Server::Publish(const config::Config& config,
                     const std::shared_ptr<const session::Settings>& settings) {
  const auto before = newest_.Base();
  newest_.SetBase(settings);
  if (api_ != nullptr) api_->Use(config);
  {
    const std::lock_guard lock(reloads_mutex_);
    taken_ = std::make_shared<config::Config>(config);
  }
  balancer::Moves* const moves = settings->moves.get();
  for (size_t i = 0; moves != nullptr && before->moves != nullptr && i < moves->size(); ++i) {
    if (moves->HasNewShare(*before->moves, i))
      (void)SetMoveHere(moves->rule(i).name, moves->rule(i).permille);
  }
}

}  // namespace poplar::server
