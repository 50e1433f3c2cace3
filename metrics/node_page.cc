#include "metrics/node_page.h"

#include <utility>

#include "metrics/json.h"
#include "metrics/text_table.h"

namespace poplar::metrics {
namespace {

std::string NodeAsJson(const NodeView& node) {
  JsonObject json;
  json.Text("node", node.name)
      .Text("address", node.address)
      .Text("state", TextOf(node.state))
      .Text("admin_state", TextOf(node.admin))
      .Flag("in_service", node.in_service)
      .Flag("leaving", node.leaving)
      .Number("ready_permille", node.ready_permille)
      .Number("weight", node.weight)
      .Number("sessions", node.sessions)
      .Number("ejections", node.ejections)
      .Number("slots", node.slots)
      .Number("in_use", node.in_use)
      .Number("warm", node.warm)
      .Number("parked", node.parked)
      .Number("waiting", node.waiting)
      .Text("evidence", node.evidence);
  if (node.probe_seconds) json.Real("probe_seconds", *node.probe_seconds);
  return json.End();
}

std::string PoolAsJson(const ClusterView& cluster, const NodeView& node) {
  JsonObject reuse;
  for (size_t i = 0; i < node.takes.size(); ++i)
    reuse.Number(LabelTraits<TakeSource>::kValues[i], node.takes[i]);
  return JsonObject()
      .Text("cluster", cluster.name)
      .Text("node", node.name)
      .Number("slots", node.slots)
      .Number("in_use", node.in_use)
      .Number("warm", node.warm)
      .Number("parked", node.parked)
      .Number("waiting", node.waiting)
      .Raw("reuse", reuse.End())
      .End();
}

std::string ClusterAsJson(const ClusterView& cluster) {
  std::string nodes = "[";
  for (const NodeView& node : cluster.nodes)
    nodes.append(nodes.size() == 1 ? "" : ",").append(NodeAsJson(node));
  return JsonObject()
      .Text("cluster", cluster.name)
      .Flag("panic", cluster.panic)
      .Raw("nodes", nodes + "]")
      .End();
}

const TableRow kHeads = {"CLUSTER", "NODE",    "ADDRESS",  "STATE",      "ADMIN",
                         "SERVICE", "WEIGHT",  "SESSIONS", "IN-USE",     "WARM",
                         "PARKED",  "WAITING", "SLOTS",    "LAST CHANGE"};

std::string ServiceText(const NodeView& node) {
  if (node.leaving) return "leaving";
  if (!node.in_service) return "no";
  if (node.ready_permille >= 1000) return "yes";
  return std::to_string(node.ready_permille / 10) + "%";  // slow start
}

TableRow RowOf(const ClusterView& cluster, const NodeView& node) {
  return {cluster.name,
          node.name,
          node.address,
          std::string(TextOf(node.state)),
          std::string(TextOf(node.admin)),
          ServiceText(node),
          std::to_string(node.weight),
          std::to_string(node.sessions),
          std::to_string(node.in_use),
          std::to_string(node.warm),
          std::to_string(node.parked),
          std::to_string(node.waiting),
          node.slots == 0 ? "no limit" : std::to_string(node.slots),
          node.evidence.empty() ? "none" : node.evidence};
}

}  // namespace

std::string NodesAsJson(std::span<const ClusterView> clusters) {
  std::string list = "[";
  for (const ClusterView& cluster : clusters)
    list.append(list.size() == 1 ? "" : ",").append(ClusterAsJson(cluster));
  return JsonObject().Raw("clusters", list + "]").End() + "\n";
}

std::string PoolsAsJson(std::span<const ClusterView> clusters) {
  std::string list = "[";
  for (const ClusterView& cluster : clusters) {
    for (const NodeView& node : cluster.nodes)
      list.append(list.size() == 1 ? "" : ",").append(PoolAsJson(cluster, node));
  }
  return JsonObject().Raw("pools", list + "]").End() + "\n";
}

std::string NodesAsTable(std::span<const ClusterView> clusters) {
  std::vector<TableRow> rows = {kHeads};
  for (const ClusterView& cluster : clusters) {
    for (const NodeView& node : cluster.nodes) rows.push_back(RowOf(cluster, node));
  }
  std::string table = TextTable(std::move(rows));
  for (const ClusterView& cluster : clusters) {
    if (!cluster.panic) continue;
    table.append("\n").append(Printable(cluster.name));
    table.append(": panic. Too much of the cluster is out, so health is not believed.\n");
  }
  return table;
}

}  // namespace poplar::metrics
