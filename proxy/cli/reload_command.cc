#include "proxy/cli/reload_command.h"

#include <algorithm>
#include <string_view>

#include "metrics/text_table.h"
#include "proxy/cli/admin_json.h"
#include "proxy/cli/fail.h"
#include "proxy/cli/running_poplar.h"
#include "proxy/config/load.h"

namespace poplar::cli {
namespace {

// As the report has it, and nothing that could drive the terminal.
void PrintLines(std::string_view text, std::ostream& out) {
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    out << metrics::Printable(text.substr(0, end)) << "\n";
    text.remove_prefix(std::min(end + 1, text.size()));
  }
}

}  // namespace

int RunReload(const ReloadOptions& options, std::ostream& out, std::ostream& err) {
  constexpr int kOk = 200;
  constexpr int kRefused = 422;
  const config::LoadResult loaded = config::LoadWithoutFiles(options.config_path);
  if (!loaded.ok()) {
    config::RenderReport(loaded.problems, loaded.source, options.color, err);
    return Fail(err, "the running Poplar was not asked; it goes on as before");
  }
  const auto answer = AskAdminOf(loaded.config, "POST", "/api/v1/reload");
  if (!answer) return Fail(err, "no Poplar answers at " + answer.error());
  const auto json = ParseObject(answer->body);
  const std::string report = json ? TextIn(*json, "report") : "";
  if (answer->status == kOk && json) {
    PrintLines(report, out);
    return out.good() ? 0 : 1;
  }
  PrintLines(report, err);
  const std::string why = json ? TextIn(*json, "error") : "not what a Poplar answers";
  return Fail(err, (answer->status == kRefused ? "" : "Poplar refuses it: ") +
                       std::string(metrics::Printable(why)));
}

}  // namespace poplar::cli
