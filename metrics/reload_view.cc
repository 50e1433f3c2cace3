#include "metrics/reload_view.h"

#include "metrics/json.h"

namespace poplar::metrics {

std::string ReloadAsJson(const ReloadView& reload) {
  std::string list = "[";
  for (const ReloadView::Change& change : reload.changes) {
    list.append(list.size() == 1 ? "" : ",")
        .append(JsonObject()
                    .Text("setting", change.setting)
                    .Text("from", change.from)
                    .Text("to", change.to)
                    .Text("takes_effect", change.live ? "now" : "restart")
                    .End());
  }
  JsonObject json;
  json.Flag("applied", reload.applied);
  if (!reload.applied)
    json.Text("error", "the configuration has errors; the one before stays in force");
  return json.Raw("changes", list + "]").Text("report", reload.report).End() + "\n";
}

}  // namespace poplar::metrics
