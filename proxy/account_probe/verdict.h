#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "proxy/account_probe/account_report.h"

namespace poplar::account_probe {

// As monitoring plug-ins say it; the numbers are exit statuses.
enum class Status : uint8_t { kOk = 0, kWarning = 1, kCritical = 2, kUnknown = 3 };

std::string_view Name(Status status);  // "OK" and so on

// From when on slowness counts. For a probe as a whole.
struct Patience {
  io::Duration warning = std::chrono::seconds(5);
  std::optional<io::Duration> critical = {};
};

struct Verdict {
  Status status = Status::kOk;
  std::string summary;  // one line: what was seen, or what is wrong
};

// A failed step is critical, but for one that says no more than that somebody else is in the
// maildrop: then the server works and knows the account. Trouble of this machine's own is unknown.
Verdict Judge(const AccountReport& report, const Patience& patience);

// The worse of both, for an exit status: critical before unknown before warning.
Status Worse(Status a, Status b);

}  // namespace poplar::account_probe
