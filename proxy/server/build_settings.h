#pragma once

#include <memory>
#include <string>
#include <tl/expected.hpp>

#include "proxy/config/config.h"
#include "proxy/session/settings.h"

namespace poplar::server {

// Null where there are no certificates. `ticket_keys`: those of the process before this one; null:
// fresh ones.
tl::expected<std::shared_ptr<const tls::ServerContext>, std::string> BuildTls(
    const config::TlsConfig& config, std::shared_ptr<const tls::TicketKeys> ticket_keys = {});

// Makes the snapshot that sessions read out of a configuration that has passed its checks: looks
// names up, loads certificates. Blocks. The error says what, where and why.
tl::expected<std::shared_ptr<const session::Settings>, std::string> BuildSettings(
    const config::Config& config);

// The same with a server context that is made already, for all TLS listeners: the demo has no
// files.
tl::expected<std::shared_ptr<const session::Settings>, std::string> BuildSettings(
    const config::Config& config, std::shared_ptr<const tls::ServerContext> tls);

}  // namespace poplar::server
