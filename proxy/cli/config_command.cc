#include "proxy/cli/config_command.h"

#include "proxy/config/print.h"

namespace poplar::cli {

int RunConfig(std::ostream& out) {
  out << config::Print(config::ExampleConfig()) << std::flush;
  return out.good() ? 0 : 1;
}

}  // namespace poplar::cli
