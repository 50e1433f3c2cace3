#pragma once

#include "tests/simulation/session_mistake.h"
#include "tests/simulation/world.h"

namespace poplar::simulation {

// Clients of every temper read their mail through a Poplar from three demo nodes, under whatever
// the seed brings: faults of the network, nodes that die or break the protocol, drain and abort at
// any instant. What is held up throughout: bytes are the stored ones, answers come in order, only
// what a client's own QUIT committed is deleted and all of that, nobody waits longer than the
// deadlines allow, no user is on two nodes, each session ends once and leaves nothing behind.
void RunSession(World& world, SessionMistake mistake);

}  // namespace poplar::simulation
