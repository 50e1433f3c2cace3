#pragma once

#include <ostream>
#include <string>

#include "proxy/config/report.h"

namespace poplar::cli {

struct AutoconfigOptions {
  std::string config_path;
  config::Color color = config::Color::kNever;  // of err
};

// `poplar autoconfig dns`: the DNS records by which mail clients set themselves up, as lines of a
// zone file. Returns the exit status: 0, or 1 when the configuration has errors or says nothing of
// autoconfig.
int RunAutoconfigDns(const AutoconfigOptions& options, std::ostream& out, std::ostream& err);

}  // namespace poplar::cli
