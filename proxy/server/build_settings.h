#pragma once

#include <memory>
#include <string>
#include <tl/expected.hpp>
#include <vector>

#include "proxy/config/config.h"
#include "proxy/server/build_routing.h"
#include "proxy/session/settings.h"

namespace poplar::server {

// Null where there are no certificates. `ticket_keys`: where no file has any, those that have
// sealed tickets so far; null: fresh ones. The error says what, where and why, as that of the next
// ones.
tl::expected<std::shared_ptr<const tls::ServerContext>, std::string> BuildTls(
    const config::TlsConfig& config, std::shared_ptr<const tls::TicketKeys> ticket_keys = {});

// Makes the snapshot that sessions read out of a configuration that has passed its checks: looks
// names up, loads certificates. Blocks.
tl::expected<std::shared_ptr<const session::Settings>, std::string> BuildSettings(
    const config::Config& config);

// The same with a server context that is made already, for all TLS listeners: the demo has no
// files.
tl::expected<std::shared_ptr<const session::Settings>, std::string> BuildSettings(
    const config::Config& config, std::shared_ptr<const tls::ServerContext> tls);

// What a reload has made already.
struct NewParts {
  std::shared_ptr<const tls::ServerContext> tls;
  std::vector<std::vector<balancer::Node>> nodes;  // by cluster, that are listed, with their seats
  NodeAddresses addresses;                         // of these
  std::vector<std::string> user_maps;              // their files, by index
};

// The snapshot that follows another one in a running Poplar: clusters and listeners are the same.
tl::expected<std::shared_ptr<const session::Settings>, std::string> RebuildSettings(
    const config::Config& config, const session::Settings& before, const NewParts& parts);

}  // namespace poplar::server
