#pragma once

#include <string>
#include <string_view>

namespace poplar::config {

// The text in double quotes for a message: control characters escaped, so that a file cannot drive
// the terminal, and cut after 64 bytes.
std::string Quote(std::string_view text);

// The text as a YAML double-quoted scalar, whole. Reads back as the same bytes.
std::string QuoteYaml(std::string_view text);

}  // namespace poplar::config
