#include "proxy/server/route_move.h"

#include "proxy/config/named_item.h"

namespace poplar::server {

balancer::ClusterId ClusterNumber(const config::Config& config, const std::string& cluster) {
  return balancer::ClusterId{static_cast<uint32_t>(config::NumberOf(config.clusters, cluster))};
}

std::optional<metrics::RouteView::Move> FollowMove(const config::Config& config,
                                                   const balancer::Moves& moves,
                                                   const balancer::CanonicalUser& user,
                                                   RoutePlace& place) {
  const auto turn = moves.TurnOf(ClusterNumber(config, place.cluster->name), user);
  if (!turn) return std::nullopt;
  const config::MoveConfig& move = config.moves[turn->move];
  const uint32_t permille = moves.permille(turn->move);
  metrics::RouteView::Move followed{.name = move.name,
                                    .from = move.from,
                                    .to = move.to,
                                    .permille = permille,
                                    .place = turn->place,
                                    .is_moved = turn->place < permille};
  if (followed.is_moved) place = {&config.clusters[config::NumberOf(config.clusters, move.to)], {}};
  return followed;
}

}  // namespace poplar::server
