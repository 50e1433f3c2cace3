#pragma once

#include "tests/simulation/scenario.h"
#include "tests/simulation/session_mistake.h"
#include "tests/simulation/world.h"

namespace poplar::simulation {

// Clients of every temper and habit read their mail through a Poplar of two workers from three
// nodes, again and again, under whatever the seed brings: pools of every size, faults of the
// network, nodes that die, stand still, have trouble, break the protocol and come back, mail that
// comes and goes, operators who drain nodes, drain and abort of Poplar at any instant. In some
// sessions are resumed. In a fifth of the worlds an operator moves users to a second cluster (some,
// a domain, everybody, in part, and at times back), and in a fifth name servers say which nodes
// there are: more than there are seats for, late, in part or not at all, and at new addresses.
//
// What is held up throughout. At the clients: bytes are the stored ones, answers come in order, no
// message is hidden, only what a client's own QUIT committed is deleted and all of that, each login
// ends within its deadline. At the nodes: no more connections than slots, no QUIT that no client
// sent, no parked session in the hands of another user or credential or beyond its age, no user on
// two nodes at once or moved before the hold-down. In between: waiters are served in order, states
// of nodes obey rise, fall and ejection times, each session ends once and leaves nothing behind.
// Where users are moved: none is in two clusters at once, none comes to the one that the move has
// left, a session ends at a boundary or is cut when its grace is over, neither sooner nor later,
// and nobody waits for longer or less than they are to. Where nodes come and go: no session begins
// on a node that isn't named any more, none ends for that, nobody is served where a node was
// before, by a parked session or otherwise, and slots are counted for the node that they lead to.
// Where sessions are resumed: the client's view stays as it was, marks are the client's own, a QUIT
// deletes what it must and is answered only then, no stall is longer than allowed; and where nodes
// only die and come back, no session ends for it.
void RunSession(World& world, SessionMistake mistake);

// Of all worlds without a mistake.
const Totals& SessionTotals();

}  // namespace poplar::simulation
