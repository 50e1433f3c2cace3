#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "proxy/io/task_scope.h"
#include "proxy/shared_state/claim_gate.h"
#include "proxy/shared_state/replica.h"
#include "tests/simulation/sim_proactor.h"

namespace poplar::shared_state {

inline constexpr balancer::ClusterId kCluster{0};
inline constexpr int kNodes = 3;

// One Poplar of several in the simulated world, as far as shared state is concerned: its affinity,
// its replica, and users who come and go on nodes "main/0" to "main/2".
class ReplicaHouse final : private Host {
 public:
  // Somebody is on a node from Arrived to Left; `alone`: its claim was nobody's word but ours.
  struct Guest {
    std::string user;
    int node = 0;
    bool alone = false;
  };
  struct Diary {
    std::function<void(const ReplicaHouse&, const Guest&)> arrived;
    std::function<void(const ReplicaHouse&, const Guest&)> left;
  };

  ReplicaHouse(simulation::Network& network, const std::string& name, const io::Address& host,
               const io::Address& store, Diary diary);
  ~ReplicaHouse() override;

  void Start();
  // A visit, to a node by `choose` unless the user has to be elsewhere.
  void Visit(std::string user, io::Duration stay, std::function<int()> choose);
  void Stop();
  // As by kill -9: whoever is here has left, and nothing is said to anybody.
  void Kill();
  bool killed() const { return killed_; }
  bool idle() const { return scope_.count() == 0; }

  void SetFailing(int node, bool failing);
  bool agreed_out(int node) const;
  Replica& replica() { return *replica_; }
  size_t visits() const { return visits_; }
  size_t lost() const { return lost_; }
  size_t open() const { return open_; }

 private:
  io::Task<void> VisitTask(std::string user, io::Duration stay, std::function<int()> choose);
  // Why a claim was not granted: the user is on another node, or has to wait.
  struct Refusal {
    std::optional<int> elsewhere;
    io::Duration after = kAskAgain;
  };
  io::Task<bool> Claimed(balancer::Affinity::Lease& lease, const std::string& user,
                         Refusal* refusal);
  io::Task<void> Stay(const std::string& user, int node, bool alone, io::Duration stay);

  std::vector<Node> Nodes() override;
  void Agreed(std::string_view node,
              const std::optional<balancer::ClusterHealth::Agreed>& agreed) override;
  std::string NameOf(balancer::ClusterId cluster) override;
  std::string NameOf(balancer::NodeId node) override;
  std::optional<balancer::NodeId> Find(std::string_view node) override;
  void Lost(balancer::ClusterId cluster, const std::string& user) override;
  void Heard(const Word& word) override;
  void Counted(const admission::PenaltyNote& note, io::Time when) override;
  void Tell(const std::string& text, bool is_trouble) override;

  simulation::SimProactor machine_;
  io::TaskScope scope_;
  ReplicaSettings settings_;
  balancer::Affinity affinity_;
  std::unique_ptr<Replica> replica_;
  std::unique_ptr<ClaimGate> gate_;
  const Diary diary_;
  std::map<std::string, bool> alone_;     // of users here: by nobody's word
  std::map<std::string, bool> has_lost_;  // they have to go
  std::map<int, balancer::Moment> failing_;
  std::map<std::string, bool, std::less<>> agreed_out_;
  size_t visits_ = 0;
  size_t lost_ = 0;
  size_t open_ = 0;
  bool killed_ = false;
};

}  // namespace poplar::shared_state
