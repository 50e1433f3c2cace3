#include "metrics/route_page.h"

#include <optional>
#include <string_view>

#include "metrics/json.h"
#include "metrics/move_page.h"

namespace poplar::metrics {
namespace {

std::string ListAsJson(const std::vector<std::string>& texts) {
  std::string list = "[";
  for (const std::string& text : texts)
    list.append(list.size() == 1 ? "" : ",").append(JsonString(text));
  return list + "]";
}

std::string MoveAsJson(const RouteView::Move& move) {
  return JsonObject()
      .Text("name", move.name)
      .Text("from", move.from)
      .Text("to", move.to)
      .Raw("percent", PercentText(move.permille))
      .Raw("moved_above", PercentText(move.place))
      .Flag("moved", move.is_moved)
      .End();
}

std::string NowAsJson(const RouteView::Now& now) {
  return JsonObject()
      .Flag("in_service", now.in_service)
      .Text("state", now.state)
      .Text("admin_state", now.admin_state)
      .Text("evidence", now.evidence)
      .End();
}

// Members that may be unknown.
class Members {
 public:
  explicit Members(Unknown unknown) : unknown_(unknown) {}

  JsonObject& object() { return object_; }
  void Raw(std::string_view key, const std::optional<std::string>& value) {
    if (value) {
      object_.Raw(key, *value);
    } else if (unknown_ == Unknown::kNull) {
      object_.Raw(key, "null");
    }
  }
  // Empty: unknown.
  void Text(std::string_view key, std::string_view value) {
    Raw(key, value.empty() ? std::nullopt : std::optional(JsonString(value)));
  }

 private:
  const Unknown unknown_;
  JsonObject object_;
};

std::string ChoiceAsJson(const RouteView::Choice& choice, Unknown unknown) {
  Members members(unknown);
  members.object()
      .Text("name", choice.name)
      .Text("address", choice.address)
      .Number("weight", static_cast<uint64_t>(choice.weight))
      .Text("state", choice.state)
      .Number("cost", choice.cost)
      .Real("score", choice.score)
      .Text("reason", choice.reason);
  members.Raw("now", choice.now ? std::optional(NowAsJson(*choice.now)) : std::nullopt);
  return members.object().End();
}

}  // namespace

std::string RouteAsJson(const RouteView& route, Unknown unknown) {
  Members members(unknown);
  members.object().Text("user", route.login).Text("canonical", route.canonical);
  members.Text("route", route.rule);
  members.object().Raw("asks_first", ListAsJson(route.directories)).Text("cluster", route.cluster);
  members.Text("node", route.node);
  members.Text("login", route.node_login);
  members.Raw("move", route.move ? std::optional(MoveAsJson(*route.move)) : std::nullopt);
  members.object().Flag("running", route.running);
  members.Text("asked_now", route.asked);
  if (!route.session_node.empty()) {
    members.Text("session_cluster", route.session_cluster);
    members.Text("session_node", route.session_node);
  }
  if (!route.passed.empty()) members.object().Raw("passed", ListAsJson(route.passed));
  std::string nodes = "[";
  for (const RouteView::Choice& choice : route.choices)
    nodes.append(nodes.size() == 1 ? "" : ",").append(ChoiceAsJson(choice, unknown));
  return members.object().Raw("nodes", nodes + "]").End();
}

}  // namespace poplar::metrics
