#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>

#include "metrics/admin_handlers.h"
#include "metrics/admin_request.h"

// Who may read, and who may change something.
//
// Without a token for reading whoever reaches the endpoint may read. With one it is shown as
// Authorization: Bearer TOKEN (RFC 6750), or, for browsers, as the password of HTTP Basic (RFC
// 7617), whatever the user's name.
//
// Without a token for changes, these (POST) are taken only from a loopback address, and not from
// there either when a browser sends them, for a page of anybody's could make it do so, or when a
// reverse proxy passes them on, for then the address says nothing about who asks. No page can make
// a browser send a Bearer token that it doesn't know, so with one they are taken from anywhere.
// What Basic carries never changes anything: browsers send it by themselves, to any page's bidding.
namespace poplar::metrics {

struct AccessDenial {
  int status = 403;
  std::string why;  // and what to do: one sentence or two, without a line end
  ChallengeList challenges = {};
};

// Null: it may.
std::optional<AccessDenial> WhyNoReading(const AdminRequest& request,
                                         const AdminHandlers& handlers);
std::optional<AccessDenial> WhyNoChange(const AdminRequest& request, const AdminHandlers& handlers);

}  // namespace poplar::metrics
