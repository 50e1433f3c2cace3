#pragma once

#include <string>
#include <string_view>

namespace poplar::metrics {

// `text` as a JSON string with its quotes (RFC 8259 section 7). Each byte that is not part of
// well-formed UTF-8 becomes U+FFFD.
std::string JsonString(std::string_view text);

}  // namespace poplar::metrics
