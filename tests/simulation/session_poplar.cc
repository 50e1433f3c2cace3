#include "tests/simulation/session_poplar.h"

#include <algorithm>
#include <string>
#include <utility>

#include "tests/simulation/session_mail.h"

namespace poplar::simulation {
namespace {

const io::Address kHost = *io::Address::Parse("10.0.0.1", 0);
const io::Address kProberHost = *io::Address::Parse("10.0.0.2", 0);

}  // namespace

SessionPoplar::SessionPoplar(Network& network, const SessionRules& rules, SessionMistake mistake,
                             size_t nodes)
    : world_(network.world()),
      network_(network),
      rules_(rules),
      queues_(world_, rules),
      health_(world_, rules, nodes),
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
  upstream::Cluster& cluster = *settings_->clusters.front();
  for (size_t i = 0; i < cluster.nodes.size(); ++i) {
    upstream::Node& node = *cluster.nodes[i];
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

void SessionPoplar::StopAccepting() {
  if (std::exchange(stopped_, true)) return;
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
  upstream::Cluster& cluster = *settings_->clusters.front();
  const balancer::NodeId node = cluster.nodes[number]->id;
  const auto changed = cluster.health.SetAdmin(node, state, world_.Now().time_since_epoch());
  if (changed) health_.NodeChanged(*changed);
  if (state != balancer::AdminState::kDown) return;
  dropped_node_ = true;
  for (SessionWorker& worker : workers_) {
    worker.proactor().PostFromAnyThread([&worker, node] { worker.DropNode(node); });
  }
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
  for (const upstream::Node* node : settings_->upstream_nodes) {
    const size_t open = network_.OpenBetween(kHost, node->endpoint()->address);
    if (rules_.pool.size > 0 && open > rules_.pool.size) {
      world_.Fail(std::to_string(open) + " connections to " + node->endpoint()->name +
                  ", which has " + std::to_string(rules_.pool.size) + " slots");
    }
    world_.Require(open <= node->pool.counts().in_use, "a connection without a slot");
  }
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
  health_.JudgeEnd();
  for (SessionWorker& worker : workers_) worker.MustBeClean();
  probers_.clear();
  prober_machine_.MustBeIdle();
}

}  // namespace poplar::simulation
