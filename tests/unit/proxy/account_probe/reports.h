#pragma once

#include <chrono>
#include <string>
#include <utility>

#include "proxy/account_probe/account_report.h"

namespace poplar::account_probe {

// A whole probe of a good account, each step one millisecond longer than the one before.
inline AccountReport GoodReport(Security security = Security::kTls) {
  AccountReport report{.target = "mail.example", .user = "anna", .security = security};
  report.unix_seconds = 1'800'000'000;
  report.timeout = std::chrono::seconds(20);
  io::Duration next = std::chrono::milliseconds(1);
  for (const Step step : StepsOf(security)) {
    report.steps.push_back({.step = step,
                            .outcome = Outcome::kPassed,
                            .took = next,
                            .detail = "about " + std::string(Name(step))});
    report.took += next;
    next += std::chrono::milliseconds(1);
  }
  report.host = "mail.example";
  report.address = "192.0.2.10:995";
  if (security != Security::kPlain) {
    report.secured = Secured{.version = "TLSv1.3", .cipher = "TLS_AES_128_GCM_SHA256"};
    report.secured->alpn = "pop3";
    report.secured->chain.push_back({.subject = "CN = mail.example",
                                     .issuer = "CN = Test \"CA\"",
                                     .dns_names = {"mail.example"},
                                     .ip_addresses = {},
                                     .not_before = report.unix_seconds - 86'400,
                                     .not_after = report.unix_seconds + 43 * 86'400 + 5,
                                     .key_type = "ECDSA P-256"});
  }
  report.capabilities = {"TOP", "UIDL", "SASL PLAIN"};
  report.login_way = "AUTH PLAIN";
  report.messages = 17;
  report.bytes = 4711;
  report.ids = 0xfeed;
  report.message_bytes = 400;
  report.message = 0xbeef;
  return report;
}

inline StepResult& At(AccountReport& report, Step step) {
  return const_cast<StepResult&>(*std::as_const(report).Find(step));
}

// It fails in this step, and nothing behind it was tried.
inline void FailAt(AccountReport& report, Step step, Finding finding) {
  bool behind = false;
  for (StepResult& each : report.steps) {
    if (behind) each = {.step = each.step, .outcome = Outcome::kSkipped, .detail = "not reached"};
    if (each.step != step) continue;
    behind = true;
    each.outcome = Outcome::kFailed;
    each.detail.clear();
    each.findings = {std::move(finding)};
  }
}

}  // namespace poplar::account_probe
