#include "metrics/node_page.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <string_view>

#include "metrics/json.h"

namespace poplar::metrics {
namespace {

// One JSON object, member by member.
class Object {
 public:
  Object& Raw(std::string_view key, std::string_view value) {
    text_.append(text_.size() == 1 ? "" : ",").append(JsonString(key)).append(":").append(value);
    return *this;
  }
  Object& Text(std::string_view key, std::string_view value) { return Raw(key, JsonString(value)); }
  Object& Number(std::string_view key, uint64_t value) { return Raw(key, std::to_string(value)); }
  Object& Flag(std::string_view key, bool value) { return Raw(key, value ? "true" : "false"); }
  std::string End() { return text_ + "}"; }

 private:
  std::string text_ = "{";
};

std::string NodeAsJson(const NodeView& node) {
  return Object()
      .Text("node", node.name)
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
      .Text("evidence", node.evidence)
      .End();
}

std::string ClusterAsJson(const ClusterView& cluster) {
  std::string nodes = "[";
  for (const NodeView& node : cluster.nodes)
    nodes.append(nodes.size() == 1 ? "" : ",").append(NodeAsJson(node));
  return Object()
      .Text("cluster", cluster.name)
      .Flag("panic", cluster.panic)
      .Raw("nodes", nodes + "]")
      .End();
}

constexpr std::array<std::string_view, 14> kHeads = {
    "CLUSTER",  "NODE",   "ADDRESS", "STATE",  "ADMIN",   "SERVICE", "WEIGHT",
    "SESSIONS", "IN-USE", "WARM",    "PARKED", "WAITING", "SLOTS",   "LAST CHANGE"};
using Row = std::array<std::string, kHeads.size()>;

// An operator's terminal must not obey what a node put into a reply.
std::string Printable(std::string text) {
  std::replace_if(
      text.begin(), text.end(), [](unsigned char c) { return c < 0x20 || c == 0x7F; }, '?');
  return text;
}

std::string ServiceText(const NodeView& node) {
  if (node.leaving) return "leaving";
  if (!node.in_service) return "no";
  if (node.ready_permille >= 1000) return "yes";
  return std::to_string(node.ready_permille / 10) + "%";  // slow start
}

Row RowOf(const ClusterView& cluster, const NodeView& node) {
  return {Printable(cluster.name),
          Printable(node.name),
          Printable(node.address),
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
          node.evidence.empty() ? "none" : Printable(node.evidence)};
}

}  // namespace

std::string NodesAsJson(std::span<const ClusterView> clusters) {
  std::string list = "[";
  for (const ClusterView& cluster : clusters)
    list.append(list.size() == 1 ? "" : ",").append(ClusterAsJson(cluster));
  return Object().Raw("clusters", list + "]").End() + "\n";
}

std::string NodesAsTable(std::span<const ClusterView> clusters) {
  std::vector<Row> rows(1);
  std::copy(kHeads.begin(), kHeads.end(), rows[0].begin());
  for (const ClusterView& cluster : clusters) {
    for (const NodeView& node : cluster.nodes) rows.push_back(RowOf(cluster, node));
  }
  std::array<size_t, kHeads.size()> widths{};
  for (const Row& row : rows) {
    for (size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
  }
  std::string table;
  for (const Row& row : rows) {
    for (size_t i = 0; i + 1 < row.size(); ++i)
      table.append(row[i]).append(widths[i] + 2 - row[i].size(), ' ');
    table.append(row.back()).append("\n");
  }
  for (const ClusterView& cluster : clusters) {
    if (!cluster.panic) continue;
    table.append("\n").append(Printable(cluster.name));
    table.append(": panic. Too much of the cluster is out, so health is not believed.\n");
  }
  return table;
}

}  // namespace poplar::metrics
