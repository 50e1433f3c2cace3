#pragma once

#include <string>
#include <tl/expected.hpp>

#include "proxy/config/problem.h"

namespace poplar::config {

// A configuration file's text under the name that messages give it.
struct Source {
  std::string name;
  std::string text;  // without a byte order mark, so that columns count from the first character
};

// Reads at most a little over kMaxFileBytes; a larger file is a Problem, like one that cannot be
// read.
tl::expected<Source, Problem> ReadSource(const std::string& path);

// Why the file cannot be opened and read, or "" if it can.
std::string WhyUnreadable(const std::string& path);

}  // namespace poplar::config
