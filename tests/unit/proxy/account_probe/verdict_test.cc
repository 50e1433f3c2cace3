#include "proxy/account_probe/verdict.h"

#include <gtest/gtest.h>

#include "tests/unit/proxy/account_probe/reports.h"

namespace poplar::account_probe {
namespace {

using std::chrono::milliseconds;

TEST(VerdictTest, AllIsWell) {
  const Verdict verdict = Judge(GoodReport(), {});
  EXPECT_EQ(verdict.status, Status::kOk);
  EXPECT_EQ(verdict.summary, "anna at 192.0.2.10:995: 17 messages, 0.078 s, certificate 43 days");
  EXPECT_EQ(Judge(GoodReport(Security::kPlain), {}).summary,
            "anna at 192.0.2.10:995: 17 messages, 0.055 s");
}

TEST(VerdictTest, AFailedStepIsCritical) {
  AccountReport report = GoodReport();
  FailAt(report, Step::kLogin, {Fault::kWrongCredential, "-ERR [AUTH] no"});
  const Verdict verdict = Judge(report, {});
  EXPECT_EQ(verdict.status, Status::kCritical);
  EXPECT_EQ(verdict.summary, "login: -ERR [AUTH] no");
}

TEST(VerdictTest, SomebodyElseInTheMaildropIsAWarning) {
  for (const Fault fault : {Fault::kInUse, Fault::kLoginDelay}) {
    AccountReport report = GoodReport();
    FailAt(report, Step::kLogin, {fault, "-ERR"});
    EXPECT_EQ(Judge(report, {}).status, Status::kWarning);
  }
}

TEST(VerdictTest, ThisMachinesOwnTroubleIsUnknown) {
  AccountReport report = GoodReport();
  FailAt(report, Step::kConnect, {Fault::kLocal, "EMFILE"});
  EXPECT_EQ(Judge(report, {}).status, Status::kUnknown);
}

TEST(VerdictTest, AWarningIsOneAndTheWorstIsTold) {
  AccountReport report = GoodReport();
  At(report, Step::kCertificate).outcome = Outcome::kWarned;
  At(report, Step::kCertificate).findings = {{Fault::kExpiresSoon, "it expires in 5 days"}};
  Verdict verdict = Judge(report, {});
  EXPECT_EQ(verdict.status, Status::kWarning);
  EXPECT_EQ(verdict.summary, "certificate: it expires in 5 days");
  At(report, Step::kQuit).outcome = Outcome::kFailed;
  At(report, Step::kQuit).findings = {{Fault::kClosed, "closed"}};
  verdict = Judge(report, {});
  EXPECT_EQ(verdict.status, Status::kCritical);
  EXPECT_EQ(verdict.summary, "quit: closed");
}

TEST(VerdictTest, SlownessCounts) {
  const AccountReport report = GoodReport();  // 78 ms
  EXPECT_EQ(Judge(report, {.warning = milliseconds(78)}).status, Status::kOk);
  const Verdict warned = Judge(report, {.warning = milliseconds(77)});
  EXPECT_EQ(warned.status, Status::kWarning);
  EXPECT_EQ(warned.summary, "slow: 0.078 s, more than 0.077 s");
  const Verdict critical =
      Judge(report, {.warning = milliseconds(10), .critical = milliseconds(50)});
  EXPECT_EQ(critical.status, Status::kCritical);
  EXPECT_EQ(critical.summary, "slow: 0.078 s, more than 0.05 s");
}

TEST(VerdictTest, CriticalIsWorseThanUnknownIsWorseThanWarning) {
  EXPECT_EQ(Worse(Status::kCritical, Status::kUnknown), Status::kCritical);
  EXPECT_EQ(Worse(Status::kWarning, Status::kUnknown), Status::kUnknown);
  EXPECT_EQ(Worse(Status::kOk, Status::kWarning), Status::kWarning);
  EXPECT_EQ(Name(Status::kUnknown), "UNKNOWN");
}

TEST(CertificateDaysTest, AreWholeDays) {
  AccountReport report = GoodReport();
  int64_t& end = report.secured->chain.front().not_after;
  end = report.unix_seconds + 86'399;
  EXPECT_EQ(CertificateDays(report), 0);
  end = report.unix_seconds - 1;
  EXPECT_EQ(CertificateDays(report), -1);
  end = report.unix_seconds - 86'401;
  EXPECT_EQ(CertificateDays(report), -2);
}

}  // namespace
}  // namespace poplar::account_probe
