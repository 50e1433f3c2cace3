#include "proxy/cli/command_tree.h"

#include <algorithm>

namespace poplar::cli {

bool OptionTree::takes_file() const {
  if (!takes_value && !positional()) return false;
  if (positional()) return label == "FILE" || label == "SOURCE";
  return std::ranges::any_of(names, [](const std::string& name) {
    return name == "--config" || name.ends_with("-file") || name.ends_with("-ca");
  });
}

}  // namespace poplar::cli
