#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

// Parts of a request's target as they came over the wire (RFC 3986).
namespace poplar::metrics {

// Resolves %XX. Null: a '%' without two hexadecimal digits behind it.
std::optional<std::string> PercentDecoded(std::string_view text);

// All values that `key` has in `query` ("a=1&b=2", without the '?'), decoded, '+' being a space. A
// key without '=' has the value "", and so has one whose value can't be decoded.
std::vector<std::string> QueryValues(std::string_view query, std::string_view key);

}  // namespace poplar::metrics
