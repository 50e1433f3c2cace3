#include "proxy/server/listed_nodes.h"

#include <algorithm>
#include <utility>

namespace poplar::server {
namespace {

using balancer::AdminState;
using Changes = balancer::Seating::Changes;

bool Contains(const std::vector<uint32_t>& seats, uint32_t seat) {
  return std::find(seats.begin(), seats.end(), seat) != seats.end();
}

std::vector<std::string> NamesOf(const std::vector<NodePlan>& list) {
  std::vector<std::string> names;
  names.reserve(list.size());
  for (const NodePlan& plan : list) names.push_back(plan.name);
  return names;
}

}  // namespace

ListedNodes::ListedNodes(upstream::Cluster& cluster, const std::vector<NodePlan>& at_start)
    : cluster_(cluster),
      seating_(static_cast<uint32_t>(cluster.nodes.size())),
      said_(cluster.nodes.size()) {
  (void)seating_.Take(NamesOf(at_start));
  for (size_t i = 0; i < at_start.size(); ++i) {
    said_[i] = at_start[i];
    said_[i].endpoint.reset();
  }
}

ListedNodes::Seated ListedNodes::Plan(const std::vector<NodePlan>& list) {
  const std::lock_guard lock(mutex_);
  planning_ = true;
  balancer::Seating next = seating_;
  const Changes changes = next.Take(NamesOf(list));
  Seated seated;
  for (size_t i = 0; i < list.size(); ++i) {
    if (changes.seats[i]) {
      seated.nodes.push_back({list[i].name, list[i].weight, *changes.seats[i]});
    } else {
      seated.unseated.push_back(list[i].name);
    }
  }
  return seated;
}

void ListedNodes::Done() {
  const std::lock_guard lock(mutex_);
  planning_ = false;
}

ListedNodes::Applied ListedNodes::Apply(const std::vector<NodePlan>& list, balancer::Moment now) {
  const std::lock_guard lock(mutex_);
  Applied applied;
  const Changes changes = seating_.Take(NamesOf(list));
  for (size_t i = 0; i < list.size(); ++i) {
    if (changes.seats[i]) Sit(list[i], *changes.seats[i], changes, now, applied);
  }
  for (const uint32_t seat : changes.left) {
    applied.transitions.push_back(
        cluster_.health.Leave(NodeAt(seat).id, "the configuration no longer lists it"));
  }
  return applied;
}

void ListedNodes::Sit(const NodePlan& plan, uint32_t seat, const Changes& changes,
                      balancer::Moment now, Applied& applied) {
  upstream::Node& node = NodeAt(seat);
  const bool came = Contains(changes.came, seat);
  NodePlan before = std::exchange(said_[seat], plan);
  said_[seat].endpoint.reset();
  if (came) {
    before = {};
    cluster_.offered.Forget(node.id);
    applied.came.push_back(node.id);
  }
  if (came || before.print != plan.print) node.set_endpoint(plan.endpoint);
  node.pool.SetLimits(plan.limits);
  node.set_wait_timeout(plan.wait_timeout);
  if (came || Contains(changes.came_back, seat)) {
    applied.transitions.push_back(cluster_.health.Arrive(
        node.id, plan.weight, /*slowly=*/true,
        "the configuration lists it, at " + plan.endpoint->address.Text(), now));
  } else if (before.weight != plan.weight) {
    cluster_.health.SetWeight(node.id, plan.weight);
  }
  // Else what an operator has said meanwhile stays.
  if (before.admin == plan.admin) return;
  const auto changed = cluster_.health.SetAdmin(node.id, plan.admin, now);
  if (changed) applied.transitions.push_back(*changed);
  if (plan.admin == AdminState::kDown) applied.down.push_back(node.id);
}

void ListedNodes::Vacate(const std::function<bool(balancer::NodeId)>& is_forgotten) {
  const std::lock_guard lock(mutex_);
  if (planning_ || seating_.Count(balancer::Seating::State::kLeaving) == 0) return;
  const auto vacated = seating_.Vacate([&](uint32_t seat) {
    const upstream::Node& node = NodeAt(seat);
    return cluster_.IsDeserted(node) && is_forgotten(node.id);
  });
  for (const uint32_t seat : vacated) {
    cluster_.health.Vacate(NodeAt(seat).id);
    cluster_.offered.Forget(NodeAt(seat).id);
    said_[seat] = {};
  }
}

}  // namespace poplar::server
