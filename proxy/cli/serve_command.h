#pragma once

#include <ostream>
#include <string>

#include "proxy/config/report.h"

namespace poplar::cli {

struct ServeOptions {
  std::string config_path;
  config::Color color = config::Color::kNever;  // of err
};

// `poplar serve`: runs the proxy until it is told to stop. Returns the exit status: 0, or 1 when it
// could not start.
int RunServe(const ServeOptions& options, std::ostream& err);

}  // namespace poplar::cli
