#include "proxy/account_probe/report_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/proxy/account_probe/reports.h"

namespace poplar::account_probe {
namespace {

using testing::HasSubstr;

TEST(ReportTextTest, ALineAStep) {
  const AccountReport report = GoodReport();
  EXPECT_EQ(ReportText(report, Judge(report, {}), Marks::kAscii),
            "anna at mail.example, TLS from the first byte\n\n"
            "ok   resolve          1.0 ms  about resolve\n"
            "ok   connect          2.0 ms  about connect\n"
            "ok   TLS              3.0 ms  about tls\n"
            "ok   certificate              about certificate\n"
            "ok   greeting         5.0 ms  about greeting\n"
            "ok   capabilities     6.0 ms  about capabilities\n"
            "ok   login            7.0 ms  about login\n"
            "ok   stat             8.0 ms  about stat\n"
            "ok   list             9.0 ms  about list\n"
            "ok   uidl            10.0 ms  about uidl\n"
            "ok   message         11.0 ms  about message\n"
            "ok   quit            12.0 ms  about quit\n\n"
            "OK: anna at 192.0.2.10:995: 17 messages, 0.078 s, certificate 43 days\n");
}

TEST(ReportTextTest, AFailureIsExplained) {
  AccountReport report = GoodReport(Security::kPlain);
  FailAt(report, Step::kGreeting, {Fault::kSpeaksSsh, "SSH-2.0-OpenSSH_9.2"});
  EXPECT_EQ(ReportText(report, Judge(report, {}), Marks::kUnicode),
            "anna at mail.example, in the clear, password and all\n\n"
            "✓ resolve          1.0 ms  about resolve\n"
            "✓ connect          2.0 ms  about connect\n"
            "✗ greeting         3.0 ms\n"
            "      SSH-2.0-OpenSSH_9.2\n"
            "      Likely:  An SSH server answers at this port.\n"
            "      To do:   Correct the port: 995 for TLS, 110 for STLS.\n"
            "- capabilities             not reached\n"
            "- login                    not reached\n"
            "- stat                     not reached\n"
            "- list                     not reached\n"
            "- uidl                     not reached\n"
            "- message                  not reached\n"
            "- quit                     not reached\n\n"
            "CRITICAL: greeting: SSH-2.0-OpenSSH_9.2\n");
}

TEST(ReportTextTest, AsciiIsAscii) {
  AccountReport report = GoodReport();
  At(report, Step::kCertificate).outcome = Outcome::kWarned;
  At(report, Step::kMessage).outcome = Outcome::kSkipped;
  FailAt(report, Step::kUidl, {Fault::kTimeout, "no answer"});
  const std::string text = ReportText(report, Judge(report, {}), Marks::kAscii);
  for (const char c : text) EXPECT_TRUE(c == '\n' || (c >= 0x20 && c < 0x7f));
  EXPECT_THAT(text, HasSubstr("\nwarn certificate"));
  EXPECT_THAT(text, HasSubstr("\nFAIL uidl"));
  EXPECT_THAT(text, HasSubstr("\n-    message"));
}

TEST(ReportTextTest, LongTimesAreSeconds) {
  EXPECT_EQ(TimeText(std::chrono::microseconds(1234)), "    1.2 ms");
  EXPECT_EQ(TimeText(std::chrono::milliseconds(9999)), " 9999.0 ms");
  EXPECT_EQ(TimeText(std::chrono::seconds(20)), "    20.0 s");
}

}  // namespace
}  // namespace poplar::account_probe
