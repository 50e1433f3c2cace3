#pragma once

#include <cstdint>
#include <string>

#include "metrics/labels.h"

namespace poplar::metrics {

// What /moves and the gauges show of a move at one moment.
struct MoveView {
  Move label{};
  std::string name;
  std::string from;
  std::string to;
  uint32_t permille = 0;         // of its users are in `to`
  uint64_t waiting = 0;          // logins that wait for the user's sessions elsewhere to end
  uint64_t ending = 0;           // sessions that have to end, and haven't yet
  uint64_t landed = 0;           // logins to `to`, since the start, as the next two
  uint64_t waited_too_long = 0;  // logins
  uint64_t ended = 0;            // sessions
};

}  // namespace poplar::metrics
