#include "proxy/cli/sessions_command.h"

#include "metrics/text_table.h"
#include "metrics/url.h"
#include "proxy/cli/admin_json.h"
#include "proxy/cli/fail.h"
#include "proxy/cli/running_poplar.h"
#include "proxy/cli/session_table.h"
#include "proxy/config/load.h"

namespace poplar::cli {
namespace {

std::string Counted(uint64_t count, const std::string& what) {
  return std::to_string(count) + " " + what + (count == 1 ? "" : "s");
}

}  // namespace

int RunSessions(const SessionsOptions& options, std::ostream& out, std::ostream& err) {
  const config::LoadResult loaded = config::LoadWithoutFiles(options.config_path);
  if (!loaded.ok()) {
    config::RenderReport(loaded.problems, loaded.source, options.color, err);
    return 1;
  }
  const std::string target = SessionsTarget(options.query);
  if (options.format == SessionsFormat::kJson)
    return PassAnswerOn(loaded.config, "GET", target, out, err);
  const auto body = AskForBody(loaded.config, "GET", target);
  if (!body) return Fail(err, body.error());
  const auto listed = ReadSessions(*body);
  if (!listed) return Fail(err, loaded.config.admin.address + ": not what a Poplar answers");
  out << metrics::TextTable(SessionRows(*listed));
  if (listed->total > listed->sessions.size()) {
    out << "\nThe oldest " << listed->sessions.size() << " of " << Counted(listed->total, "session")
        << "; --limit shows more.\n";
  }
  out << std::flush;
  return out.good() ? 0 : 1;
}

int RunKick(const KickOptions& options, std::ostream& out, std::ostream& err) {
  const config::LoadResult loaded = config::LoadWithoutFiles(options.config_path);
  if (!loaded.ok()) {
    config::RenderReport(loaded.problems, loaded.source, options.color, err);
    return 1;
  }
  const metrics::KickQuery& query = options.query;
  std::string target = "/api/v1/kick?";
  target += query.user.empty() ? "session=" + metrics::PercentEncoded(query.session)
                               : "user=" + metrics::PercentEncoded(query.user);
  if (query.now) target += "&now=yes";
  const auto body = AskForBody(loaded.config, "POST", target);
  if (!body) return Fail(err, body.error());
  const auto answer = ParseObject(*body);
  if (!answer) return Fail(err, loaded.config.admin.address + ": not what a Poplar answers");
  const uint64_t kicked = CountIn(*answer, "kicked");
  out << Counted(kicked, "session") << (kicked == 1 ? " ends" : " end")
      << (query.now ? " now" : " at the next command boundary");
  if (const uint64_t parked = CountIn(*answer, "parked"); parked > 0)
    out << "; " << Counted(parked, "parked connection") << (parked == 1 ? " ends" : " end");
  out << "\n" << std::flush;
  return out.good() ? 0 : 1;
}

}  // namespace poplar::cli
