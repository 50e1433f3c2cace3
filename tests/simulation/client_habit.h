#pragma once

#include <cstdint>
#include <vector>

#include "tests/simulation/question.h"
#include "tests/simulation/seeded_random.h"

namespace poplar::simulation {

// What a client wants in a session, and in which order it asks for it: as real mail programs do.
enum class ClientHabit : uint8_t {
  kRandom,          // anything
  kFetchmail,       // takes and deletes by number, without UIDL
  kFetchmailKeeps,  // whole messages by TOP, and leaves them
  kMpop,            // as deep a pipeline as it is let
  kGetmail,         // UIDL, LIST, then one message after the other, and deletes
  kThunderbird,     // leaves mail on the server: headers of some, bodies of others
  kPoller,          // only whether there is new mail
  kCurl,            // one message, by number
};
inline constexpr int kClientHabits = 8;

// What it asks first, to learn what there is. For kRandom up to the caller.
std::vector<Question> OpeningOf(ClientHabit habit);
// And then, up to QUIT; `count`: messages that it knows of. Not for kRandom.
std::vector<Question> ErrandOf(ClientHabit habit, uint32_t count, SeededRandom& random);
// Commands in flight; `most`: for those that pipeline.
size_t DepthOf(ClientHabit habit, size_t most);
bool Deletes(ClientHabit habit);

}  // namespace poplar::simulation
