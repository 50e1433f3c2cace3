#pragma once

#include "tests/simulation/scenario.h"
#include "tests/simulation/session_mistake.h"
#include "tests/simulation/world.h"

namespace poplar::simulation {

// Clients of every temper read their mail through a Poplar of two workers from three nodes, again
// and again, under whatever the seed brings: pools of every size, faults of the network, nodes that
// die, break the protocol and come back, operators who drain them, drain and abort of Poplar at any
// instant.
//
// What is held up throughout. At the clients: bytes are the stored ones, answers come in order, no
// message is hidden, only what a client's own QUIT committed is deleted and all of that, each login
// ends within its deadline. At the nodes: no more connections than slots, no QUIT that no client
// sent, no parked session in the hands of another user or credential or beyond its age, no user on
// two nodes at once or moved before the hold-down. In between: waiters are served in order, states
// of nodes obey rise, fall and ejection times, each session ends once and leaves nothing behind.
void RunSession(World& world, SessionMistake mistake);

// Of all worlds without a mistake.
const Totals& SessionTotals();

}  // namespace poplar::simulation
