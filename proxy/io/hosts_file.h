#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "proxy/io/address.h"

namespace poplar::io {

// What a file such as /etc/hosts (hosts(5)) says of a name, upper and lower case being the same:
// each address once, in its order, at most `most`. A file that isn't there says nothing.
std::vector<Address> LookUpInHostsFile(const std::string& path, std::string_view name,
                                       uint16_t port, size_t most);

}  // namespace poplar::io
