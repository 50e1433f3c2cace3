#include "metrics/admin_api.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <initializer_list>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "metrics/admin_access.h"
#include "metrics/admin_answers.h"
#include "metrics/json.h"
#include "metrics/node_page.h"
#include "metrics/route_page.h"
#include "metrics/session_page.h"
#include "metrics/status_json.h"
#include "metrics/trace_page.h"
#include "metrics/url.h"

namespace poplar::metrics {
namespace {

template <class T>
using OrRefusal = tl::expected<T, AdminResponse>;
using Parameters = std::map<std::string, std::string, std::less<>>;

tl::unexpected<AdminResponse> Refuse(int status, std::string_view why) {
  return tl::unexpected(JsonError(status, why));
}

// Each at most once, and none that means nothing: a misspelt one would be a wish that nobody hears.
OrRefusal<Parameters> ParametersOf(const AdminRequest& request,
                                   std::initializer_list<std::string_view> known) {
  Parameters parameters;
  std::string names;
  for (const std::string_view name : known) names.append(names.empty() ? "" : ", ").append(name);
  for (auto& [key, value] : QueryPairs(request.query)) {
    if (std::find(known.begin(), known.end(), key) == known.end()) {
      return Refuse(400, "unknown parameter \"" + key + "\"; " +
                             (names.empty() ? "this takes none" : "this takes " + names));
    }
    if (!value) return Refuse(400, key + " can't be decoded; a % is written as %25");
    const auto [at, is_new] = parameters.try_emplace(key, std::move(*value));
    if (!is_new) return Refuse(400, key + " is said more than once; say it once");
  }
  return parameters;
}

// Empty: it isn't said.
std::string Take(Parameters& parameters, std::string_view name) {
  const auto found = parameters.find(name);
  return found == parameters.end() ? std::string() : std::move(found->second);
}

template <class Answer>
AdminResponse OrFault(const ApiResult<Answer>& answer, std::string (*as_json)(const Answer&)) {
  if (!answer) return JsonError(answer.error().status, answer.error().why);
  return Json(as_json(*answer));
}

// --- what can be read

AdminResponse ShowStatus(const AdminRequest& request, const AdminHandlers& handlers) {
  const auto parameters = ParametersOf(request, {});
  return parameters ? Json(StatusAsJson(handlers.status())) : parameters.error();
}

AdminResponse ShowNodes(const AdminRequest& request, const AdminHandlers& handlers) {
  const auto parameters = ParametersOf(request, {});
  return parameters ? Json(NodesAsJson(handlers.nodes())) : parameters.error();
}

AdminResponse ShowPools(const AdminRequest& request, const AdminHandlers& handlers) {
  const auto parameters = ParametersOf(request, {});
  return parameters ? Json(PoolsAsJson(handlers.nodes())) : parameters.error();
}

// Null: it is none from 1 to kSessionsShownMax.
std::optional<size_t> ParseLimit(const std::string& text) {
  size_t limit = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), limit);
  const bool is_number = error == std::errc() && end == text.data() + text.size();
  if (!is_number || limit < 1 || limit > kSessionsShownMax) return std::nullopt;
  return limit;
}

AdminResponse ShowSessions(const AdminRequest& request, const AdminHandlers& handlers) {
  auto parameters = ParametersOf(request, {"user", "node", "client", "limit"});
  if (!parameters) return parameters.error();
  SessionQuery query{.user = Take(*parameters, "user"),
                     .node = Take(*parameters, "node"),
                     .client = Take(*parameters, "client")};
  if (const std::string text = Take(*parameters, "limit"); !text.empty()) {
    const auto limit = ParseLimit(text);
    if (!limit) {
      return JsonError(400, "limit is a number from 1 to " + std::to_string(kSessionsShownMax) +
                                "; left out, it is " + std::to_string(kSessionsShown));
    }
    query.limit = *limit;
  }
  return OrFault(handlers.sessions(query), &SessionsAsJson);
}

std::string RouteWithoutNulls(const RouteView& route) {
  return RouteAsJson(route, Unknown::kLeftOut) + "\n";
}

AdminResponse ShowRoute(const AdminRequest& request, const AdminHandlers& handlers) {
  auto parameters = ParametersOf(request, {"user", "listener", "server_name"});
  if (!parameters) return parameters.error();
  const RouteQuery query{.user = Take(*parameters, "user"),
                         .listener = Take(*parameters, "listener"),
                         .server_name = Take(*parameters, "server_name")};
  if (query.user.empty()) return JsonError(400, "say ?user=, the name as a client would type it");
  return OrFault(handlers.route(query), &RouteWithoutNulls);
}

