#include "metrics/admin_request.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <optional>
#include <tl/expected.hpp>
#include <utility>

#include "metrics/exporter.h"
#include "metrics/move_page.h"
#include "metrics/node_page.h"
#include "metrics/url.h"

namespace poplar::metrics {
namespace {

constexpr std::string_view kPlainText = "text/plain; charset=utf-8";
constexpr std::string_view kJson = "application/json";
constexpr std::string_view kReading = "GET, HEAD";
constexpr std::string_view kNodePrefix = "/nodes/";
constexpr std::string_view kMovePrefix = "/moves/";

AdminResponse Text(int status, std::string body) {
  AdminResponse response{.status = status, .content_type = kPlainText};
  response.body = std::move(body);
  return response;
}

AdminResponse WrongMethod(std::string_view allow) {
  AdminResponse response = Text(405, std::string(allow) + " only\n");
  response.allow = allow;
  return response;
}

bool EqualsIgnoringCase(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](unsigned char x, unsigned char y) {
    return std::tolower(x) == std::tolower(y);
  });
}

const AdminRequest::Header* Find(const AdminRequest& request, std::string_view name) {
  for (const AdminRequest::Header& header : request.headers) {
    if (EqualsIgnoringCase(header.name, name)) return &header;
  }
  return nullptr;
}

bool IsLoopback(std::string_view peer) {
  const std::string text(peer);
  in_addr v4{};
  if (::inet_pton(AF_INET, text.c_str(), &v4) == 1) return (ntohl(v4.s_addr) >> 24) == 127;
  in6_addr v6{};
  if (::inet_pton(AF_INET6, text.c_str(), &v6) != 1) return false;
  return IN6_IS_ADDR_LOOPBACK(&v6) || (IN6_IS_ADDR_V4MAPPED(&v6) && v6.s6_addr[12] == 127);
}

// The token that the request bears; empty: none, or not in this form.
std::string_view TokenOf(const AdminRequest& request) {
  constexpr std::string_view kScheme = "Bearer ";
  const AdminRequest::Header* header = Find(request, "Authorization");
  if (header == nullptr || header->value.size() <= kScheme.size()) return {};
  if (!EqualsIgnoringCase(header->value.substr(0, kScheme.size()), kScheme)) return {};
  return header->value.substr(kScheme.size());
}

AdminResponse Unauthorized(std::string body) {
  AdminResponse response = Text(401, std::move(body));
  response.challenge = "Bearer realm=\"poplar\"";
  return response;
}

// Null: it may.
std::optional<AdminResponse> WhyNoReading(const AdminRequest& request,
                                          const AdminHandlers& handlers) {
  if (!handlers.may_read) return std::nullopt;
  const std::string_view token = TokenOf(request);
  if (handlers.may_read(token) || (handlers.may_change && handlers.may_change(token)))
    return std::nullopt;
  return Unauthorized(
      "This needs the token of admin.read_token_file: Authorization: Bearer TOKEN\n");
}

// Why a request without a token must not change anything; null: it may. Browsers put Origin on
// every POST to another site (Fetch standard, section 3.1) and, where they are old, at least
// Referer.
std::optional<std::string> WhyDistrusted(const AdminRequest& request) {
  if (!IsLoopback(request.peer)) {
    return "Without admin.write_token_file changes are taken from this machine's loopback address "
           "only; this request came from " +
           std::string(request.peer) + ". Send it on this machine (ssh, kubectl exec).\n";
  }
  for (const std::string_view name : {"Origin", "Sec-Fetch-Site", "Referer"}) {
    if (Find(request, name) == nullptr) continue;
    return "Changes are not taken from browsers, for any web page could make them behind your "
           "back; this request has the header " +
           std::string(name) + ". Use curl.\n";
  }
  for (const std::string_view name : {"Forwarded", "X-Forwarded-For", "Via"}) {
    if (Find(request, name) == nullptr) continue;
    return "Changes are not taken from proxies, for they hide who asks; this request has the "
           "header " +
           std::string(name) + ". Send it straight to Poplar.\n";
  }
  return std::nullopt;
}

// Null: it may change things.
std::optional<AdminResponse> WhyNoChange(const AdminRequest& request,
                                         const AdminHandlers& handlers) {
  if (!handlers.may_change) {
    std::optional<std::string> why = WhyDistrusted(request);
    return why ? std::optional(Text(403, std::move(*why))) : std::nullopt;
  }
  const std::string_view token = TokenOf(request);
  if (handlers.may_change(token)) return std::nullopt;
  if (handlers.may_read && handlers.may_read(token))
    return Text(403, "This token is for reading; changes need that of admin.write_token_file.\n");
  return Unauthorized(
      "Changes need the token of admin.write_token_file: Authorization: Bearer TOKEN\n");
}

std::optional<AdminState> ParseState(const AdminRequest& request) {
  const std::vector<std::string> values = QueryValues(request.query, "state");
  const auto& names = LabelTraits<AdminState>::kValues;
  const auto* found =
      values.size() == 1 ? std::find(names.begin(), names.end(), values.front()) : names.end();
  if (found == names.end()) return std::nullopt;
  return static_cast<AdminState>(found - names.begin());
}

struct NodeAddress {
  std::string cluster;
  std::string node;
};

