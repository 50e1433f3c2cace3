#pragma once

#include <ostream>
#include <string>

#include "metrics/session_view.h"
#include "proxy/config/report.h"

namespace poplar::cli {

enum class SessionsFormat { kText, kJson };

struct SessionsOptions {
  std::string config_path;
  metrics::SessionQuery query;
  SessionsFormat format = SessionsFormat::kText;
  config::Color color = config::Color::kNever;  // of err
};

// `poplar sessions`: those of the Poplar that runs with this configuration, the oldest first.
// Returns the exit status: 0, or 1 when the configuration has errors, nobody answers or it says no.
int RunSessions(const SessionsOptions& options, std::ostream& out, std::ostream& err);

struct KickOptions {
  std::string config_path;
  metrics::KickQuery query;                     // exactly one of user and session
  config::Color color = config::Color::kNever;  // of err
};

// `poplar kick`: ends sessions. Returns the exit status: 0, also where the user has none; 1 as
// above, and for a session that there is not.
int RunKick(const KickOptions& options, std::ostream& out, std::ostream& err);

}  // namespace poplar::cli
