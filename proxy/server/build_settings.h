#pragma once

#include <memory>
#include <string>
#include <tl/expected.hpp>

#include "proxy/config/config.h"
#include "proxy/session/settings.h"

namespace poplar::server {

// Makes the snapshot that sessions read out of a configuration that has passed its checks: looks
// names up, loads certificates. Blocks. The error says what, where and why.
tl::expected<std::shared_ptr<const session::Settings>, std::string> BuildSettings(
    const config::Config& config);

// The same with a server context that is made already, for all TLS listeners: the demo has no
// files.
tl::expected<std::shared_ptr<const session::Settings>, std::string> BuildSettings(
    const config::Config& config, std::shared_ptr<const tls::ServerContext> tls);

}  // namespace poplar::server
