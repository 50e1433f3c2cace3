#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace poplar::autoconfig {

struct HttpResponse {
  int status = 200;
  std::string_view type = "text/plain; charset=utf-8";
  std::string body = {};
  std::string field = {};  // one more header field, whole; empty: none
};

// A refusal in a line of plain text.
HttpResponse PlainResponse(int status);

// As it goes over the wire; the connection ends behind it. `with_body`: no for HEAD. `unix_micros`:
// now.
std::string Serialize(const HttpResponse& response, bool with_body, int64_t unix_micros);

}  // namespace poplar::autoconfig
