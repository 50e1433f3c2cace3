#include "proxy/account_probe/report_text.h"

#include <fmt/format.h>

#include <array>
#include <iterator>

#include "metrics/text_table.h"
#include "proxy/account_probe/explain.h"

namespace poplar::account_probe {
namespace {

std::string_view SecurityText(Security security) {
  switch (security) {
    case Security::kTls:
      return "TLS from the first byte";
    case Security::kStls:
      return "TLS by STLS";
    case Security::kPlain:
      break;
  }
  return "in the clear, password and all";
}

std::string Label(Step step) { return step == Step::kTls ? "TLS" : std::string(Name(step)); }

void AppendFinding(std::string& text, const StepResult& step, const Finding& finding,
                   Security security) {
  const Explanation words = Explain(step.step, finding.fault, security);
  const std::string seen = metrics::Printable(finding.text);
  if (!seen.empty()) fmt::format_to(std::back_inserter(text), "      {}\n", seen);
  fmt::format_to(std::back_inserter(text), "      Likely:  {}\n      To do:   {}\n", words.cause,
                 words.change);
}

void AppendStep(std::string& text, const StepResult& step, const AccountReport& report,
                Marks marks) {
  const bool timed = step.outcome != Outcome::kSkipped && step.step != Step::kCertificate;
  const std::string line = fmt::format(
      "{} {:<12} {}  {}", Mark(step.outcome, marks), Label(step.step),
      timed ? TimeText(step.took) : std::string(10, ' '), metrics::Printable(step.detail));
  text.append(line, 0, line.find_last_not_of(' ') + 1).append("\n");
  for (const Finding& finding : step.findings) AppendFinding(text, step, finding, report.security);
}

}  // namespace

std::string_view Mark(Outcome outcome, Marks marks) {
  static constexpr std::array<std::string_view, 4> kUnicode = {"\u2713", "!", "\u2717", "-"};
  static constexpr std::array<std::string_view, 4> kAscii = {"ok  ", "warn", "FAIL", "-   "};
  return (marks == Marks::kUnicode ? kUnicode : kAscii)[static_cast<size_t>(outcome)];
}

std::string TimeText(io::Duration took) {
  const double milliseconds = io::Seconds(took) * 1000;
  return milliseconds < 10'000 ? fmt::format("{:>7.1f} ms", milliseconds)
                               : fmt::format("{:>8.1f} s", milliseconds / 1000);
}

std::string ReportText(const AccountReport& report, const Verdict& verdict, Marks marks) {
  std::string text =
      fmt::format("{} at {}, {}", report.user, report.target, SecurityText(report.security));
  text = metrics::Printable(text) + "\n\n";
  for (const StepResult& step : report.steps) AppendStep(text, step, report, marks);
  fmt::format_to(std::back_inserter(text), "\n{}: {}\n", Name(verdict.status),
                 metrics::Printable(verdict.summary));
  return text;
}

}  // namespace poplar::account_probe
