#include "proxy/server/move_views.h"

#include <algorithm>

namespace poplar::server {

std::vector<metrics::MoveView> ViewMoves(const session::Settings& settings) {
  std::vector<metrics::MoveView> views;
  const balancer::Moves* const moves = settings.moves.get();
  for (size_t i = 0; moves != nullptr && i < moves->size(); ++i) {
    const balancer::MoveRule& rule = moves->rule(i);
    const balancer::Moves::Counts& counts = moves->counts(i);
    views.push_back({.label = metrics::Move{static_cast<uint16_t>(i)},
                     .name = rule.name,
                     .from = settings.ClusterOf(rule.from).name,
                     .to = settings.ClusterOf(rule.to).name,
                     .permille = moves->permille(i),
                     .waiting = static_cast<uint64_t>(counts.waiting.load()),
                     .ending = static_cast<uint64_t>(counts.ending.load()),
                     .landed = counts.landed.load(),
                     .waited_too_long = counts.waited_too_long.load(),
                     .ended = counts.ended.load()});
  }
  return views;
}

}  // namespace poplar::server
