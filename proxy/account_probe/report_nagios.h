#pragma once

#include <string>

#include "proxy/account_probe/account_report.h"
#include "proxy/account_probe/verdict.h"

namespace poplar::account_probe {

// One line as monitoring plug-ins write it: status, summary, and performance data with thresholds
// behind a "|", times in seconds.
std::string ReportNagios(const AccountReport& report, const Verdict& verdict,
                         const Patience& patience, int certificate_days);

// The performance data alone; each label begins with `prefix`.
std::string PerformanceData(const AccountReport& report, const Patience& patience,
                            int certificate_days, std::string_view prefix);

// One line, without what would begin performance data.
std::string NagiosLine(Status status, std::string_view summary, std::string_view performance);

}  // namespace poplar::account_probe
