#include "proxy/cli/upgrade_command.h"

#include "proxy/cli/admin_json.h"
#include "proxy/cli/fail.h"
#include "proxy/cli/running_poplar.h"
#include "proxy/config/load.h"

namespace poplar::cli {
namespace {

// Longer than the new process may take to get ready.
constexpr int kAnswerTimeoutMs = 90'000;

}  // namespace

// What is wrong with the file is for the new process to say: this asks the one that runs, by where
// the file says that it is.
int RunUpgrade(const UpgradeOptions& options, std::ostream& out, std::ostream& err) {
  const config::LoadResult loaded = config::LoadWithoutFiles(options.config_path);
  if (!loaded.ok()) {
    config::RenderReport(loaded.problems, loaded.source, options.color, err);
    return 1;
  }
  const auto body = AskForBody(loaded.config, "POST", "/api/v1/upgrade", kAnswerTimeoutMs);
  if (!body) return Fail(err, body.error());
  const auto answer = ParseObject(*body);
  if (!answer) return Fail(err, loaded.config.admin.address + ": not what a Poplar answers");
  out << "process " << TextIn(*answer, "pid") << " takes over from process "
      << TextIn(*answer, "previous") << ", whose sessions go on\n";
  return out.good() ? 0 : 1;
}

}  // namespace poplar::cli
