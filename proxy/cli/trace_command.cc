#include "proxy/cli/trace_command.h"

#include <utility>
#include <vector>

#include "metrics/text_table.h"
#include "metrics/url.h"
#include "proxy/cli/admin_json.h"
#include "proxy/cli/fail.h"
#include "proxy/cli/running_poplar.h"
#include "proxy/config/load.h"

namespace poplar::cli {
namespace {

// Empty: the options make no sense.
std::string TargetOf(const TraceOptions& options) {
  const metrics::TraceQuery& query = options.query;
  std::string target;
  int said = 0;
  for (const auto& [name, value] :
       {std::pair("user", &query.user), std::pair("client", &query.client),
        std::pair("node", &query.node)}) {
    if (value->empty()) continue;
    ++said;
    target = std::string("/api/v1/trace?") + name + "=" + metrics::PercentEncoded(*value);
  }
  if (said + int{options.list} + int{options.stop.has_value()} != 1) return {};
  if (options.list) return "/api/v1/traces";
  if (options.stop) return "/api/v1/untrace?id=" + std::to_string(*options.stop);
  if (!query.duration.empty()) target += "&for=" + metrics::PercentEncoded(query.duration);
  return target;
}

std::string WhomOf(const config::YamlNode& trace) {
  for (const char* kind : {"user", "client", "node"}) {
    if (const std::string of = TextIn(trace, kind); !of.empty())
      return std::string(kind) + " " + of;
  }
  return {};
}

std::vector<std::vector<std::string>> RowsOf(const config::YamlNode& answer) {
  std::vector<std::vector<std::string>> rows{{"ID", "OF", "LINES", "BYTES", "DROPPED", "FILE"}};
  for (const config::YamlNode& trace : ListIn(answer, "traces")) {
    rows.push_back({TextIn(trace, "id"), WhomOf(trace), TextIn(trace, "lines"),
                    TextIn(trace, "bytes"), TextIn(trace, "dropped"), TextIn(trace, "file")});
  }
  return rows;
}

}  // namespace

int RunTrace(const TraceOptions& options, std::ostream& out, std::ostream& err) {
  const std::string target = TargetOf(options);
  if (target.empty())
    return Fail(err, "say one of --user, --client, --node, --list and --stop; see --help", 2);
  const config::LoadResult loaded = config::LoadWithoutFiles(options.config_path);
  if (!loaded.ok()) {
    config::RenderReport(loaded.problems, loaded.source, options.color, err);
    return 1;
  }
  const auto body = AskForBody(loaded.config, options.list ? "GET" : "POST", target);
  if (!body) return Fail(err, body.error());
  const auto answer = options.list ? ParseWithList(*body, "traces") : ParseObject(*body);
  if (!answer) return Fail(err, loaded.config.admin.address + ": not what a Poplar answers");
  if (options.list) {
    out << metrics::TextTable(RowsOf(*answer));
  } else {
    out << TextIn(*answer, "file") << "\n";
  }
  out << std::flush;
  return out.good() ? 0 : 1;
}

}  // namespace poplar::cli
