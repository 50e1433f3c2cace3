#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "proxy/config/config.h"

// What autoconfig leaves to be concluded from the rest of the configuration.
namespace poplar::config {

// autoconfig.incoming, or what stands for it where it is empty. Unknown listeners are passed over.
std::vector<AutoconfigIncomingConfig> ToldListeners(const Config& config);

// Of names in certificates the first that is no wildcard; empty: there is none.
std::string FirstHostName(const std::vector<std::string>& certificate_names);

// Whether a certificate for this name, which may be a wildcard, is good for the host.
bool Covers(std::string_view certificate_name, std::string_view host);

std::string LowerCase(std::string_view text);

}  // namespace poplar::config
