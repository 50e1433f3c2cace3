#include "proxy/cli/check_command.h"

#include <cassert>

#include "proxy/config/load.h"

namespace poplar::cli {

int RunCheck(const CheckOptions& options, std::ostream& out, std::ostream& err) {
  assert(options.inspector != nullptr);
  const config::LoadResult loaded =
      config::Load(options.config_path, *options.inspector, options.now, options.names);
  if (!loaded.problems.empty())
    config::RenderReport(loaded.problems, loaded.source, options.color, err);
  if (!loaded.ok()) return 1;
  out << options.config_path << ": OK\n";
  return 0;
}

}  // namespace poplar::cli
