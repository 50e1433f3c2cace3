#pragma once

#include <ostream>
#include <string>

#include "proxy/config/report.h"

namespace poplar::cli {

struct ReloadOptions {
  std::string config_path;
  config::Color color = config::Color::kNever;  // of err
};

// `poplar reload`: tells the Poplar that runs with this configuration to take it anew, and prints
// what has changed. Returns the exit status: 0, or 1 when the configuration has errors, nobody
// answers or it says no; then all is as it was.
int RunReload(const ReloadOptions& options, std::ostream& out, std::ostream& err);

}  // namespace poplar::cli
