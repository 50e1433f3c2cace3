#include "tests/simulation/session_poplar.h"

#include <algorithm>
#include <string>
#include <utility>

#include "tests/simulation/session_mail.h"
#include "tests/simulation/session_node.h"

namespace poplar::simulation {
namespace {

const io::Address kHost = *io::Address::Parse("10.0.0.1", 0);
const io::Address kProberHost = *io::Address::Parse("10.0.0.2", 0);

}  // namespace

SessionPoplar::SessionPoplar(Network& network, const SessionRules& rules, SessionMistake mistake,
                             const Places& places)
    : world_(network.world()),
      network_(network),
      rules_(rules),
      places_(places),
      queues_(world_, rules),
      health_(world_, rules, places),
      log_(mistake),
      meter_(world_, rules, queues_),
      key_(world_.Stream("digest key")),
      digest_(key_),
      sealer_(key_),
      saboteur_(mistake, digest_),
      prober_machine_(network, "prober", kProberHost),
      probing_(prober_machine_.ready()) {
  const SessionWorker::Shared shared{affinity_, digest_, sealer_, key_.Next(),
                                     log_,      meter_,  health_, admission_};
  for (size_t i = 0; i < kPoplarWorkers; ++i) {
    workers_.emplace_back(network, "poplar " + std::to_string(i), kHost, shared, mistake);
  }
  health_.set_node_at([this](balancer::NodeId id) { return NodeAt(id); });
  health_.set_on_change([this](balancer::NodeId node) {
    for (SessionWorker& worker : workers_)
      worker.proactor().PostFromAnyThread([&worker, node] { worker.LookAtNode(node); });
  });
  world_.Join(*this);
}

SessionPoplar::~SessionPoplar() { world_.Leave(*this); }

void SessionPoplar::Start(std::shared_ptr<const session::Settings> settings,
                          std::vector<std::string> users) {
  settings_ = std::move(settings);
  for (SessionWorker& worker : workers_) worker.Start(settings_);
  for (size_t i = 0; i < settings_->upstream_nodes.size(); ++i) {
    upstream::Node& node = *settings_->upstream_nodes[i];
    upstream::Cluster& cluster = ClusterOf(node.id);
    workers_[i % kPoplarWorkers].Keep(cluster, node);
    probers_.push_back(std::make_unique<upstream::Prober>(prober_machine_, cluster, node, health_));
    probing_.Spawn(probers_.back()->Run());
  }
  meter_.set_on_parked([this](balancer::NodeId node) {
    saboteur_.OnParked(
        *settings_, settings_->NodeOf(node), world_.Now(),
        [this](balancer::NodePool::Idle idle) { workers_.front().Retire(std::move(idle)); });
  });
  saboteur_.Begin(*settings_, std::move(users), std::string(SessionMail::kPassword),
                  std::string(SessionMail::kWrongPassword));
}

void SessionPoplar::Discover(NameServer& names) {
  names_ = &names;
  const auto publishes = [this](const std::shared_ptr<const session::Settings>& newest) {
    for (SessionWorker& worker : workers_)
      worker.proactor().PostFromAnyThread([&worker, newest] { worker.UseSettings(newest); });
  };
  discovery_ = std::make_unique<SessionDiscovery>(
      world_, places_, names, affinity_, settings_, publishes,
      [this](balancer::NodeId seat) { health_.OnSatDown(seat); });
  SessionWorker& worker = workers_.back();
  worker.Discover(discovery_->Start(worker.proactor(), health_));
}

// By its name, as logs and metrics show it.
std::optional<size_t> SessionPoplar::NodeAt(balancer::NodeId id) const {
  if (ClusterOf(id).health.seat(id) == balancer::Seating::State::kVacant) return std::nullopt;
  const auto endpoint = settings_->NodeOf(id).endpoint();
  const auto found =
      std::find(places_.names.begin(), places_.names.end(), upstream::NameInCluster(*endpoint));
  if (found == places_.names.end()) return std::nullopt;
  return static_cast<size_t>(found - places_.names.begin());
}

upstream::Cluster& SessionPoplar::ClusterOf(balancer::NodeId id) const {
  const auto has = [id](const auto& cluster) {
    return std::any_of(cluster->nodes.begin(), cluster->nodes.end(),
                       [id](const auto& node) { return node->id == id; });
  };
  return **std::find_if(settings_->clusters.begin(), settings_->clusters.end(), has);
}

void SessionPoplar::StopAccepting() {
  if (std::exchange(stopped_, true)) return;
  if (names_ != nullptr) names_->Stop();
  for (SessionWorker& worker : workers_) worker.StopAccepting();
  for (const auto& prober : probers_) prober->Stop();
}

void SessionPoplar::Drain() {
  world_.Log(machine().actor(), "drains");
  StopAccepting();
  draining_ = true;
  for (SessionWorker& worker : workers_) worker.Drain();
}

void SessionPoplar::Abort() {
  world_.Log(machine().actor(), "aborts its sessions");
  StopAccepting();
  aborted_ = true;
  for (SessionWorker& worker : workers_) worker.Abort();
}

void SessionPoplar::SetAdmin(size_t number, balancer::AdminState state) {
  const auto& all = settings_->upstream_nodes;
  const auto found = std::find_if(
      all.begin(), all.end(), [&](const upstream::Node* one) { return NodeAt(one->id) == number; });
  if (found == all.end()) return;
  const balancer::NodeId node = (*found)->id;
  const auto changed =
      ClusterOf(node).health.SetAdmin(node, state, world_.Now().time_since_epoch());
  if (changed) health_.NodeChanged(*changed);
  if (state != balancer::AdminState::kDown) return;
  dropped_node_ = true;
  for (SessionWorker& worker : workers_) {
    worker.proactor().PostFromAnyThread([&worker, node] { worker.DropNode(node); });
  }
}

void SessionPoplar::SetShare(uint32_t permille) {
  world_.Log(machine().actor(), "moves users, in thousandths", -1, permille);
  settings_->moves->SetPermille(0, permille);
  for (SessionWorker& worker : workers_)
    worker.proactor().PostFromAnyThread([&worker] { worker.LookAtMove(0); });
}

void SessionPoplar::Freeze(bool frozen) {
  for (SessionWorker& worker : workers_) worker.proactor().Freeze(frozen);
  prober_machine_.Freeze(frozen);
}

void SessionPoplar::FreezeWorker(size_t worker, bool frozen) {
  workers_[worker].proactor().Freeze(frozen);
}

bool SessionPoplar::idle() const {
  return probing_.count() == 0 &&
         std::all_of(workers_.begin(), workers_.end(),
                     [](const SessionWorker& worker) { return worker.idle(); });
}

void SessionPoplar::Poke() {
  for (SessionWorker& worker : workers_) worker.MustKeepBounds();
  if (std::exchange(dials_seen_, network_.dials()) != network_.dials()) MustKeepSlots();
  if (++pokes_ % 64 != 0 || settings_ == nullptr) return;
  size_t holders = 0;
  for (const SessionWorker& worker : workers_) holders += worker.tasks();
  for (const upstream::Node* node : settings_->upstream_nodes)
    holders += node->pool.counts().parked;
  world_.Require(affinity_.Users() <= holders, "more leases than sessions");
}

// As the network sees it: what has been dialled and not closed.
void SessionPoplar::MustKeepSlots() {
  if (settings_ == nullptr) return;
  for (size_t node = 0; node < places_.names.size(); ++node) MustKeepSlots(node);
}

void SessionPoplar::MustKeepSlots(size_t node) {
  size_t open = 0;
  const int removals = names_ == nullptr ? 0 : names_->removals(node);
  for (int i = 0; i <= removals; ++i)
    open += network_.OpenBetween(kHost, SessionNode::AddressOf(node, i));
  if (open == 0) return;
  if (rules_.pool.size > 0 && open > rules_.pool.size) {
    world_.Fail(std::to_string(open) + " connections to " + places_.names[node] + ", which has " +
                std::to_string(rules_.pool.size) + " slots");
  }
  size_t in_use = 0;
  for (const upstream::Node* one : settings_->upstream_nodes) {
    if (NodeAt(one->id) == node) in_use += one->pool.counts().in_use;
  }
  world_.Require(open <= in_use, "a connection without a slot");
}

void SessionPoplar::MustBeClean() {
  world_.Require(idle(), "a session is left");
  world_.Require(affinity_.Users() == 0, "a lease is left");
  world_.Require(meter_.sessions() == 0, "a session's end was not counted once");
  world_.Require(meter_.node_sessions() == 0, "a node's session was not counted off once");
  size_t accepted = 0;
  for (const SessionWorker& worker : workers_) accepted += worker.accepted();
  world_.Require(log_.records().size() == accepted, "not one record for each session");
  for (const upstream::Node* node : settings_->upstream_nodes) {
    const balancer::NodePool::Counts counts = node->pool.counts();
    world_.Require(counts.in_use == 0, "a slot did not come back");
    world_.Require(counts.waiting + counts.warm + counts.parked == 0, "a pool is not empty");
  }
  if (settings_->moves != nullptr) {
    const balancer::Moves::Counts& counts = settings_->moves->counts(0);
    world_.Require(counts.waiting == 0 && counts.ending == 0, "a move still waits for somebody");
  }
  if (discovery_ != nullptr) discovery_->End();
  health_.JudgeEnd();
  for (SessionWorker& worker : workers_) worker.MustBeClean();
  probers_.clear();
  prober_machine_.MustBeIdle();
}

}  // namespace poplar::simulation
