#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "proxy/account_probe/account_probe.h"
#include "proxy/account_probe/compare.h"
#include "proxy/account_probe/report_json.h"
#include "proxy/account_probe/report_nagios.h"
#include "proxy/account_probe/report_text.h"
#include "tests/unit/proxy/account_probe/probe_bench.h"

namespace poplar::account_probe {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

constexpr char kPlainLine[] = "AUTH PLAIN AGFubmEAc2VjcmV0";
constexpr char kBearerLine[] = "AUTH OAUTHBEARER bixhPWFubmEsAWF1dGg9QmVhcmVyIHNlY3JldAEB";
constexpr char kXoauth2Line[] = "AUTH XOAUTH2 dXNlcj1hbm5hAWF1dGg9QmVhcmVyIHNlY3JldAEB";

TEST(AccountProbeLoginTest, WithoutCapaItIsUserAndPass) {
  ProbeBench bench;
  bench.script.answers["CAPA"] = "-ERR unknown command\r\n";
  const AccountReport report = bench.Probe();
  EXPECT_THAT(Outcomes(report), HasSubstr("capabilities login stat"));
  EXPECT_EQ(report.Find(Step::kCapabilities)->detail, "the server knows no CAPA");
  EXPECT_EQ(report.login_way, "USER and PASS");
  EXPECT_THAT(bench.received, HasSubstr("USER anna\nPASS secret\n"));
}

struct RefusalCase {
  const char* name;
  const char* line;
  Security security;
  Fault fault;
};

class RefusalTest : public testing::TestWithParam<RefusalCase> {};

TEST_P(RefusalTest, IsUnderstood) {
  ProbeBench bench({.security = GetParam().security});
  bench.script.answers[kPlainLine] = std::string(GetParam().line) + "\r\n";
  const AccountReport report = bench.Probe();
  EXPECT_THAT(Outcomes(report), testing::EndsWith("capabilities login# quit"));
  EXPECT_THAT(Faults(report, Step::kLogin), ElementsAre(GetParam().fault));
  EXPECT_EQ(report.Find(Step::kLogin)->findings[0].text, GetParam().line);
  EXPECT_THAT(bench.received, Not(HasSubstr("STAT")));
}

INSTANTIATE_TEST_SUITE_P(
    Table, RefusalTest,
    testing::Values(
        RefusalCase{"Auth", "-ERR [AUTH] Authentication failed.", Security::kTls,
                    Fault::kWrongCredential},
        RefusalCase{"NoCode", "-ERR no", Security::kTls, Fault::kWrongCredential},
        RefusalCase{"InUse", "-ERR [IN-USE] Mailbox is locked", Security::kTls, Fault::kInUse},
        RefusalCase{"LockWithoutCode", "-ERR maildrop already locked", Security::kTls,
                    Fault::kInUse},
        RefusalCase{"LoginDelay", "-ERR [LOGIN-DELAY] too soon", Security::kTls,
                    Fault::kLoginDelay},
        RefusalCase{"SysTemp", "-ERR [SYS/TEMP] Service temporarily unavailable", Security::kTls,
                    Fault::kTemporary},
        RefusalCase{"SysPerm", "-ERR [SYS/PERM] broken", Security::kTls, Fault::kPermanent},
        RefusalCase{"NeedsTls",
                    "-ERR [AUTH] Plaintext authentication disallowed on non-secure (SSL/TLS) "
                    "connections.",
                    Security::kPlain, Fault::kNeedsTls},
        RefusalCase{"TlsOverTls", "-ERR [AUTH] see SSL page of your account", Security::kTls,
                    Fault::kWrongCredential}),
    [](const auto& info) { return info.param.name; });

TEST(AccountProbeLoginTest, AnAnswerThatIsNone) {
  ProbeBench bench;
  bench.script.answers[kPlainLine] = "hello\r\n";
  const AccountReport report = bench.Probe();
  EXPECT_THAT(Outcomes(report), testing::EndsWith("login#"));
  EXPECT_THAT(Faults(report, Step::kLogin), ElementsAre(Fault::kNonsense));
}

TEST(AccountProbeLoginTest, ACredentialThatCannotBeWritten) {
  ProbeBench bench;
  bench.credential = pop3::PasswordCredential("an\r\nna", pop3::Secret("secret"));
  const AccountReport report = bench.Probe();
  EXPECT_THAT(Outcomes(report), testing::EndsWith("login# quit"));
  EXPECT_THAT(Faults(report, Step::kLogin), ElementsAre(Fault::kUnwritable));
  EXPECT_EQ(bench.received, "CAPA\nQUIT\n");
}

// --- tokens

class TokenTest : public testing::Test {
 protected:
  TokenTest() {
    bench.credential.mechanism = pop3::Mechanism::kOauthBearer;
    bench.script.answers["CAPA"] = "+OK\r\nSASL PLAIN XOAUTH2 OAUTHBEARER\r\n.\r\n";
    bench.script.answers[kBearerLine] = "+OK Logged in.\r\n";
    bench.script.answers[kXoauth2Line] = "+OK Logged in.\r\n";
  }
  ProbeBench bench;
};

TEST_F(TokenTest, GoesByOauthBearer) {
  const AccountReport report = bench.Probe();
  EXPECT_THAT(Outcomes(report), testing::EndsWith("login stat list uidl message quit"));
  EXPECT_EQ(report.login_way, "AUTH OAUTHBEARER");
}

TEST_F(TokenTest, OrByXoauth2) {
  bench.script.answers["CAPA"] = "+OK\r\nSASL PLAIN XOAUTH2\r\n.\r\n";
  EXPECT_EQ(bench.Probe().login_way, "AUTH XOAUTH2");
  bench.script.answers["CAPA"] = "+OK\r\nSASL OAUTHBEARER XOAUTH2\r\n.\r\n";
  bench.credential.mechanism = pop3::Mechanism::kXoauth2;
  EXPECT_EQ(bench.Probe().login_way, "AUTH XOAUTH2");
}

TEST_F(TokenTest, IsNotSentToAServerWithoutEither) {
  bench.script.answers["CAPA"] = "+OK\r\nSASL PLAIN\r\n.\r\n";
  const AccountReport report = bench.Probe();
  EXPECT_THAT(Faults(report, Step::kLogin), ElementsAre(Fault::kNoTokenMechanism));
  EXPECT_EQ(bench.received, "CAPA\nQUIT\n");
}

TEST_F(TokenTest, TheServersReasonIsTold) {
  bench.script.answers[kBearerLine] = "+ eyJzdGF0dXMiOiJpbnZhbGlkX3Rva2VuIn0=\r\n";
  bench.script.answers["AQ=="] = "-ERR [AUTH] Authentication failed.\r\n";
  const AccountReport report = bench.Probe();
  EXPECT_THAT(Faults(report, Step::kLogin), ElementsAre(Fault::kWrongToken));
  EXPECT_EQ(report.Find(Step::kLogin)->findings[0].text,
            "-ERR [AUTH] Authentication failed. ({\"status\":\"invalid_token\"})");
  EXPECT_THAT(bench.received, HasSubstr("AQ==\nQUIT\n"));
}

TEST_F(TokenTest, Xoauth2sReasonIsAnsweredWithNothing) {
  bench.credential.mechanism = pop3::Mechanism::kXoauth2;
  bench.script.answers[kXoauth2Line] = "+ eyJzdGF0dXMiOiI0MDEifQ==\r\n";
  bench.script.answers[""] = "-ERR no\r\n";
  EXPECT_THAT(Faults(bench.Probe(), Step::kLogin), ElementsAre(Fault::kWrongToken));
}

// --- secrets

// Whatever a server says of a password, in whichever form it got it: no report has it.
TEST(AccountProbeLoginTest, NoReportHasThePassword) {
  const char* const echoes[] = {
      "-ERR wrong password secret\r\n", "-ERR what is AUTH PLAIN AGFubmEAc2VjcmV0?\r\n",
      "secretsecretsecret\r\n", "+OK welcome, secret\r\n", "+ c2VjcmV0\r\n"};
  for (const char* echo : echoes) {
    for (const char* command : {kPlainLine, "STAT", "CAPA", "QUIT"}) {
      ProbeBench bench;
      bench.script.answers[command] = echo;
      const AccountReport report = bench.Probe();
      const Verdict verdict = Judge(report, {});
      const Pair pair{.direct = report, .via = report};
      for (const std::string& text :
           {ReportText(report, verdict, Marks::kAscii), ReportJson(report, verdict),
            ReportNagios(report, verdict, {}, 21), CompareText(pair, verdict, Marks::kAscii),
            CompareJson(pair, verdict, {}), CompareNagios(pair, verdict, {}, 21)}) {
        EXPECT_THAT(text, Not(HasSubstr("secret"))) << command << " " << echo;
        EXPECT_THAT(text, Not(HasSubstr("c2VjcmV0"))) << command << " " << echo;
        EXPECT_THAT(text, Not(HasSubstr("AGFubmEAc2VjcmV0"))) << command << " " << echo;
      }
    }
  }
}

}  // namespace
}  // namespace poplar::account_probe
