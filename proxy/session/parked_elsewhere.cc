#include "proxy/session/parked_elsewhere.h"

#include <memory>
#include <utility>

#include "proxy/upstream/keeper.h"

namespace poplar::session {
namespace {

bool EndAt(Environment& environment, upstream::Node& node, balancer::ClusterId cluster,
           const balancer::CanonicalUser& user) {
  std::unique_ptr<balancer::ParkedSession> parked = node.pool.TakeParked(cluster, user);
  if (parked == nullptr) return false;
  // One that ends is none of the user's sessions; but it holds the user until its QUIT is through.
  if (parked->lease) parked->lease.Park();
  environment.observer.ParkedEnded(node.id, upstream::ParkedEnd::kEvicted);
  upstream::RetireInBackground(environment.proactor, environment.scope,
                               {std::move(parked->connection), std::move(parked->lease)});
  return true;
}

}  // namespace

size_t EndParked(Environment& environment, const Settings& settings, balancer::ClusterId cluster,
                 const balancer::CanonicalUser& user) {
  size_t count = 0;
  for (const auto& node : settings.ClusterOf(cluster).nodes)
    count += EndAt(environment, *node, cluster, user) ? 1 : 0;
  return count;
}

void EndParkedOf(Environment& environment, const Settings& settings, size_t move) {
  const balancer::Moves& moves = *settings.moves;
  const balancer::MoveRule& rule = moves.rule(move);
  for (const balancer::ClusterId cluster : {rule.from, rule.to}) {
    for (const auto& node : settings.ClusterOf(cluster).nodes) {
      for (const balancer::CanonicalUser& user : node->pool.ParkedUsers(cluster)) {
        const auto turn = moves.TurnOf(rule.from, user);
        if (turn && turn->move == move && moves.ClusterOf(*turn) != cluster)
          EndAt(environment, *node, cluster, user);
      }
    }
  }
}

}  // namespace poplar::session