AdminResponse ShowTraces(const AdminRequest& request, const AdminHandlers& handlers) {
  const auto parameters = ParametersOf(request, {});
  return parameters ? Json(TracesAsJson(handlers.traces())) : parameters.error();
}

// --- what changes something

struct NodeName {
  std::string cluster;
  std::string node;
};

// The node that is meant; its cluster may be left out where it is the only one that has it.
OrRefusal<NodeName> FindNode(const AdminRequest& request, const AdminHandlers& handlers) {
  auto parameters = ParametersOf(request, {"cluster", "node"});
  if (!parameters) return tl::unexpected(parameters.error());
  NodeName name{.cluster = Take(*parameters, "cluster"), .node = Take(*parameters, "node")};
  if (name.node.empty()) return Refuse(400, "say ?node=, and cluster= where several have it");
  std::vector<std::string> clusters;
  for (const ClusterView& cluster : handlers.nodes()) {
    const bool has = std::any_of(cluster.nodes.begin(), cluster.nodes.end(),
                                 [&](const NodeView& node) { return node.name == name.node; });
    if (has && (name.cluster.empty() || name.cluster == cluster.name))
      clusters.push_back(cluster.name);
  }
  if (clusters.empty()) return Refuse(404, "no such node; GET /api/v1/nodes lists them all");
  if (clusters.size() > 1) {
    std::string names;
    for (const std::string& each : clusters) names.append(names.empty() ? "" : ", ").append(each);
    return Refuse(400, "several clusters have a node of that name: say cluster=, one of " + names);
  }
  name.cluster = clusters.front();
  return name;
}

AdminResponse SetState(const AdminRequest& request, const AdminHandlers& handlers,
                       AdminState state) {
  const auto name = FindNode(request, handlers);
  if (!name) return name.error();
  // It may have gone meanwhile.
  if (handlers.set_state(name->cluster, name->node, state) == SetStateResult::kUnknownNode)
    return JsonError(404, "no such node; GET /api/v1/nodes lists them all");
  return Json(JsonObject()
                  .Text("cluster", name->cluster)
                  .Text("node", name->node)
                  .Text("admin_state", TextOf(state))
                  .End() +
              "\n");
}

AdminResponse Drain(const AdminRequest& request, const AdminHandlers& handlers) {
  return SetState(request, handlers, AdminState::kDrain);
}
AdminResponse Undrain(const AdminRequest& request, const AdminHandlers& handlers) {
  return SetState(request, handlers, AdminState::kUp);
}
AdminResponse Down(const AdminRequest& request, const AdminHandlers& handlers) {
  return SetState(request, handlers, AdminState::kDown);
}

std::string KickAsJson(const KickResult& result) {
  return JsonObject().Number("kicked", result.kicked).Number("parked", result.parked).End() + "\n";
}

AdminResponse Kick(const AdminRequest& request, const AdminHandlers& handlers) {
  auto parameters = ParametersOf(request, {"user", "session", "now"});
  if (!parameters) return parameters.error();
  const std::string now = Take(*parameters, "now");
  const KickQuery query{.user = Take(*parameters, "user"),
                        .session = Take(*parameters, "session"),
                        .now = now == "yes"};
  if (query.user.empty() == query.session.empty()) {
    return JsonError(400,
                     "say either ?user=, the name as a client would type it, or ?session=, the id "
                     "as in the log and in GET /api/v1/sessions");
  }
  if (!now.empty() && now != "yes" && now != "no")
    return JsonError(400, "now is yes or no; left out, sessions end at their next command");
  return OrFault(handlers.kick(query), &KickAsJson);
}

AdminResponse Trace(const AdminRequest& request, const AdminHandlers& handlers) {
  auto parameters = ParametersOf(request, {"user", "client", "node", "for"});
  if (!parameters) return parameters.error();
  const TraceQuery query{.user = Take(*parameters, "user"),
                         .client = Take(*parameters, "client"),
                         .node = Take(*parameters, "node"),
                         .duration = Take(*parameters, "for")};
  const int said = int{!query.user.empty()} + int{!query.client.empty()} + int{!query.node.empty()};
  if (said != 1) {
    return JsonError(400,
                     "say one of ?user=, the name as a client would type it, ?client=, an address "
                     "or a network, and ?node=, NODE or CLUSTER/NODE");
  }
  return OrFault(handlers.trace(query), &TraceAsJson);
}

