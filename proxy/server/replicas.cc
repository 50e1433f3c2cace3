#include "proxy/server/replicas.h"

#include <cstring>
#include <utility>

#include "metrics/instruments.h"
#include "proxy/config/address_text.h"
#include "proxy/config/password_file.h"
#include "proxy/server/kick.h"

namespace poplar::server {
namespace {

using shared_state::Word;

tl::expected<pop3::Secret, std::string> ReadPassword(const std::string& file) {
  if (file.empty()) return pop3::Secret();
  auto password = config::ReadPasswordFile(file);
  if (!password)
    return tl::unexpected("shared_state.password_file: " + file + " " + password.error());
  pop3::Secret secret(*password);
  pop3::Wipe(password->data(), password->size());
  return secret;
}

uint64_t PenaltyKeyOf(const shared_state::ReplicaSettings& settings) {
  const pop3::Secret& password = settings.store.password;
  const tls::KeyedDigest digest(password.empty() ? std::string_view(settings.prefix)
                                                 : password.Expose());
  const auto bytes = digest.Of("the key of what counts against passwords", {});
  uint64_t key = 0;
  std::memcpy(&key, bytes.data(), sizeof key);
  return key;
}

}  // namespace

tl::expected<std::unique_ptr<Replicas>, std::string> Replicas::Build(const config::Config& config) {
  const config::SharedStateConfig& from = config.shared_state;
  if (!from.enabled()) return nullptr;
  const auto address = config::ParseHostPort(from.redis);
  if (!address) return tl::unexpected("shared_state.redis: " + address.error());
  auto password = ReadPassword(from.password_file);
  if (!password) return tl::unexpected(password.error());
  shared_state::ReplicaSettings settings{
      .store = {.host = address->host, .port = address->port, .database = from.database},
      .text = "Redis at " + from.redis,
      .prefix = from.prefix,
      .timeout = from.timeout,
      .lease = from.lease};
  settings.store.password = std::move(*password);
  std::unique_ptr<Replicas> replicas(new Replicas(std::move(settings)));
  if (address->kind == config::HostPort::Kind::kName) {
    auto resolver = replicas->resolvers_.For({});
    if (!resolver) return tl::unexpected("shared_state.redis: " + resolver.error());
    replicas->share_.store.resolver = *resolver;
  }
  return replicas;
}

Replicas::Replicas(shared_state::ReplicaSettings settings)
    : share_(std::move(settings)), penalty_key_(PenaltyKeyOf(share_)) {}

Replicas::~Replicas() {
  if (shared_ != nullptr) shared_->admission.penalty.OnCounted({});
}

void Replicas::Connect(Shared& shared, const NewestSettings& newest,
                       const std::vector<std::unique_ptr<Worker>>& workers, Log& log, Obey obey) {
  shared_ = &shared;
  newest_ = &newest;
  workers_ = &workers;
  log_ = &log;
  obey_ = std::move(obey);
  (void)Nodes();
  shared_state::Host& self = *this;
  replica_ = std::make_unique<shared_state::Replica>(workers.front()->proactor(), share_,
                                                     shared.affinity, self);
  for (const std::unique_ptr<Worker>& worker : workers) {
    gates_.push_back(std::make_unique<shared_state::ClaimGate>(worker->proactor(), *replica_));
    worker->ShareUsers(*gates_.back());
    worker->OnEmpty([this] {
      if (--working_ == 0) Stop();
    });
  }
  working_ = workers.size();
  workers.front()->Carry(*replica_);
  shared.admission.penalty.OnCounted(
      [this](const admission::PenaltyNote& note) { replica_->Note(note); });
}

void Replicas::Stop() {
  workers_->front()->proactor().PostFromAnyThread([this] {
    replica_->Stop();
    resolvers_.Stop();
  });
}

std::vector<shared_state::Host::Node> Replicas::Nodes() {
  std::vector<Node> nodes;
  nodes_.clear();
  for (const auto& cluster : newest_->Base()->clusters) {
    for (const auto& node : cluster->nodes) {
      if (!cluster->IsTaken(*node)) continue;
      std::string name = node->endpoint()->name;
      nodes.push_back({name, cluster->health.FailingSince(node->id), cluster->health.hold_down()});
      nodes_.insert_or_assign(std::move(name), std::pair(cluster.get(), node->id));
    }
  }
  return nodes;
}

void Replicas::Agreed(std::string_view node,
                      const std::optional<balancer::ClusterHealth::Agreed>& agreed) {
  const auto found = nodes_.find(std::string(node));
  if (found == nodes_.end()) return;
  Worker& worker = *workers_->front();
  const auto transition = found->second.first->health.SetAgreed(
      found->second.second, agreed, worker.proactor().Now().time_since_epoch());
  if (transition) worker.NodeChanged(*transition);
}

std::string Replicas::NameOf(balancer::ClusterId cluster) {
  return newest_->Base()->ClusterOf(cluster).name;
}

std::string Replicas::NameOf(balancer::NodeId node) {
  return newest_->Base()->NodeOf(node).endpoint()->name;
}

std::optional<balancer::NodeId> Replicas::Find(std::string_view node) {
  const auto found = nodes_.find(std::string(node));
  if (found == nodes_.end()) return std::nullopt;
  return found->second.second;
}

// At their next command boundary: nobody's mail is harmed by two nodes that only read.
void Replicas::Lost(balancer::ClusterId cluster, const std::string& user) {
  log_->Warning("user " + user + " is on another node by another Poplar: the sessions here end");
  EndAll({.user = user,
          .cluster = NameOf(cluster),
          .now = false,
          .reason = session::EndReason::kClaimLost});
}

void Replicas::EndAll(const Kicked& kicked) {
  for (const std::unique_ptr<Worker>& worker : *workers_) {
    worker->LookAtSessions(
        [kicked](const SessionSet& sessions, io::Time) { (void)KickAll(sessions, kicked); });
  }
  if (!kicked.user.empty()) workers_->front()->EndParked(kicked.user, [](size_t) {});
}

void Replicas::Heard(const Word& word) {
  log_->Info("another Poplar was told: " + shared_state::RenderWord(word));
  const bool is_kick = word.kind == Word::Kind::kKickUser || word.kind == Word::Kind::kKickSession;
  if (is_kick) return Kick(word);
  obey_(word);
}

void Replicas::Kick(const Word& word) {
  Kicked kicked{.now = word.now};
  if (word.kind == Word::Kind::kKickUser) {
    const auto user = balancer::CanonicalUser::FromLogin(word.subject, newest_->Base()->canonical);
    if (!user) return;
    kicked.user = user->text();
  } else {
    const auto session = ParseSession(word.subject);
    if (!session) return;
    kicked.session = *session;
  }
  EndAll(kicked);
}

void Replicas::Counted(const admission::PenaltyNote& note, io::Time when) {
  shared_->admission.penalty.Apply(newest_->Base()->admission.penalty, note, when);
}

void Replicas::Tell(const std::string& text, bool is_trouble) {
  if (is_trouble) {
    log_->Warning(text);
  } else {
    log_->Info(text);
  }
}

void Replicas::TellMetrics(metrics::Shard& shard) {
  constexpr metrics::SharedState kStore{0};
  const shared_state::Replica::Counts now = replica_->counts();
  const shared_state::Replica::Counts before = std::exchange(told_, now);
  for (size_t i = 0; i < now.requests.size(); ++i) {
    shard.Add(metrics::kSharedStateRequests, now.requests[i] - before.requests[i], kStore,
              static_cast<metrics::RequestResult>(i));
    shard.Add(metrics::kSharedStateClaims, now.claims[i] - before.claims[i], kStore,
              static_cast<metrics::ClaimResult>(i));
  }
  shard.GaugeSet(metrics::kSharedStateUp, now.up ? 1 : 0, kStore);
  shard.GaugeSet(metrics::kSharedStateReplicas, static_cast<int64_t>(now.replicas), kStore);
}

std::string Replicas::StatusText() const {
  const shared_state::Replica::Counts now = replica_->counts();
  if (!now.up) return share_.text + " is away";
  return share_.text + ", " + std::to_string(now.replicas) +
         (now.replicas == 1 ? " replica" : " replicas");
}

}  // namespace poplar::server
