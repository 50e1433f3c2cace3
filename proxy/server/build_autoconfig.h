#pragma once

#include <memory>
#include <string>
#include <tl/expected.hpp>
#include <vector>

#include "proxy/autoconfig/service.h"
#include "proxy/config/config.h"

namespace poplar::server {

// What clients are told by a configuration that has passed its checks. `certificate_names`: the
// host names in tls.certificates.
tl::expected<autoconfig::MailService, std::string> BuildMailService(
    const config::Config& config, const std::vector<std::string>& certificate_names);

// The same, and how it is told; null where nothing listens. Loads certificates.
tl::expected<std::shared_ptr<autoconfig::Service>, std::string> BuildAutoconfig(
    const config::Config& config);

// Of all of tls.certificates, in order.
tl::expected<std::vector<std::string>, std::string> CertificateNames(
    const config::TlsConfig& config);

}  // namespace poplar::server