AdminResponse Untrace(const AdminRequest& request, const AdminHandlers& handlers) {
  auto parameters = ParametersOf(request, {"id"});
  if (!parameters) return parameters.error();
  const std::string text = Take(*parameters, "id");
  uint64_t id = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), id);
  if (text.empty() || error != std::errc() || end != text.data() + text.size())
    return JsonError(400, "say ?id=, the number of a trace; GET /api/v1/traces lists them");
  return OrFault(handlers.untrace(id), &TraceAsJson);
}

std::string UpgradeAsJson(const UpgradeResult& result) {
  return JsonObject()
             .Number("pid", static_cast<uint64_t>(result.pid))
             .Number("previous", static_cast<uint64_t>(result.previous))
             .End() +
         "\n";
}

AdminResponse Upgrade(const AdminRequest& request, const AdminHandlers& handlers) {
  const auto parameters = ParametersOf(request, {});
  return parameters ? OrFault(handlers.upgrade(), &UpgradeAsJson) : parameters.error();
}

AdminResponse Reload(const AdminRequest& request, const AdminHandlers& handlers) {
  const auto parameters = ParametersOf(request, {});
  if (!parameters) return parameters.error();
  const ReloadView reload = handlers.reload();
  AdminResponse response = Json(ReloadAsJson(reload));
  if (!reload.applied) response.status = 422;
  return response;
}

// --- which is which

struct Resource {
  std::string_view name;
  bool changes;
  bool (*exists)(const AdminHandlers& handlers);
  AdminResponse (*respond)(const AdminRequest& request, const AdminHandlers& handlers);
};

bool HasStatus(const AdminHandlers& handlers) { return handlers.status != nullptr; }
bool HasNodes(const AdminHandlers& handlers) { return handlers.nodes != nullptr; }
bool HasSessions(const AdminHandlers& handlers) { return handlers.sessions != nullptr; }
bool HasRoute(const AdminHandlers& handlers) { return handlers.route != nullptr; }
bool HasReload(const AdminHandlers& handlers) { return handlers.reload != nullptr; }
bool HasKick(const AdminHandlers& handlers) { return handlers.kick != nullptr; }
bool HasTraces(const AdminHandlers& handlers) {
  return handlers.trace != nullptr && handlers.traces != nullptr && handlers.untrace != nullptr;
}
bool HasUpgrade(const AdminHandlers& handlers) { return handlers.upgrade != nullptr; }
bool HasSetState(const AdminHandlers& handlers) {
  return handlers.set_state != nullptr && handlers.nodes != nullptr;
}

constexpr std::array<Resource, 14> kResources = {{{"status", false, &HasStatus, &ShowStatus},
                                                  {"nodes", false, &HasNodes, &ShowNodes},
                                                  {"pools", false, &HasNodes, &ShowPools},
                                                  {"sessions", false, &HasSessions, &ShowSessions},
                                                  {"route", false, &HasRoute, &ShowRoute},
                                                  {"drain", true, &HasSetState, &Drain},
                                                  {"undrain", true, &HasSetState, &Undrain},
                                                  {"down", true, &HasSetState, &Down},
                                                  {"kick", true, &HasKick, &Kick},
                                                  {"trace", true, &HasTraces, &Trace},
                                                  {"traces", false, &HasTraces, &ShowTraces},
                                                  {"untrace", true, &HasTraces, &Untrace},
                                                  {"upgrade", true, &HasUpgrade, &Upgrade},
                                                  {"reload", true, &HasReload, &Reload}}};

AdminResponse WrongMethod(std::string_view allow) {
  AdminResponse response = JsonError(405, "this takes " + std::string(allow) + " only");
  response.allow = allow;
  return response;
}

}  // namespace

AdminResponse RespondToApi(const AdminRequest& request, const AdminHandlers& handlers) {
  const std::string_view name = request.path.substr(kApiPrefix.size());
  const auto* const found =
      std::find_if(kResources.begin(), kResources.end(),
                   [name](const Resource& resource) { return resource.name == name; });
  if (found == kResources.end() || !found->exists(handlers)) {
    std::string names;
    for (const Resource& each : kResources)
      names.append(names.empty() ? "" : ", ").append(each.name);
    return JsonError(404, "no such thing; below " + std::string(kApiPrefix) + " are: " + names);
  }
  const bool is_its_method = found->changes ? request.method == "POST" : request.reads();
  if (!is_its_method) return WrongMethod(found->changes ? "POST" : kReadingMethods);
  const auto denial =
      found->changes ? WhyNoChange(request, handlers) : WhyNoReading(request, handlers);
  if (denial) {
    AdminResponse response = JsonError(denial->status, denial->why);
    response.challenges = denial->challenges;
    return response;
  }
  return found->respond(request, handlers);
}

}  // namespace poplar::metrics
