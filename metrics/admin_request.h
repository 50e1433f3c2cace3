#pragma once

#include <array>
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

  bool reads() const { return method == "GET" || method == "HEAD"; }
  // The first of that name, in any case; null: there is none.
  const Header* Find(std::string_view name) const;
};

// WWW-Authenticate (RFC 9110 section 11.6.1), one header each; empty ones are none.
using ChallengeList = std::array<std::string_view, 2>;

struct AdminResponse {
  int status = 200;
  std::string_view content_type;
  std::string_view allow;         // of a 405: the methods that the path has
  ChallengeList challenges = {};  // of a 401
  std::string body;
};

// Routes the request to its handler; who may make it: admin_access.h. Throws what a handler throws.
AdminResponse RespondTo(const AdminRequest& request, const AdminHandlers& handlers);

// ASCII.
bool EqualsIgnoringCase(std::string_view a, std::string_view b);

}  // namespace poplar::metrics
