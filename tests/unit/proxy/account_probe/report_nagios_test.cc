#include "proxy/account_probe/report_nagios.h"

#include <gtest/gtest.h>

#include "tests/unit/proxy/account_probe/reports.h"

namespace poplar::account_probe {
namespace {

TEST(ReportNagiosTest, OneLineWithPerformanceData) {
  const AccountReport report = GoodReport();
  const Patience patience{.critical = std::chrono::milliseconds(7500)};
  EXPECT_EQ(ReportNagios(report, Judge(report, patience), patience, 21),
            "POP3 OK - anna at 192.0.2.10:995: 17 messages, 0.078 s, certificate 43 days | "
            "time=0.078000s;5;7.5;0;20 resolve=0.001000s connect=0.002000s tls=0.003000s "
            "greeting=0.005000s capabilities=0.006000s login=0.007000s stat=0.008000s "
            "list=0.009000s uidl=0.010000s message=0.011000s quit=0.012000s messages=17 "
            "bytes=4711B certificate_days=43;21:;0:\n");
}

TEST(ReportNagiosTest, WhatWasntReachedHasNoData) {
  AccountReport report = GoodReport(Security::kPlain);
  report.messages.reset();
  report.bytes.reset();
  FailAt(report, Step::kConnect, {Fault::kRefused, "192.0.2.10:110: connection refused"});
  EXPECT_EQ(ReportNagios(report, Judge(report, {}), {}, 21),
            "POP3 CRITICAL - connect: 192.0.2.10:110: connection refused | "
            "time=0.055000s;5;;0;20 resolve=0.001000s connect=0.002000s\n");
}

// Nor can a server's words begin data of their own.
TEST(ReportNagiosTest, AServersWordsStayOneText) {
  EXPECT_EQ(NagiosLine(Status::kCritical, "a|b\nc\rd", "time=1s"),
            "POP3 CRITICAL - a/b?c?d | time=1s\n");
  EXPECT_EQ(NagiosLine(Status::kUnknown, "no such file", ""), "POP3 UNKNOWN - no such file\n");
}

}  // namespace
}  // namespace poplar::account_probe
