#pragma once

#include <string>
#include <tl/expected.hpp>

#include "proxy/admission/policy.h"
#include "proxy/config/config.h"
#include "proxy/session/settings.h"

namespace poplar::server {

// The parts of the snapshot that say who may connect, how fast, and who may delete. The errors name
// a setting; a configuration that has passed its checks has none.

tl::expected<admission::Policy, std::string> BuildAdmission(const config::Config& config);

tl::expected<admission::AccessList, std::string> BuildAccess(const config::AccessConfig& from);

tl::expected<session::ClusterPolicy, std::string> BuildClusterPolicy(
    const config::ClusterConfig& from, const balancer::CanonicalRules& canonical);

}  // namespace poplar::server
