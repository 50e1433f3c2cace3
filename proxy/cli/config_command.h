#pragma once

#include <ostream>

namespace poplar::cli {

// `poplar config`: the complete default configuration as commented YAML, each list with one example
// element. Returns the exit status: 0, or 1 when out refused the text.
int RunConfig(std::ostream& out);

}  // namespace poplar::cli
