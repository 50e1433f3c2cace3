#pragma once

#include <cstdint>

namespace poplar::simulation {

// Mistakes that a proxy could make, made by doubles around it: each must be found by the checks of
// the session scenario.
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
};

}  // namespace poplar::simulation
