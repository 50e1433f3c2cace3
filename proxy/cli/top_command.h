#pragma once

#include <ostream>
#include <string>

#include "proxy/config/report.h"

namespace poplar::cli {

struct TopOptions {
  std::string config_path;
  std::string interval = "1s";
  bool once = false;
  config::Color color = config::Color::kNever;      // of out
  config::Color err_color = config::Color::kNever;  // of err
};

// `poplar top`: what goes on in the Poplar that runs with this configuration, drawn again and again
// until q or Ctrl-C; where there is no terminal, or with `once`, one picture in plain lines.
// Returns the exit status: 0, or 1 when the configuration has errors, the interval is none, nobody
// answers at first or out refuses the text.
int RunTop(const TopOptions& options, std::ostream& out, std::ostream& err);

}  // namespace poplar::cli
