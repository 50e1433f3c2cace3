#include "proxy/cli/route_move.h"

#include <utility>

#include "proxy/cli/named_item.h"
#include "proxy/server/build_routing.h"

namespace poplar::cli {
namespace {

// In this process: the cluster's number in the file.
balancer::ClusterId IdOf(const config::Config& config, const std::string& cluster) {
  return balancer::ClusterId{static_cast<uint32_t>(NumberOf(config.clusters, cluster))};
}

}  // namespace

tl::expected<std::shared_ptr<const balancer::Moves>, std::string> MovesNow(
    const config::Config& config, const balancer::CanonicalRules& names,
    const RunningPoplar* running) {
  auto moves = server::BuildMoves(
      config, names, [&config](const std::string& name) { return IdOf(config, name); });
  if (!moves) return tl::unexpected(moves.error());
  for (size_t i = 0; running != nullptr && i < (*moves)->size(); ++i) {
    const auto now = running->permille_by_move.find((*moves)->rule(i).name);
    if (now != running->permille_by_move.end()) (*moves)->SetPermille(i, now->second);
  }
  return std::move(*moves);
}

std::optional<FoundMove> FollowMove(const config::Config& config, const balancer::Moves& moves,
                                    const balancer::CanonicalUser& user, FoundRoute& found) {
  const auto turn = moves.TurnOf(IdOf(config, found.cluster->name), user);
  if (!turn) return std::nullopt;
  const config::MoveConfig& move = config.moves[turn->move];
  const uint32_t permille = moves.permille(turn->move);
  FoundMove followed{move.name, move.from, move.to, permille, turn->place, turn->place < permille};
  if (followed.is_moved) {
    found.cluster = &config.clusters[NumberOf(config.clusters, move.to)];
    found.node.clear();
  }
  return followed;
}

}  // namespace poplar::cli
