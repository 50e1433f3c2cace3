#pragma once

#include <string>

#include "proxy/cli/command_tree.h"

namespace poplar::cli {

// The scripts by which shells complete the command line: commands, options, and values where there
// are only a few; else the names of files.
std::string BashCompletion(const CommandTree& program);
std::string ZshCompletion(const CommandTree& program);
std::string FishCompletion(const CommandTree& program);

}  // namespace poplar::cli
