#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

#include "metrics/admin_handlers.h"

namespace poplar::metrics {

// One HTTP request to the admin endpoint, as whatever library speaks HTTP has read it.
struct AdminRequest {
  struct Header {
    std::string_view name;
    std::string_view value;
  };

  std::string_view method;
  std::string_view path;   // not percent-decoded: a name may hold a slash
  std::string_view query;  // behind the '?', not decoded
  std::string_view peer;   // the client's numeric IP address
  std::span<const Header> headers;
};

struct AdminResponse {
  int status = 200;
  std::string_view content_type;
  std::string_view allow;      // of a 405: the methods that the path has
  std::string_view challenge;  // of a 401: WWW-Authenticate (RFC 9110 section 11.6.1)
  std::string body;
};

// Routes the request to its handler. Throws what a handler throws.
//
// Without a token for reading whoever reaches the endpoint may read. Without one for changes, these
// (POST) are taken only from a loopback address, and not from there either when a browser sends
// them, for a page of anybody's could make it do so, or when a reverse proxy passes them on, for
// then the address says nothing about who asks. No page can make a browser send a token that it
// doesn't know, so with one they are taken from anywhere.
AdminResponse RespondTo(const AdminRequest& request, const AdminHandlers& handlers);

}  // namespace poplar::metrics
