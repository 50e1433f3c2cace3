#pragma once

#include <string>
#include <string_view>

namespace poplar::cli {

// The text as a JSON string with its quotes, always valid JSON: UTF-8 stays as it is; of a text
// that is not UTF-8 each byte over 127 is written as the code point of its number, as the log does.
std::string JsonString(std::string_view text);

}  // namespace poplar::cli
