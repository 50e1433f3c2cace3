#pragma once

#include <absl/container/flat_hash_map.h>

#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <vector>

#include "metrics/shard.h"
#include "proxy/config/config.h"
#include "proxy/server/log.h"
#include "proxy/server/newest_settings.h"
#include "proxy/server/resolvers.h"
#include "proxy/server/worker.h"
#include "proxy/shared_state/replica.h"

namespace poplar::server {

struct Kicked;

// The other Poplars: what this one tells them, and does at their word. Answers workers, so it goes
// before them.
class Replicas final : private shared_state::Host {
 public:
  // What operators say to nodes and moves elsewhere is done here by this; on a worker's thread.
  using Obey = std::function<void(const shared_state::Word&)>;

  // Null: nothing is shared. The error is one line for the operator.
  static tl::expected<std::unique_ptr<Replicas>, std::string> Build(const config::Config& config);
  ~Replicas() override;

  // Of LoginPenalty: the same for all replicas.
  uint64_t penalty_key() const { return penalty_key_; }

  // Before the workers run; all outlive it. They carry it until the last of them has no session any
  // more: what is claimed for one stays claimed as long as it lasts.
  void Connect(Shared& shared, const NewestSettings& newest,
               const std::vector<std::unique_ptr<Worker>>& workers, Log& log, Obey obey);

  // Any thread: there never were any sessions, and won't be.
  void Stop();
  // Likewise: whether this Poplar has a say in what all agree on. At first it hasn't.
  void SetVoice(bool has_voice) { replica_->SetVoice(has_voice); }

  // An operator has said so here. Any thread.
  void Say(const shared_state::Word& word) { replica_->Say(word); }
  void LookAtNodes() { replica_->LookAtNodes(); }

  // What has come since the last time.
  void TellMetrics(metrics::Shard& shard);
  // "up: 4 replicas".
  std::string StatusText() const;

 private:
  explicit Replicas(shared_state::ReplicaSettings settings);

  std::vector<Node> Nodes() override;
  void Agreed(std::string_view node,
              const std::optional<balancer::ClusterHealth::Agreed>& agreed) override;
  std::string NameOf(balancer::ClusterId cluster) override;
  std::string NameOf(balancer::NodeId node) override;
  std::optional<balancer::NodeId> Find(std::string_view node) override;
  void Lost(balancer::ClusterId cluster, const std::string& user) override;
  void Heard(const shared_state::Word& word) override;
  void Counted(const admission::PenaltyNote& note, io::Time when) override;
  void Tell(const std::string& text, bool is_trouble) override;
  void Kick(const shared_state::Word& word);
  void EndAll(const Kicked& kicked);

  shared_state::ReplicaSettings share_;  // the same from Connect on
  uint64_t penalty_key_ = 0;
  Shared* shared_ = nullptr;
  const NewestSettings* newest_ = nullptr;
  const std::vector<std::unique_ptr<Worker>>* workers_ = nullptr;
  Log* log_ = nullptr;
  Obey obey_;
  Resolvers resolvers_;
  std::unique_ptr<shared_state::Replica> replica_;
  std::vector<std::unique_ptr<shared_state::ClaimGate>> gates_;
  // By "cluster/node", as of the last beat; of the replica's thread.
  absl::flat_hash_map<std::string, std::pair<upstream::Cluster*, balancer::NodeId>> nodes_;
  std::atomic<size_t> working_ = 0;  // workers that have sessions, or may have
  shared_state::Replica::Counts told_;
};

}  // namespace poplar::server
