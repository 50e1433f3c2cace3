#pragma once

#include <ostream>
#include <string>

#include "proxy/config/report.h"

namespace poplar::cli {

struct UpgradeOptions {
  std::string config_path;
  config::Color color = config::Color::kNever;  // of err
};

// `poplar upgrade`: has the Poplar that runs with this configuration start the program that lies at
// its own path now, which takes over. Returns the exit status: 0, or 1 when the configuration has
// errors, nobody answers or the new process can't take over.
int RunUpgrade(const UpgradeOptions& options, std::ostream& out, std::ostream& err);

}  // namespace poplar::cli
