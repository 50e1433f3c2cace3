#include "proxy/account_probe/report_json.h"

#include <fmt/format.h>

#include "metrics/json.h"
#include "proxy/account_probe/explain.h"

namespace poplar::account_probe {
namespace {

using metrics::JsonObject;

std::string Milliseconds(io::Duration took) {
  return fmt::format("{:.3f}", io::Seconds(took) * 1000);
}

std::string_view SecurityName(Security security) {
  switch (security) {
    case Security::kTls:
      return "tls";
    case Security::kStls:
      return "stls";
    case Security::kPlain:
      break;
  }
  return "plain";
}

template <class List, class Write>
std::string Array(const List& list, const Write& write) {
  std::string text;
  for (const auto& each : list) text.append(text.empty() ? "" : ",").append(write(each));
  return "[" + text + "]";
}

std::string Texts(const std::vector<std::string>& texts) {
  return Array(texts, [](const std::string& text) { return metrics::JsonString(text); });
}

std::string Number(const std::optional<uint64_t>& number) {
  return number ? std::to_string(*number) : "null";
}

// In hexadecimal: numbers of 64 bits are not safe in JSON.
std::string Hash(const std::optional<uint64_t>& hash) {
  return hash ? fmt::format("\"{:016x}\"", *hash) : "null";
}

std::string StepJson(const StepResult& step, Security security) {
  const auto finding = [&](const Finding& each) {
    const Explanation words = Explain(step.step, each.fault, security);
    return JsonObject()
        .Text("fault", Name(each.fault))
        .Text("seen", each.text)
        .Text("cause", words.cause)
        .Text("change", words.change)
        .End();
  };
  return JsonObject()
      .Text("name", Name(step.step))
      .Text("outcome", Name(step.outcome))
      .Raw("ms", Milliseconds(step.took))
      .Text("detail", step.detail)
      .Raw("findings", Array(step.findings, finding))
      .End();
}

std::string CertificateJson(const tls::CertificateFacts& facts) {
  return JsonObject()
      .Text("subject", facts.subject)
      .Text("issuer", facts.issuer)
      .Raw("dns_names", Texts(facts.dns_names))
      .Raw("ip_addresses", Texts(facts.ip_addresses))
      .Text("not_before", tls::FormatUtc(facts.not_before))
      .Text("not_after", tls::FormatUtc(facts.not_after))
      .Text("key", facts.key_type)
      .End();
}

std::string TlsJson(const AccountReport& report) {
  if (!report.secured) return "null";
  const auto days = CertificateDays(report);
  return JsonObject()
      .Text("version", report.secured->version)
      .Text("cipher", report.secured->cipher)
      .Raw("alpn",
           report.secured->alpn.empty() ? "null" : metrics::JsonString(report.secured->alpn))
      .Raw("certificate_days", days ? std::to_string(*days) : "null")
      .Raw("chain", Array(report.secured->chain, CertificateJson))
      .End();
}

}  // namespace

std::string ReportJson(const AccountReport& report, const Verdict& verdict) {
  const auto step = [&](const StepResult& each) { return StepJson(each, report.security); };
  return JsonObject()
      .Text("status", Name(verdict.status))
      .Text("summary", verdict.summary)
      .Text("target", report.target)
      .Text("user", report.user)
      .Text("security", SecurityName(report.security))
      .Raw("host", report.host.empty() ? "null" : metrics::JsonString(report.host))
      .Raw("address", report.address.empty() ? "null" : metrics::JsonString(report.address))
      .Raw("ms", Milliseconds(report.took))
      .Raw("tls", TlsJson(report))
      .Raw("capabilities", Texts(report.capabilities))
      .Raw("messages", Number(report.messages))
      .Raw("bytes", Number(report.bytes))
      .Raw("ids_hash", Hash(report.ids))
      .Raw("message_bytes", Number(report.message_bytes))
      .Raw("message_hash", Hash(report.message))
      .Raw("steps", Array(report.steps, step))
      .End();
}

}  // namespace poplar::account_probe
