#pragma once

#include <algorithm>
#include <string>
#include <vector>

namespace poplar::config {

// 1-based; columns count bytes, as compilers do. {0, 0}: nowhere in particular.
struct Position {
  int line = 0;
  int column = 0;
  bool operator==(const Position&) const = default;
};

enum class Severity { kError, kWarning };

struct Problem {
  Severity severity = Severity::kError;
  Position at;
  std::string path;        // "clusters[0].nodes[2].weight"; empty: the file as a whole
  std::string message;     // what is wrong, without a full stop
  std::string expected;    // what would be right; may be empty
  std::string suggestion;  // the likely intended word or value; may be empty
};

using Problems = std::vector<Problem>;

inline bool HasErrors(const Problems& problems) {
  return std::any_of(problems.begin(), problems.end(),
                     [](const Problem& p) { return p.severity == Severity::kError; });
}

}  // namespace poplar::config
