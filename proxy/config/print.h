#pragma once

#include <string>

#include "proxy/config/config.h"

namespace poplar::config {

// All defaults, and in each list one element with the descriptions' examples.
Config ExampleConfig();

// The configuration as YAML, every setting under a comment with its help, what it accepts and its
// default. Read gives the same configuration back.
std::string Print(const Config& config);

}  // namespace poplar::config
