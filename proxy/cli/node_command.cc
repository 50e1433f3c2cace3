#include "proxy/cli/node_command.h"

#include <algorithm>
#include <set>
#include <vector>

#include "metrics/text_table.h"
#include "metrics/url.h"
#include "proxy/cli/admin_json.h"
#include "proxy/cli/fail.h"
#include "proxy/cli/running_poplar.h"
#include "proxy/config/load.h"
#include "proxy/config/quote.h"
#include "proxy/config/suggestion.h"

namespace poplar::cli {
namespace {

constexpr int kOk = 200;

std::string FullName(const RunningPoplar::Node& node) { return node.cluster + "/" + node.name; }

// The error names those that it may have been meant.
tl::expected<RunningPoplar::Node, std::string> FindNode(const RunningPoplar& running,
                                                        const std::string& name) {
  std::vector<const RunningPoplar::Node*> found;
  std::vector<std::string> names;
  for (const RunningPoplar::Node& node : running.nodes) {
    if (node.name == name || FullName(node) == name) found.push_back(&node);
    names.push_back(FullName(node));
  }
  if (found.size() == 1) return *found.front();
  if (found.size() > 1) {
    std::string which;
    for (const RunningPoplar::Node* node : found)
      which += (which.empty() ? "" : ", ") + FullName(*node);
    return tl::unexpected(config::Quote(name) + " may be any of " + which);
  }
  const size_t known = names.size();
  for (size_t i = 0; i < known; ++i) names.push_back(running.nodes[i].name);
  const std::vector<std::string_view> views(names.begin(), names.end());
  const std::string_view meant = config::NearestWord(name, views);
  return tl::unexpected("unknown node " + config::Quote(name) +
                        (meant.empty() ? "; `poplar status` lists them all"
                                       : "; did you mean " + config::Quote(meant) + "?"));
}

std::string_view RequestFor(metrics::AdminState state) {
  switch (state) {
    case metrics::AdminState::kUp:
      return "/api/v1/undrain";
    case metrics::AdminState::kDrain:
      return "/api/v1/drain";
    case metrics::AdminState::kDown:
      return "/api/v1/down";
  }
  return "";
}

// The clusters that none of its nodes serves.
std::set<std::string> ClustersWithoutNodes(const RunningPoplar& running) {
  std::set<std::string> served;
  std::set<std::string> unserved;
  for (const RunningPoplar::Node& node : running.nodes)
    (node.in_service ? served : unserved).insert(node.cluster);
  for (const std::string& cluster : served) unserved.erase(cluster);
  return unserved;
}

}  // namespace

int RunSetNode(const NodeOptions& options, std::ostream& out, std::ostream& err) {
  const config::LoadResult loaded = config::LoadWithoutFiles(options.config_path);
  if (!loaded.ok()) {
    config::RenderReport(loaded.problems, loaded.source, options.color, err);
    return 1;
  }
  const auto running = AskRunningPoplar(loaded.config);
  if (!running) return Fail(err, "no Poplar answers at " + running.error());
  const auto node = FindNode(*running, options.node);
  if (!node) return Fail(err, node.error());
  const auto answer = AskForBody(loaded.config, "POST",
                                 std::string(RequestFor(options.state)) +
                                     "?cluster=" + metrics::PercentEncoded(node->cluster) +
                                     "&node=" + metrics::PercentEncoded(node->name));
  if (!answer) return Fail(err, answer.error());
  out << FullName(*node) << ": " << metrics::TextOf(options.state) << "\n" << std::flush;
  return out.good() ? 0 : 1;
}

int RunStatus(const NodeOptions& options, std::ostream& out, std::ostream& err) {
  const config::LoadResult loaded = config::LoadWithoutFiles(options.config_path);
  if (!loaded.ok()) {
    config::RenderReport(loaded.problems, loaded.source, options.color, err);
    return 1;
  }
  const auto ready = AskAdminOf(loaded.config, "GET", "/readyz");
  if (!ready) return Fail(err, "no Poplar answers at " + ready.error());
  const auto running = AskRunningPoplar(loaded.config);
  if (!running) return Fail(err, running.error());
  const auto nodes = AskAdminOf(loaded.config, "GET", "/nodes?format=text");
  if (!nodes) return Fail(err, "no Poplar answers at " + nodes.error());
  // A Poplar that knows no such answer, of another version, has nothing to note.
  const auto status = AskAdminOf(loaded.config, "GET", "/api/v1/status");
  const auto told = status ? ParseWithList(status->body, "listeners") : std::nullopt;
  const std::string io_note = told ? TextIn(*told, "io_note") : "";
  const bool takes_clients = ready->status == kOk;
  const std::set<std::string> unserved = ClustersWithoutNodes(*running);
  out << (takes_clients ? "ready: new clients are served\n"
                        : "not ready: it starts, drains, or waits for its nodes' names\n");
  if (!io_note.empty()) out << metrics::Printable(io_note) << "\n";
  for (const std::string& cluster : unserved)
    out << "cluster " << cluster << ": no node is in service\n";
  out << "\n" << nodes->body << std::flush;
  return takes_clients && unserved.empty() && out.good() ? 0 : 1;
}

int RunLive(const NodeOptions& options, std::ostream& out, std::ostream& err) {
  const config::LoadResult loaded = config::LoadWithoutFiles(options.config_path);
  if (!loaded.ok()) {
    config::RenderReport(loaded.problems, loaded.source, options.color, err);
    return 1;
  }
  const auto live = AskAdminOf(loaded.config, "GET", "/livez");
  if (!live) return Fail(err, "no Poplar answers at " + live.error());
  out << (live->status == kOk ? "alive\n" : "not alive: a worker is stuck\n") << std::flush;
  return live->status == kOk && out.good() ? 0 : 1;
}

}  // namespace poplar::cli
