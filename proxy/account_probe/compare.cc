#include "proxy/account_probe/compare.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "metrics/json.h"
#include "metrics/text_table.h"
#include "proxy/account_probe/explain.h"
#include "proxy/account_probe/report_json.h"
#include "proxy/account_probe/report_nagios.h"

namespace poplar::account_probe {
namespace {

// In the order in which a whole probe takes them, whichever way TLS begins.
constexpr Step kRows[] = {Step::kResolve,  Step::kConnect, Step::kTls,          Step::kCertificate,
                          Step::kGreeting, Step::kStls,    Step::kCapabilities, Step::kLogin,
                          Step::kStat,     Step::kList,    Step::kUidl,         Step::kMessage,
                          Step::kQuit};

std::string Missing(const std::vector<std::string>& there, const std::vector<std::string>& here) {
  std::string missing;
  for (const std::string& line : there) {
    if (std::find(here.begin(), here.end(), line) != here.end()) continue;
    missing.append(missing.empty() ? "" : ", ").append(line);
  }
  return missing;
}

void CompareOutcomes(const Pair& pair, std::vector<Difference>& all) {
  for (const Step step : kRows) {
    const StepResult* direct = pair.direct.Find(step);
    const StepResult* via = pair.via.Find(step);
    if (direct == nullptr || via == nullptr || direct->outcome == via->outcome) continue;
    all.push_back({fmt::format("{}: {} at the node, {} through the proxy", Name(step),
                               Name(direct->outcome), Name(via->outcome))});
  }
}

void CompareCapabilities(const Pair& pair, std::vector<Difference>& all) {
  if (pair.direct.capabilities.empty() || pair.via.capabilities.empty()) return;
  const std::string less = Missing(pair.direct.capabilities, pair.via.capabilities);
  const std::string more = Missing(pair.via.capabilities, pair.direct.capabilities);
  if (!less.empty()) all.push_back({"CAPA: only the node says: " + less});
  if (!more.empty()) all.push_back({"CAPA: only the proxy says: " + more});
}

void CompareMail(const Pair& pair, std::vector<Difference>& all) {
  const AccountReport& direct = pair.direct;
  const AccountReport& via = pair.via;
  if (direct.messages && via.messages &&
      (direct.messages != via.messages || direct.bytes != via.bytes)) {
    all.push_back({fmt::format("STAT: {} messages of {} bytes at the node, {} of {} through the "
                               "proxy",
                               *direct.messages, *direct.bytes, *via.messages, *via.bytes),
                   true});
  }
  if (direct.ids && via.ids && direct.ids != via.ids)
    all.push_back({"UIDL: other unique ids: clients would fetch mail again", true});
  if (direct.message && via.message && direct.message != via.message) {
    all.push_back({fmt::format("RETR: another message, of {} bytes at the node and {} through the "
                               "proxy",
                               *direct.message_bytes, *via.message_bytes),
                   true});
  }
}

std::string Cell(const StepResult* step, Marks marks) {
  if (step == nullptr) return std::string();
  std::string cell(Mark(step->outcome, marks));
  if (step->outcome != Outcome::kSkipped && step->step != Step::kCertificate)
    cell += TimeText(step->took);
  return cell;
}

// As wide as it is shown: each mark is one column, whatever its bytes.
std::string Padded(const std::string& cell, size_t columns) {
  const auto shown = static_cast<size_t>(
      std::count_if(cell.begin(), cell.end(), [](char c) { return (c & 0xc0) != 0x80; }));
  return cell + std::string(columns > shown ? columns - shown : 0, ' ');
}

std::string ChangeText(const StepResult* direct, const StepResult* via) {
  if (direct == nullptr || via == nullptr || direct->step == Step::kCertificate) return "";
  if (direct->outcome == Outcome::kSkipped || via->outcome == Outcome::kSkipped) return "";
  return fmt::format("{:>+9.1f} ms", io::Seconds(via->took - direct->took) * 1000);
}

void AppendFindings(std::string& text, std::string_view where, const AccountReport& report) {
  for (const StepResult& step : report.steps) {
    for (const Finding& finding : step.findings) {
      const Explanation words = Explain(step.step, finding.fault, report.security);
      fmt::format_to(std::back_inserter(text),
                     "\n{}, {}: {}\n      Likely:  {}\n      To do:   {}\n", where, Name(step.step),
                     metrics::Printable(finding.text), words.cause, words.change);
    }
  }
}

}  // namespace

std::vector<Difference> Differences(const Pair& pair) {
  std::vector<Difference> all;
  CompareOutcomes(pair, all);
  CompareCapabilities(pair, all);
  CompareMail(pair, all);
  return all;
}

Verdict Judge(const Pair& pair, const Patience& patience) {
  Verdict direct = Judge(pair.direct, patience);
  Verdict via = Judge(pair.via, patience);
  direct.summary = "direct: " + direct.summary;
  via.summary = "via: " + via.summary;
  Verdict verdict = Worse(direct.status, via.status) == via.status ? via : direct;
  if (verdict.status == Status::kOk) {
    verdict.summary = fmt::format("the same mail, {:.3f} s direct, {:.3f} s via",
                                  io::Seconds(pair.direct.took), io::Seconds(pair.via.took));
  }
  for (const Difference& difference : Differences(pair)) {
    if (!difference.of_mail || Worse(Status::kWarning, verdict.status) == verdict.status) continue;
    verdict = {Status::kWarning, difference.text + " (has mail come in between?)"};
  }
  return verdict;
}

std::string CompareText(const Pair& pair, const Verdict& verdict, Marks marks) {
  constexpr size_t kColumn = 16;
  std::string text = metrics::Printable(fmt::format("{}: direct {}, via {}", pair.direct.user,
                                                    pair.direct.target, pair.via.target)) +
                     "\n\n";
  const auto out = std::back_inserter(text);
  fmt::format_to(out, "{:<14}{}{}{}\n", "", Padded("direct", kColumn), Padded("via", kColumn),
                 "  via costs");
  for (const Step step : kRows) {
    const StepResult* direct = pair.direct.Find(step);
    const StepResult* via = pair.via.Find(step);
    if (direct == nullptr && via == nullptr) continue;
    const std::string line =
        fmt::format("{:<14}{}{}{}", Name(step), Padded(Cell(direct, marks), kColumn),
                    Padded(Cell(via, marks), kColumn), ChangeText(direct, via));
    text.append(line, 0, line.find_last_not_of(' ') + 1).append("\n");
  }
  const auto differences = Differences(pair);
  text += differences.empty() ? "\nNothing differs.\n" : "\nWhat differs:\n";
  for (const Difference& difference : differences)
    fmt::format_to(out, "  {}\n", metrics::Printable(difference.text));
  AppendFindings(text, "direct", pair.direct);
  AppendFindings(text, "via", pair.via);
  fmt::format_to(out, "\n{}: {}\n", Name(verdict.status), metrics::Printable(verdict.summary));
  return text;
}

std::string CompareJson(const Pair& pair, const Verdict& verdict, const Patience& patience) {
  std::string differences;
  for (const Difference& difference : Differences(pair)) {
    differences.append(differences.empty() ? "" : ",").append(metrics::JsonString(difference.text));
  }
  return metrics::JsonObject()
      .Text("status", Name(verdict.status))
      .Text("summary", verdict.summary)
      .Raw("direct", ReportJson(pair.direct, Judge(pair.direct, patience)))
      .Raw("via", ReportJson(pair.via, Judge(pair.via, patience)))
      .Raw("differences", "[" + differences + "]")
      .End();
}

std::string CompareNagios(const Pair& pair, const Verdict& verdict, const Patience& patience,
                          int certificate_days) {
  return NagiosLine(verdict.status, verdict.summary,
                    PerformanceData(pair.direct, patience, certificate_days, "direct_") + " " +
                        PerformanceData(pair.via, patience, certificate_days, "via_"));
}

}  // namespace poplar::account_probe
