#pragma once

#include "proxy/config/config.h"
#include "proxy/server/route_find.h"

namespace poplar::cli {

// What rules refer to, as far as a process can tell that serves nobody: it reads the user maps, and
// asks LDAP directories, for they want no password. Blocks, for a directory's timeout at most. The
// configuration outlives it.
server::RouteSources SourcesOf(const config::Config& config);

}  // namespace poplar::cli
