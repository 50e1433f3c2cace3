#pragma once

#include "tests/simulation/scenario.h"

namespace poplar::simulation {

// Mistakes that a server can make; the simulation must find each.
enum class EchoMistake {
  kNone,
  kDropsTinyPiece,      // takes a read of one byte for the end
  kIgnoresShortBuffer,  // writes only the first 100 bytes of a read
  kLeaksSocket,         // forgets the stream when the peer resets
  kForgetsDeadline,     // waits for ever for a peer that has gone
  kHoldsBuffer,         // reads again while it holds a buffer, for every connection
};

// Clients of every temper against an echo server with one to three workers, under whatever faults
// the seed brings. Every byte comes back in order or the end has a name; a world that loses nothing
// loses nothing; nothing is left behind.
void RunEcho(World& world, EchoMistake mistake);

}  // namespace poplar::simulation
