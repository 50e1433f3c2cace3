#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <tl/expected.hpp>

#include "balancer/canonical_user.h"
#include "balancer/moves.h"
#include "proxy/cli/route_find.h"
#include "proxy/cli/running_poplar.h"
#include "proxy/config/config.h"

namespace poplar::cli {

// The move that means a user.
struct FoundMove {
  std::string name;
  std::string from;
  std::string to;
  uint32_t permille = 0;  // of its users are moved
  uint32_t place = 0;     // the user is, once more are than this
  bool is_moved = false;
};

// The configuration's moves, with the shares that the running Poplar has; null: with the file's.
// The error is one line.
tl::expected<std::shared_ptr<const balancer::Moves>, std::string> MovesNow(
    const config::Config& config, const balancer::CanonicalRules& names,
    const RunningPoplar* running);

// What becomes of a user whom the rules have found: one who is moved is in another cluster, and at
// no node in particular.
std::optional<FoundMove> FollowMove(const config::Config& config, const balancer::Moves& moves,
                                    const balancer::CanonicalUser& user, FoundRoute& found);

}  // namespace poplar::cli
