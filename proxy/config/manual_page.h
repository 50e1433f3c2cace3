#pragma once

#include <string>
#include <string_view>

namespace poplar::config {

// The manual page poplar.yaml(5) as man(7) source: every setting by its full path, from the same
// descriptions that the reader and the printed reference have.
std::string ManualPage(std::string_view version);

}  // namespace poplar::config
