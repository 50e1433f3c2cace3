#pragma once

#include <string>
#include <tl/expected.hpp>

#include "proxy/config/config.h"
#include "proxy/session/settings.h"

namespace poplar::server {

// What names become and where users are, of a configuration that has passed its checks. The
// settings have their nodes, clusters and listeners already. Reads the aliases file; the error is
// one line for the operator.
tl::expected<void, std::string> SetRouting(const config::Config& config,
                                           session::Settings& settings);

// The user map files that routes refer to, each once: RouteTarget::index counts them.
std::vector<std::string> UserMapFiles(const config::Config& config);

}  // namespace poplar::server
