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

// From here on, for the calling thread and whatever library it is in: a name server that says
// nothing is waited for two seconds and asked once, rather than ten and twice. For threads that a
// stop has to wait for. Reads the system's settings anew.
void LimitNameLookUps();

}  // namespace poplar::io
