#include "proxy/cli/route_move.h"

#include <utility>

#include "proxy/server/build_routing.h"
#include "proxy/server/route_move.h"

namespace poplar::cli {

tl::expected<std::shared_ptr<const balancer::Moves>, std::string> MovesNow(
    const config::Config& config, const balancer::CanonicalRules& names,
    const RunningPoplar* running) {
  auto moves = server::BuildMoves(config, names, [&config](const std::string& name) {
    return server::ClusterNumber(config, name);
  });
  if (!moves) return tl::unexpected(moves.error());
  for (size_t i = 0; running != nullptr && i < (*moves)->size(); ++i) {
    const auto now = running->permille_by_move.find((*moves)->rule(i).name);
    if (now != running->permille_by_move.end()) (*moves)->SetPermille(i, now->second);
  }
  return std::move(*moves);
}

}  // namespace poplar::cli
