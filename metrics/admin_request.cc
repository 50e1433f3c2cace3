#include "metrics/admin_request.h"

#include <algorithm>
#include <cctype>
#include <optional>
#include <tl/expected.hpp>
#include <utility>

#include "metrics/admin_access.h"
#include "metrics/admin_answers.h"
#include "metrics/admin_api.h"
#include "metrics/exporter.h"
#include "metrics/move_page.h"
#include "metrics/node_page.h"
#include "metrics/url.h"

namespace poplar::metrics {
namespace {

constexpr std::string_view kNodePrefix = "/nodes/";
constexpr std::string_view kMovePrefix = "/moves/";

AdminResponse WrongMethod(std::string_view allow) {
  AdminResponse response = PlainText(405, std::string(allow) + " only\n");
  response.allow = allow;
  return response;
}

AdminResponse Denied(AccessDenial denial) {
  AdminResponse response = PlainText(denial.status, std::move(denial.why) + "\n");
  response.challenges = denial.challenges;
  return response;
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
  if (auto denial = WhyNoChange(request, handlers)) return Denied(std::move(*denial));
  const auto node = ParseNode(request.path.substr(kNodePrefix.size()));
  if (!node) return PlainText(400, "POST /nodes/CLUSTER/NODE?state=up|drain|down\n");
  const std::optional<AdminState> state = ParseState(request);
  if (!state) {
    return PlainText(400,
                     "say ?state=up, ?state=drain (no new users) or ?state=down (its sessions "
                     "are dropped, too)\n");
  }
  if (handlers.set_state(node->cluster, node->node, *state) == SetStateResult::kUnknownNode) {
    return PlainText(404, "no such node; GET /nodes lists them all\n");
  }
  return PlainText(200,
                   node->cluster + "/" + node->node + ": " + std::string(TextOf(*state)) + "\n");
}

AdminResponse ChangeMove(const AdminRequest& request, const AdminHandlers& handlers) {
  if (request.method != "POST") return WrongMethod("POST");
  if (auto denial = WhyNoChange(request, handlers)) return Denied(std::move(*denial));
  const auto name = PercentDecoded(request.path.substr(kMovePrefix.size()));
  if (!name || name->empty()) return PlainText(400, "POST /moves/NAME?percent=30\n");
  const std::vector<std::string> values = QueryValues(request.query, "percent");
  const auto permille = values.size() == 1 ? ParsePercent(values.front()) : std::nullopt;
  if (!permille)
    return PlainText(400,
                     "say ?percent=, from 0 to 100, with one digit behind the point at most\n");
  if (handlers.set_move(*name, *permille) == SetMoveResult::kUnknownMove)
    return PlainText(404, "no such move; GET /moves lists them all\n");
  return PlainText(200,
                   *name + ": " + PercentText(*permille) +
                       " percent. Change percent in the configuration file too: it counts at the "
                       "next start. With replicas, tell each of them.\n");
}

// Whether a table is asked for, rather than JSON; or that it is neither.
tl::expected<bool, AdminResponse> WantsTable(const AdminRequest& request) {
  const std::vector<std::string> formats = QueryValues(request.query, "format");
  const AdminRequest::Header* accept = request.Find("Accept");
  bool is_table = accept != nullptr && accept->value.find("text/html") != std::string_view::npos;
  if (!formats.empty()) {
    is_table = formats.front() == "text";
    if (formats.size() != 1 || (!is_table && formats.front() != "json")) {
      return tl::unexpected(PlainText(400, "say ?format=json or ?format=text\n"));
    }
  }
  return is_table;
}

AdminResponse ShowNodes(const AdminRequest& request, const AdminHandlers& handlers) {
  const auto as_table = WantsTable(request);
  if (!as_table) return as_table.error();
  const std::vector<ClusterView> clusters = handlers.nodes();
  return *as_table ? PlainText(200, NodesAsTable(clusters)) : Json(NodesAsJson(clusters));
}

AdminResponse ShowMoves(const AdminRequest& request, const AdminHandlers& handlers) {
  const auto as_table = WantsTable(request);
  if (!as_table) return as_table.error();
  const std::vector<MoveView> moves = handlers.moves();
  return *as_table ? PlainText(200, MovesAsTable(moves)) : Json(MovesAsJson(moves));
}

AdminResponse Answer(bool is_good, std::string_view good) {
  if (is_good) return PlainText(200, std::string(good) + "\n");
  return PlainText(503, "not " + std::string(good) + "\n");
}

}  // namespace

bool EqualsIgnoringCase(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](unsigned char x, unsigned char y) {
    return std::tolower(x) == std::tolower(y);
  });
}

const AdminRequest::Header* AdminRequest::Find(std::string_view name) const {
  const auto found = std::find_if(headers.begin(), headers.end(), [name](const Header& header) {
    return EqualsIgnoringCase(header.name, name);
  });
  return found == headers.end() ? nullptr : &*found;
}

AdminResponse RespondTo(const AdminRequest& request, const AdminHandlers& handlers) {
  const std::string_view path = request.path;
  if (path.starts_with(kApiPrefix)) return RespondToApi(request, handlers);
  if (path.starts_with(kNodePrefix) && handlers.set_state) return ChangeNode(request, handlers);
  if (path.starts_with(kMovePrefix) && handlers.set_move) return ChangeMove(request, handlers);
  const bool is_nodes = path == "/nodes" && handlers.nodes;
  const bool is_moves = path == "/moves" && handlers.moves;
  if (!is_nodes && !is_moves && path != "/metrics" && path != "/livez" && path != "/readyz") {
    return PlainText(404, "see /metrics, /nodes, /moves, /livez, /readyz, /api/v1/status\n");
  }
  if (!request.reads()) return WrongMethod(kReadingMethods);
  if (path == "/livez") return Answer(handlers.live(), "live");
  if (path == "/readyz") return Answer(handlers.ready(), "ready");
  if (auto denial = WhyNoReading(request, handlers)) return Denied(std::move(*denial));
  if (is_nodes) return ShowNodes(request, handlers);
  if (is_moves) return ShowMoves(request, handlers);
  AdminResponse response{.content_type = kExpositionContentType};
  response.body = handlers.metrics();
  return response;
}

}  // namespace poplar::metrics
