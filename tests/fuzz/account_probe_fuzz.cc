#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "proxy/account_probe/report_json.h"
#include "proxy/account_probe/report_nagios.h"
#include "proxy/account_probe/report_text.h"
#include "proxy/account_probe/verdict.h"
#include "tests/unit/proxy/account_probe/probe_bench.h"

// A hostile server: its greeting and each of its answers are a piece of the input, which zero bytes
// cut. Every probe must end with reports that are printable and without the secret.
namespace {

using namespace poplar::account_probe;  // NOLINT(google-build-using-namespace): all of it is tested

constexpr std::string_view kSecret = "Se:cr3t-of-anna";

void Require(bool holds) {
  if (!holds) std::abort();
}

std::string TakePiece(std::string_view& rest) {
  const size_t end = std::min(rest.find('\0'), rest.size());
  const std::string piece(rest.substr(0, end));
  rest.remove_prefix(std::min(end + 1, rest.size()));
  return piece;
}

void JudgeReport(const std::string& report) {
  Require(report.find(kSecret) == report.npos);
  for (const char c : report) Require(c == '\n' || (c >= 0x20 && c < 0x7f));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  testing::GTEST_FLAG(throw_on_failure) = true;  // what the bench itself expects
  std::string_view rest(reinterpret_cast<const char*>(data), size);
  ServerScript script;
  script.security = Security::kPlain;
  script.greeting = TakePiece(rest);
  for (const char* command :
       {"CAPA", "AUTH", "USER", "PASS", "STAT", "LIST", "UIDL", "RETR", "QUIT"})
    script.answers[command] = TakePiece(rest);
  ProbeBench bench(std::move(script));
  bench.credential = poplar::pop3::PasswordCredential("anna", poplar::pop3::Secret(kSecret));
  const AccountReport report = bench.Probe();
  const Verdict verdict = Judge(report, {});
  JudgeReport(ReportText(report, verdict, Marks::kAscii));
  JudgeReport(ReportJson(report, verdict));
  const std::string line = ReportNagios(report, verdict, {}, 21);
  JudgeReport(line);
  Require(line.find('\n') >= line.size() - 1);
  return 0;
}
