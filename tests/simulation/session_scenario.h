#pragma once

#include "tests/simulation/scenario.h"
#include "tests/simulation/session_mistake.h"
#include "tests/simulation/world.h"

namespace poplar::simulation {

// Clients of every temper and habit read their mail through a Poplar of two workers from three
// nodes, again and again, under whatever the seed brings: pools of every size, faults of the
// network, nodes that die, stand still, have trouble, break the protocol and come back, mail that
// comes and goes, operators who drain nodes, drain and abort of Poplar at any instant. In some
// sessions are resumed.
//
// What is held up throughout. At the clients: bytes are the stored ones, answers come in order, no
// message is hidden, only what a client's own QUIT committed is deleted and all of that, each login
// ends within its deadline. At the nodes: no more connections than slots, no QUIT that no client
// sent, no parked session in the hands of another user or credential or beyond its age, no user on
// two nodes at once or moved before the hold-down. In between: waiters are served in order, states
// of nodes obey rise, fall and ejection times, each session ends once and leaves nothing behind.
// Where sessions are resumed: the client's view stays as it was, marks are the client's own, a QUIT
// deletes what it must and is answered only then, no stall is longer than allowed; and where nodes
// only die and come back, no session ends for it.
void RunSession(World& world, SessionMistake mistake);

// Of all worlds without a mistake.
const Totals& SessionTotals();

}  // namespace poplar::simulation
