#include "proxy/account_probe/report_nagios.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "metrics/text_table.h"

namespace poplar::account_probe {
namespace {

std::string Limit(const std::optional<io::Duration>& limit) {
  return limit ? fmt::format("{:g}", io::Seconds(*limit)) : "";
}

}  // namespace

std::string PerformanceData(const AccountReport& report, const Patience& patience,
                            int certificate_days, std::string_view prefix) {
  std::string data =
      fmt::format("{}time={:.6f}s;{};{};0;{:g}", prefix, io::Seconds(report.took),
                  Limit(patience.warning), Limit(patience.critical), io::Seconds(report.timeout));
  const auto out = std::back_inserter(data);
  for (const StepResult& step : report.steps) {
    if (step.outcome == Outcome::kSkipped || step.step == Step::kCertificate) continue;
    fmt::format_to(out, " {}{}={:.6f}s", prefix, Name(step.step), io::Seconds(step.took));
  }
  if (report.messages) fmt::format_to(out, " {}messages={}", prefix, *report.messages);
  if (report.bytes) fmt::format_to(out, " {}bytes={}B", prefix, *report.bytes);
  // "21:": what is below it is out of range.
  if (const auto days = CertificateDays(report))
    fmt::format_to(out, " {}certificate_days={};{}:;0:", prefix, *days, certificate_days);
  return data;
}

std::string NagiosLine(Status status, std::string_view summary, std::string_view performance) {
  std::string text = metrics::Printable(summary);
  std::replace(text.begin(), text.end(), '|', '/');
  if (performance.empty()) return fmt::format("POP3 {} - {}\n", Name(status), text);
  return fmt::format("POP3 {} - {} | {}\n", Name(status), text, performance);
}

std::string ReportNagios(const AccountReport& report, const Verdict& verdict,
                         const Patience& patience, int certificate_days) {
  return NagiosLine(verdict.status, verdict.summary,
                    PerformanceData(report, patience, certificate_days, ""));
}

}  // namespace poplar::account_probe
