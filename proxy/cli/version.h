#pragma once

#include <ostream>
#include <string>
#include <utility>
#include <vector>

namespace poplar::cli {

// Such as 0.1.0.
std::string Version();

// What `poplar --version` prints and poplar_build_info carries: version, compiler, libraries.
std::vector<std::pair<std::string, std::string>> BuildFacts();

// The build's facts, and what io_uring offers on this machine.
void PrintVersion(std::ostream& out);

}  // namespace poplar::cli
