#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

// Parts of a request's target as they came over the wire (RFC 3986).
namespace poplar::metrics {

// Resolves %XX. Null: a '%' without two hexadecimal digits behind it.
std::optional<std::string> PercentDecoded(std::string_view text);

// Whatever isn't unreserved becomes %XX: fit for any part of a target.
std::string PercentEncoded(std::string_view text);

// All of `query` ("a=1&b=2", without the '?'), decoded, '+' being a space: keys with their values,
// of which one that can't be decoded is null. A key without '=' has the value "". What has no key,
// or one that can't be decoded, is left out.
std::vector<std::pair<std::string, std::optional<std::string>>> QueryPairs(std::string_view query);

// All values that `key` has in it; one that can't be decoded is "".
std::vector<std::string> QueryValues(std::string_view query, std::string_view key);

}  // namespace poplar::metrics
