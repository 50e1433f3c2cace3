#pragma once

#include <string>
#include <tl/expected.hpp>

#include "proxy/io/address.h"

namespace poplar::io {

// The first address of a host name, by the system's resolver. Blocks: at start only, never on a
// worker.
tl::expected<Address, std::string> LookUpName(const std::string& host, uint16_t port);

}  // namespace poplar::io
