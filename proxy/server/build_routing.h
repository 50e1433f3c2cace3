#pragma once

#include <absl/functional/function_ref.h>

#include <memory>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <vector>

#include "proxy/config/config.h"
#include "proxy/session/settings.h"

namespace poplar::server {

// Where the listed nodes are, by cluster and in the node table's order.
using NodeAddresses = std::vector<std::vector<io::Address>>;

// What routing goes by besides the configuration.
struct RoutingParts {
  const NodeAddresses& addresses;
  const std::vector<std::string>& user_maps;      // their files: RouteTarget::index counts them
  const balancer::Moves* moves_before = nullptr;  // in a running Poplar
};

// What names become and where users are, of a configuration that has passed its checks. The
// settings have their nodes, clusters and listeners already. Reads the aliases file; the error is
// one line for the operator.
tl::expected<void, std::string> SetRouting(const config::Config& config, const RoutingParts& parts,
                                           session::Settings& settings);

// The parts of it that need nothing but the configuration, and the aliases file.
tl::expected<balancer::CanonicalRules, std::string> BuildCanonicalRules(
    const config::Config& config);
tl::expected<std::shared_ptr<const balancer::RouteTable>, std::string> BuildRules(
    const config::Config& config);
tl::expected<std::shared_ptr<balancer::Moves>, std::string> BuildMoves(
    const config::Config& config, const balancer::CanonicalRules& names,
    absl::FunctionRef<balancer::ClusterId(const std::string& name)> id_of,
    const balancer::Moves* before = nullptr);
// That completes the names of those who come so, instead of the rules' own; empty: none does.
std::string_view DefaultDomainOf(const config::Config& config, size_t listener,
                                 std::string_view server_name);

// The user map files that routes refer to, each once.
std::vector<std::string> UserMapFiles(const config::Config& config);

}  // namespace poplar::server