// What follows "/nodes/": CLUSTER/NODE, each percent-encoded. Null: it isn't that.
std::optional<NodeAddress> ParseNode(std::string_view rest) {
  const size_t slash = rest.find('/');
  if (slash == rest.npos || rest.find('/', slash + 1) != rest.npos) return std::nullopt;
  std::optional<std::string> cluster = PercentDecoded(rest.substr(0, slash));
  std::optional<std::string> node = PercentDecoded(rest.substr(slash + 1));
  if (!cluster || !node || cluster->empty() || node->empty()) return std::nullopt;
  return NodeAddress{std::move(*cluster), std::move(*node)};
}

AdminResponse ChangeNode(const AdminRequest& request, const AdminHandlers& handlers) {
  if (request.method != "POST") return WrongMethod("POST");
  if (auto why_not = WhyNoChange(request, handlers)) return std::move(*why_not);
  const auto node = ParseNode(request.path.substr(kNodePrefix.size()));
  if (!node) return Text(400, "POST /nodes/CLUSTER/NODE?state=up|drain|down\n");
  const std::optional<AdminState> state = ParseState(request);
  if (!state) {
    return Text(400,
                "say ?state=up, ?state=drain (no new users) or ?state=down (its sessions "
                "are dropped, too)\n");
  }
  if (handlers.set_state(node->cluster, node->node, *state) == SetStateResult::kUnknownNode) {
    return Text(404, "no such node; GET /nodes lists them all\n");
  }
  return Text(200, node->cluster + "/" + node->node + ": " + std::string(TextOf(*state)) + "\n");
}

AdminResponse ChangeMove(const AdminRequest& request, const AdminHandlers& handlers) {
  if (request.method != "POST") return WrongMethod("POST");
  if (auto why_not = WhyNoChange(request, handlers)) return std::move(*why_not);
  const auto name = PercentDecoded(request.path.substr(kMovePrefix.size()));
  if (!name || name->empty()) return Text(400, "POST /moves/NAME?percent=30\n");
  const std::vector<std::string> values = QueryValues(request.query, "percent");
  const auto permille = values.size() == 1 ? ParsePercent(values.front()) : std::nullopt;
  if (!permille)
    return Text(400, "say ?percent=, from 0 to 100, with one digit behind the point at most\n");
  if (handlers.set_move(*name, *permille) == SetMoveResult::kUnknownMove)
    return Text(404, "no such move; GET /moves lists them all\n");
  return Text(200, *name + ": " + PercentText(*permille) +
                       " percent. Change percent in the configuration file too: it counts at the "
                       "next start. With replicas, tell each of them.\n");
}

// Whether a table is asked for, rather than JSON; or that it is neither.
tl::expected<bool, AdminResponse> WantsTable(const AdminRequest& request) {
  const std::vector<std::string> formats = QueryValues(request.query, "format");
  const AdminRequest::Header* accept = Find(request, "Accept");
  bool is_table = accept != nullptr && accept->value.find("text/html") != std::string_view::npos;
  if (!formats.empty()) {
    is_table = formats.front() == "text";
    if (formats.size() != 1 || (!is_table && formats.front() != "json")) {
      return tl::unexpected(Text(400, "say ?format=json or ?format=text\n"));
    }
  }
  return is_table;
}

AdminResponse Json(std::string body) {
  AdminResponse response{.content_type = kJson};
  response.body = std::move(body);
  return response;
}

AdminResponse ShowNodes(const AdminRequest& request, const AdminHandlers& handlers) {
  const auto as_table = WantsTable(request);
  if (!as_table) return as_table.error();
  const std::vector<ClusterView> clusters = handlers.nodes();
  return *as_table ? Text(200, NodesAsTable(clusters)) : Json(NodesAsJson(clusters));
}

AdminResponse ShowMoves(const AdminRequest& request, const AdminHandlers& handlers) {
  const auto as_table = WantsTable(request);
  if (!as_table) return as_table.error();
  const std::vector<MoveView> moves = handlers.moves();
  return *as_table ? Text(200, MovesAsTable(moves)) : Json(MovesAsJson(moves));
}

AdminResponse Answer(bool is_good, std::string_view good) {
  if (is_good) return Text(200, std::string(good) + "\n");
  return Text(503, "not " + std::string(good) + "\n");
}

}  // namespace

AdminResponse RespondTo(const AdminRequest& request, const AdminHandlers& handlers) {
  const std::string_view path = request.path;
  if (path.starts_with(kNodePrefix) && handlers.set_state) return ChangeNode(request, handlers);
  if (path.starts_with(kMovePrefix) && handlers.set_move) return ChangeMove(request, handlers);
  const bool is_nodes = path == "/nodes" && handlers.nodes;
  const bool is_moves = path == "/moves" && handlers.moves;
  if (!is_nodes && !is_moves && path != "/metrics" && path != "/livez" && path != "/readyz") {
    return Text(404, "see /metrics, /nodes, /moves, /livez, /readyz\n");
  }
  if (request.method != "GET" && request.method != "HEAD") return WrongMethod(kReading);
  if (path == "/livez") return Answer(handlers.live(), "live");
  if (path == "/readyz") return Answer(handlers.ready(), "ready");
  if (auto why_not = WhyNoReading(request, handlers)) return std::move(*why_not);
  if (is_nodes) return ShowNodes(request, handlers);
  if (is_moves) return ShowMoves(request, handlers);
  AdminResponse response{.content_type = kExpositionContentType};
  response.body = handlers.metrics();
  return response;
}

}  // namespace poplar::metrics
