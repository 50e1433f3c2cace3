#pragma once

#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "balancer/node_health.h"
#include "balancer/node_table.h"
#include "balancer/seating.h"
#include "balancer/time.h"
#include "proxy/server/build_nodes.h"
#include "proxy/upstream/cluster.h"

namespace poplar::server {

// The nodes of a cluster whose configuration lists them, each on a seat (balancer/seating.h), so
// that another list may add some and take some away while all runs. Nobody is moved: a node that
// isn't listed any more takes no new users, and gives its seat up when its last session has ended.
class ListedNodes {
 public:
  // `at_start`: those on the cluster's first seats. The cluster outlives it.
  ListedNodes(upstream::Cluster& cluster, const std::vector<NodePlan>& at_start);

  // What another list would mean.
  struct Seated {
    std::vector<balancer::Node> nodes;  // with their seats, in the list's order
    std::vector<std::string> unseated;  // there is no room for
  };
  // What became of it.
  struct Applied {
    std::vector<balancer::Transition> transitions;
    std::vector<balancer::NodeId> came;  // what was counted of their seats isn't their own
    std::vector<balancer::NodeId> down;  // the operator's word is another: their sessions end
  };

  // One thread at a time: the next list is looked at (Plan), and then taken (Apply) or forgotten.
  // Until Done no seat becomes free, so that the plan holds.
  Seated Plan(const std::vector<NodePlan>& list);
  Applied Apply(const std::vector<NodePlan>& list, balancer::Moment now);
  void Done();

  // Any thread, now and then: seats of which nothing is left are free. `is_forgotten`: whether no
  // login can choose it any more, and no lease is on it.
  void Vacate(const std::function<bool(balancer::NodeId seat)>& is_forgotten);

 private:
  void Sit(const NodePlan& plan, uint32_t seat, const balancer::Seating::Changes& changes,
           balancer::Moment now, Applied& applied);
  upstream::Node& NodeAt(uint32_t seat) const { return *cluster_.nodes[seat]; }

  upstream::Cluster& cluster_;
  std::mutex mutex_;
  bool planning_ = false;  // guarded by mutex_, as all below
  balancer::Seating seating_;
  // What the last list said of whom, by seat; without endpoints, which the nodes have.
  std::vector<NodePlan> said_;
};

}  // namespace poplar::server
