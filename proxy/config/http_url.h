#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <tl/expected.hpp>

namespace poplar::config {

// Where to ask: an http or https URL without user and fragment.
struct HttpUrl {
  bool tls = false;
  std::string host;  // a name or an address, without brackets
  uint16_t port = 0;
  std::string authority;  // for the header Host: as it was written
  std::string target;     // path and query: "/auth?x=1"
};

// The error says what is wrong with it.
tl::expected<HttpUrl, std::string> ParseHttpUrl(std::string_view text);

}  // namespace poplar::config
