#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "balancer/cluster_health.h"
#include "balancer/node_table.h"
#include "proxy/admission/login_penalty.h"
#include "proxy/io/clock.h"
#include "proxy/shared_state/word.h"

namespace poplar::shared_state {

// The rest of this Poplar, for what the replicas share. Called on the thread of Replica's worker.
class Host {
 public:
  virtual ~Host() = default;

  struct Node {
    std::string name;                               // "cluster/node"
    std::optional<balancer::Moment> failing_since;  // of one that this replica thinks is out
    balancer::Duration hold_down{};
  };
  // All that there are.
  virtual std::vector<Node> Nodes() = 0;
  // Nothing: nobody knows any more what the others think.
  virtual void Agreed(std::string_view node,
                      const std::optional<balancer::ClusterHealth::Agreed>& agreed) = 0;

  virtual std::string NameOf(balancer::ClusterId cluster) = 0;
  virtual std::string NameOf(balancer::NodeId node) = 0;  // "cluster/node"
  virtual std::optional<balancer::NodeId> Find(std::string_view node) = 0;
  // Another replica has the user on another node, and its claim stands: what is here has to end.
  virtual void Lost(balancer::ClusterId cluster, const std::string& user) = 0;

  // An operator has said so to another replica.
  virtual void Heard(const Word& word) = 0;
  // Another replica has counted it.
  virtual void Counted(const admission::PenaltyNote& note, io::Time when) = 0;

  // For the log.
  virtual void Tell(const std::string& text, bool is_trouble) = 0;
};

}  // namespace poplar::shared_state
