#pragma once

#include <memory>
#include <string>
#include <tl/expected.hpp>

#include "balancer/canonical_user.h"
#include "balancer/moves.h"
#include "proxy/cli/running_poplar.h"
#include "proxy/config/config.h"

namespace poplar::cli {

// The configuration's moves, with the shares that the running Poplar has; null: with the file's.
// The error is one line.
tl::expected<std::shared_ptr<const balancer::Moves>, std::string> MovesNow(
    const config::Config& config, const balancer::CanonicalRules& names,
    const RunningPoplar* running);

}  // namespace poplar::cli
