#pragma once

#include <cstddef>
#include <string>
#include <tl/expected.hpp>

namespace poplar::config {

// A command line to a node has room for more; no server takes a longer password.
inline constexpr size_t kMaxPasswordBytes = 512;

// The first line of the file, without its line end: 1 to kMaxPasswordBytes bytes, no control
// character. The caller wipes it. The error fits behind the file's name ("cannot be read: ...").
tl::expected<std::string, std::string> ReadPasswordFile(const std::string& path);

}  // namespace poplar::config
