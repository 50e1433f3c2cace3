#pragma once

#include <string>
#include <string_view>

#include "metrics/admin_request.h"

// The forms that the admin endpoint's answers have.
namespace poplar::metrics {

inline constexpr std::string_view kReadingMethods = "GET, HEAD";

AdminResponse PlainText(int status, std::string body);
AdminResponse Json(std::string body);
// {"error":"..."}: what, why, what to do.
AdminResponse JsonError(int status, std::string_view why);

}  // namespace poplar::metrics
