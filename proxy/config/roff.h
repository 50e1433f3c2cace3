#pragma once

#include <string>
#include <string_view>

namespace poplar::config {

// Text as a manual page's source has it: nothing in it is taken for a request or an escape, and a
// hyphen stays one that can be searched for and copied.
std::string RoffText(std::string_view text);

// A paragraph of it, with a line's end.
std::string RoffLine(std::string_view text);

}  // namespace poplar::config
