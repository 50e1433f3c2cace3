#pragma once

#include <string_view>

#include "metrics/admin_handlers.h"
#include "metrics/admin_request.h"

namespace poplar::metrics {

inline constexpr std::string_view kApiPrefix = "/api/v1/";

// The part of the admin endpoint that programs use: JSON, whatever the outcome. What is served is
// in README.md. The path begins with kApiPrefix.
AdminResponse RespondToApi(const AdminRequest& request, const AdminHandlers& handlers);

}  // namespace poplar::metrics
