#pragma once

#include <istream>
#include <ostream>
#include <string>
#include <vector>

namespace poplar::cli {

struct MapBuildOptions {
  std::string source;  // "-": standard input
  std::string output;
  bool keep_case = false;
};

// `poplar map ...`. Each returns the exit status; errors go to err in one line each.

// Makes the user map file `output` of text. It is replaced whole or, with any mistake in the text
// (1), not at all.
int RunMapBuild(const MapBuildOptions& options, std::istream& standard_input, std::ostream& out,
                std::ostream& err);

// Where the file says each of the users is, one line each: name, place, name at the node. 1 when it
// doesn't know one of them.
int RunMapGet(const std::string& file, const std::vector<std::string>& users, std::ostream& out,
              std::ostream& err);

// How many users the file has, in all and by place.
int RunMapCheck(const std::string& file, std::ostream& out, std::ostream& err);

}  // namespace poplar::cli
