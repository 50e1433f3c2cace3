#pragma once

#include <string>
#include <tl/expected.hpp>
#include <vector>

#include "proxy/io/address.h"

namespace poplar::io {

// The addresses of a host name, by the system's resolver and in its order; never none. Blocks: at
// start only, never on a worker.
tl::expected<std::vector<Address>, std::string> LookUpNames(const std::string& host, uint16_t port);
// The first of them.
tl::expected<Address, std::string> LookUpName(const std::string& host, uint16_t port);

}  // namespace poplar::io
