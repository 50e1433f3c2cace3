#pragma once

#include <ostream>
#include <string_view>

namespace poplar::cli {

// Tells a person why a command ends; gives back its exit status.
inline int Fail(std::ostream& err, std::string_view text, int status = 1) {
  err << "poplar: error: " << text << "\n";
  return status;
}

}  // namespace poplar::cli
