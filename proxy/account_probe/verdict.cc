#include "proxy/account_probe/verdict.h"

#include <fmt/format.h>

#include <array>

#include "proxy/account_probe/explain.h"

namespace poplar::account_probe {
namespace {

Status StatusOf(Fault fault) {
  switch (fault) {
    case Fault::kLocal:
      return Status::kUnknown;
    case Fault::kInUse:
    case Fault::kLoginDelay:
      return Status::kWarning;
    default:
      return Status::kCritical;
  }
}

std::string Summary(const StepResult& step) {
  const std::string_view text =
      step.findings.empty() ? std::string_view(step.detail) : step.findings.back().text;
  return fmt::format("{}: {}", Name(step.step), text);
}

std::string GoodSummary(const AccountReport& report) {
  std::string text = fmt::format("{} at {}: ", report.user, report.address);
  if (report.messages) text += fmt::format("{} messages, ", *report.messages);
  text += fmt::format("{:.3f} s", io::Seconds(report.took));
  if (const auto days = CertificateDays(report))
    text += fmt::format(", certificate {} days", *days);
  return text;
}

Status SlowStatus(const AccountReport& report, const Patience& patience) {
  if (patience.critical && report.took > *patience.critical) return Status::kCritical;
  return report.took > patience.warning ? Status::kWarning : Status::kOk;
}

}  // namespace

std::string_view Name(Status status) {
  static constexpr std::array<std::string_view, 4> kNames = {"OK", "WARNING", "CRITICAL",
                                                             "UNKNOWN"};
  return kNames[static_cast<size_t>(status)];
}

Status Worse(Status a, Status b) {
  constexpr auto kRank = [](Status status) {
    return status == Status::kCritical  ? 3
           : status == Status::kUnknown ? 2
                                        : static_cast<int>(status);
  };
  return kRank(a) >= kRank(b) ? a : b;
}

Verdict Judge(const AccountReport& report, const Patience& patience) {
  Verdict verdict;
  for (const StepResult& step : report.steps) {
    Status status = Status::kOk;
    if (step.outcome == Outcome::kWarned) status = Status::kWarning;
    if (step.outcome == Outcome::kFailed)
      status = step.findings.empty() ? Status::kCritical : StatusOf(step.findings.back().fault);
    if (Worse(status, verdict.status) == verdict.status) continue;
    verdict.status = status;
    verdict.summary = Summary(step);
  }
  const Status slow = SlowStatus(report, patience);
  if (Worse(slow, verdict.status) != verdict.status) {
    verdict.status = slow;
    verdict.summary =
        fmt::format("slow: {:.3f} s, more than {:g} s", io::Seconds(report.took),
                    io::Seconds(slow == Status::kCritical ? *patience.critical : patience.warning));
  }
  if (verdict.status == Status::kOk) verdict.summary = GoodSummary(report);
  return verdict;
}

}  // namespace poplar::account_probe
