#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <tl/expected.hpp>

#include "metrics/admin_server.h"

namespace poplar::metrics {

// For the whole answer to a request.
inline constexpr int kAdminAnswerTimeoutMs = 5000;
// More than /nodes says of ten thousand nodes.
inline constexpr size_t kAdminAnswerBytesMax = size_t{8} << 20;

struct AdminAnswer {
  int status = 0;
  std::string body;
};

// Asks the admin endpoint of another process, with "GET" or "POST" and such as "/nodes". Blocks.
// `token`: to be shown; empty: none. The error says in a few words why nobody has answered.
tl::expected<AdminAnswer, std::string> AskAdmin(const AdminAddress& address,
                                                std::string_view method, std::string_view target,
                                                std::string_view token = {},
                                                int timeout_ms = kAdminAnswerTimeoutMs);

}  // namespace poplar::metrics
