#pragma once

#include <ostream>
#include <string>

#include "proxy/config/report.h"

namespace poplar::cli {

struct MoveOptions {
  std::string config_path;
  std::string name;                             // of the move
  std::string percent;                          // as typed
  config::Color color = config::Color::kNever;  // of err
};

// `poplar move`: tells the Poplar that runs with this configuration how many of a move's users are
// moved. Returns the exit status: 0, or 1 when the configuration has errors, there is no such move,
// nobody answers or it says no.
int RunMove(const MoveOptions& options, std::ostream& out, std::ostream& err);

// `poplar moves`: how all moves stand. Likewise; name and percent mean nothing.
int RunMoves(const MoveOptions& options, std::ostream& out, std::ostream& err);

}  // namespace poplar::cli
