#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <vector>

#include "metrics/move_view.h"
#include "metrics/node_view.h"
#include "metrics/reload_view.h"
#include "metrics/route_view.h"
#include "metrics/session_view.h"
#include "metrics/status_view.h"
#include "metrics/trace_view.h"

namespace poplar::metrics {

enum class SetStateResult { kOk, kUnknownNode };
enum class SetMoveResult { kOk, kUnknownMove };

struct KickResult {
  uint64_t kicked = 0;  // sessions
  uint64_t parked = 0;  // connections of the user's that nobody was using
};

struct UpgradeResult {
  int pid = 0;       // of the process that takes over
  int previous = 0;  // and of the one that drains
};

// What becomes of a question that can't be answered: HTTP's status, and what, why, what to do.
struct ApiFault {
  int status = 503;
  std::string why;
};
template <class Answer>
using ApiResult = tl::expected<Answer, ApiFault>;

// What the admin endpoint serves. Called on the server's own threads, at most kAdminThreads at
// once.
struct AdminHandlers {
  std::function<std::string()> metrics;  // the body of /metrics, mostly Exporter::Text
  std::function<bool()> live;            // false: restart this process
  std::function<bool()> ready;           // false: send no new clients here (starting, draining)

  // Whether a token (RFC 6750) lets its bearer read, and change things; what changes may also read.
  // Empty: none is needed, see admin_access.h.
  std::function<bool(std::string_view token)> may_read;
  std::function<bool(std::string_view token)> may_change;
  // Where they change while the endpoint serves: asked with each request for the two that count
  // then. Empty: those above do.
  struct Tokens {
    std::function<bool(std::string_view token)> may_read;
    std::function<bool(std::string_view token)> may_change;
  };
  std::function<Tokens()> tokens;

  // The rest may be empty: then its path is unknown.
  std::function<std::vector<ClusterView>()> nodes;
  // The change is in force for logins that come after it returns.
  std::function<SetStateResult(std::string_view cluster, std::string_view node, AdminState state)>
      set_state;
  std::function<std::vector<MoveView>()> moves;
  // Likewise.
  std::function<SetMoveResult(std::string_view move, uint32_t permille)> set_move;

  std::function<StatusView()> status;
  std::function<ApiResult<SessionsView>(const SessionQuery& query)> sessions;
  std::function<ApiResult<KickResult>(const KickQuery& query)> kick;
  std::function<ApiResult<RouteView>(const RouteQuery& query)> route;
  // A trace is of sessions that log in after it returns.
  std::function<ApiResult<TraceView>(const TraceQuery& query)> trace;
  std::function<std::vector<TraceView>()> traces;
  std::function<ApiResult<TraceView>(uint64_t id)> untrace;
  // Takes as long as the new process needs to get ready; then it takes over, this endpoint too.
  std::function<ApiResult<UpgradeResult>()> upgrade;
  // Of the configuration; what has changed is in force for whoever comes after it returns.
  std::function<ReloadView()> reload;
};

}  // namespace poplar::metrics
