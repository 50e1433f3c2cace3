#pragma once

#include <string>
#include <string_view>

#include "proxy/cli/command_tree.h"

namespace poplar::cli {

// The manual page poplar(1) as man(7) source: every command and option as --help has them, and what
// a whole program has besides.
std::string ManualPage(const CommandTree& program, std::string_view version);

}  // namespace poplar::cli
