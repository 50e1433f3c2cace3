#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <tl/expected.hpp>

#include "metrics/admin_handlers.h"

namespace poplar::metrics {

struct AdminAddress {
  std::string
      host;  // a numeric IPv4 address, or IPv6 (no brackets) where civetweb was built with it
  uint16_t port = 0;  // 0: the kernel chooses
};

// Browsers open connections ahead of need, and each holds one of them for a while.
inline constexpr int kAdminThreads = 6;
// One connection may hold a thread for this long and no longer.
inline constexpr int kAdminRequestTimeoutMs = 3000;
// Request line and headers together.
inline constexpr int kAdminMaxRequestBytes = 8192;
// No request needs a body; a small one is read and ignored, for some clients always send one.
inline constexpr size_t kAdminMaxBodyBytes = 1024;

// The administrative HTTP endpoint: GET and HEAD of /metrics, /nodes, /moves, /livez and
// /readyz, POST of /nodes/CLUSTER/NODE?state=up|drain|down and /moves/NAME?percent=30 (who may: see
// admin_request.h). Plain HTTP only (a TLS
// option would make its library load OpenSSL beside BoringSSL). Its threads block all signals, so
// that they stay with whoever handles them.
class AdminServer {
 public:
  // The error is one line for a person: what could not be listened on, and why.
  static tl::expected<std::unique_ptr<AdminServer>, std::string> Start(const AdminAddress& address,
                                                                       AdminHandlers handlers);

  // Stops listening and joins the threads; a request in progress is finished first.
  ~AdminServer();
  AdminServer(const AdminServer&) = delete;
  AdminServer& operator=(const AdminServer&) = delete;

  // The port bound, also where the address said 0.
  uint16_t port() const { return port_; }

 private:
  struct Context;  // what the library's callbacks see; stays where it is

  AdminServer(std::unique_ptr<Context> context, std::string host, uint16_t port);

  std::unique_ptr<Context> context_;
  std::string host_;
  uint16_t port_;
};

}  // namespace poplar::metrics
