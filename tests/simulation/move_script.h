#pragma once

#include <optional>
#include <string>
#include <vector>

#include "balancer/moves.h"
#include "tests/simulation/session_mail.h"
#include "tests/simulation/world.h"

namespace poplar::simulation {

// A move of users from a world's first cluster to its second one, as its operator goes about it.
struct MoveScript {
  struct Step {
    io::Duration when{};
    uint32_t permille = 0;
  };
  balancer::MoveRule rule;  // with the share at the start
  std::vector<Step> steps;  // forth, further, and at times back again
};

// Of a user or two, of a domain, or of everybody; whole or in part.
MoveScript DrawMove(World& world, const SessionMail& mail);

}  // namespace poplar::simulation
