#pragma once

#include <string>
#include <string_view>

namespace poplar::directory {

// The filter that finds a user: in `pattern` %u stands for the whole name, %n for what stands
// before its last @, %d for what stands behind it, %% for a percent sign. Whatever the name, the
// filter compares with it as it is and means nothing more.
std::string RenderLdapFilter(std::string_view pattern, std::string_view user);

// As RFC 4515 has it, for a value of a filter: all but plain ASCII as \xx.
std::string EscapeForLdapFilter(std::string_view value);

}  // namespace poplar::directory
