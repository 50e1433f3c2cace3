#pragma once

#include "proxy/io/clock.h"

// Chance in what is done again and again, so that many workers, nodes and Poplars don't fall into
// step and ask a node all at once.
namespace poplar::upstream {

// From `low` to just below `high`, evenly; `low` where there is nothing between.
io::Duration Between(io::Random& random, io::Duration low, io::Duration high);

// `usual`, give or take a fifth.
io::Duration Jittered(io::Random& random, io::Duration usual);

}  // namespace poplar::upstream
