#pragma once

#include <string>
#include <string_view>
#include <tl/expected.hpp>

namespace poplar::config {

inline constexpr std::string_view kNetworkForm =
    "an IP address or a network, such as 192.0.2.1, 192.0.2.0/24 or 2001:db8::/32";

// Accepts what io::Network::Parse accepts (this folder knows nothing of proxy/io). The error says
// what is wrong, without a full stop.
tl::expected<void, std::string> CheckNetworkText(std::string_view text);

}  // namespace poplar::config
