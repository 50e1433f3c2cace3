#pragma once

#include <functional>
#include <string>
#include <vector>

namespace poplar::cli {

struct ProgramEnd {
  int status = 0;  // the exit status; 128 and the signal's number when a signal ended it
  std::string out;
  std::string err;
};

// Runs the program under test to its end; one that doesn't end within a minute dies of SIGALRM.
// `before` runs in the child just before the program takes its place.
ProgramEnd RunProgram(
    const std::vector<std::string>& arguments, const std::function<void()>& before = [] {});

// For `before`: a SIGTERM that waits for the program, so that what starts well stops at once.
void LeaveSigtermPending();

}  // namespace poplar::cli
