#pragma once

#include <cstdint>

namespace poplar::simulation {

// Mistakes that a proxy could make, made by doubles around it or by wrong figures in its settings:
// each must be found by the checks of the session scenario.
enum class SessionMistake : uint8_t {
  kNone,
  kFlipsByte,        // of a message on its way
  kEndsHalfMessage,  // a terminator where the node died
  kQuitsByItself,    // QUIT to the node for a client that vanished
  kClaimsQuit,       // +OK to a QUIT that never came to the node's mail
  kSwapsAnswers,     // of two pipelined commands
  kIgnoresAffinity,  // each session looks for its node alone
  kLosesRecord,      // a session that failed logs nothing
  kForgetsDeadline,  // waits for a node's answer as long as it takes

  kExceedsSlots,          // one connection more than a node's pool may have
  kLeaksSlot,             // a slot never comes back
  kForgetsWaiter,         // a login in the queue isn't told that it has its slot
  kJumpsQueue,            // a login waits on while later ones are served
  kIgnoresAge,            // shows a view that is too old
  kRenewsAge,             // lets a parked session's age count from its last use
  kSwapsCredential,       // a parked session serves another password
  kSwapsUser,             // a parked session serves another user
  kParksWithDelete,       // a parked session has a DELE pending
  kForgetsUserLimit,      // more sessions of a user than allowed
  kForgetsLoginDeadline,  // a login waits for a node that says nothing
  kForgetsHoldDown,       // a node's users move as soon as it is out
  kForgetsFall,           // one failed probe takes a node out
  kForgetsRise,           // one successful probe brings it back
};

}  // namespace poplar::simulation
