#include "proxy/account_probe/account_probe.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <utility>

#include "tests/unit/proxy/account_probe/probe_bench.h"

namespace poplar::account_probe {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

constexpr char kAllTls[] =
    "resolve connect tls certificate greeting capabilities login stat list uidl message quit";

ServerScript Plain() { return {.security = Security::kPlain}; }

TEST(AccountProbeTest, SeesAllOfAGoodAccount) {
  ProbeBench bench;
  const AccountReport report = bench.Probe();
  EXPECT_EQ(Outcomes(report), kAllTls);
  EXPECT_EQ(report.steps.size(), StepsOf(Security::kTls).size());
  EXPECT_EQ(report.target, "mail.example:995");
  EXPECT_EQ(report.host, "mail.example");
  EXPECT_EQ(report.address, "192.0.2.10:995");
  ASSERT_TRUE(report.secured.has_value());
  EXPECT_EQ(report.secured->version, "TLSv1.3");
  EXPECT_EQ(report.secured->alpn, "pop3");
  EXPECT_EQ(report.secured->chain.size(), 1u);
  EXPECT_EQ(CertificateDays(report), 90);
  EXPECT_THAT(report.capabilities, ElementsAre("TOP", "UIDL", "SASL PLAIN LOGIN"));
  EXPECT_EQ(report.login_way, "AUTH PLAIN");
  EXPECT_EQ(report.messages, 3u);
  EXPECT_EQ(report.bytes, 600u);
  EXPECT_TRUE(report.ids.has_value());
  EXPECT_EQ(report.message_bytes, 14u);
  EXPECT_TRUE(report.message.has_value());
  EXPECT_GT(report.took, io::Duration(0));
  EXPECT_EQ(bench.received, "CAPA\nAUTH PLAIN AGFubmEAc2VjcmV0\nSTAT\nLIST\nUIDL\nRETR 2\nQUIT\n");
}

TEST(AccountProbeTest, BeginsTlsWithStls) {
  ProbeBench bench({.security = Security::kStls});
  const AccountReport report = bench.Probe();
  EXPECT_EQ(Outcomes(report),
            "resolve connect greeting stls tls certificate capabilities login stat list uidl "
            "message quit");
  EXPECT_THAT(bench.received, testing::StartsWith("STLS\nCAPA\n"));
}

TEST(AccountProbeTest, SpeaksPlainWhereToldTo) {
  ProbeBench bench(Plain());
  const AccountReport report = bench.Probe();
  EXPECT_EQ(Outcomes(report),
            "resolve connect greeting capabilities login stat list uidl message quit");
  EXPECT_FALSE(report.secured.has_value());
  EXPECT_EQ(CertificateDays(report), std::nullopt);
}

// Whatever way the bytes come.
TEST(AccountProbeTest, SeesTheSameByteByByte) {
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    ProbeBench bench({}, {.segment_bytes_max = 1, .read_bytes_max = 1}, seed);
    EXPECT_EQ(Outcomes(bench.Probe()), kAllTls) << seed;
  }
}

TEST(AccountProbeTest, DeletesAndResetsNothing) {
  for (const MessageChoice choice :
       {MessageChoice::kSmallest, MessageChoice::kNewest, MessageChoice::kNone}) {
    ProbeBench bench;
    bench.options.message = choice;
    bench.Probe();
    EXPECT_THAT(bench.received, Not(HasSubstr("DELE")));
    EXPECT_THAT(bench.received, Not(HasSubstr("RSET")));
    EXPECT_THAT(bench.received, testing::EndsWith("QUIT\n"));
  }
}

// --- resolve and connect

TEST(AccountProbeTest, FollowsTheServiceRecord) {
  ProbeBench bench;
  bench.options.target = {.host = "example.org"};
  bench.resolver.SetService("_pop3s._tcp.example.org", {{"mail.example", 995, 1, 1}});
  const AccountReport report = bench.Probe();
  EXPECT_EQ(Outcomes(report), kAllTls);
  EXPECT_EQ(report.host, "mail.example");
  EXPECT_EQ(report.target, "example.org");
}

TEST(AccountProbeTest, AnUnknownNameEndsIt) {
  ProbeBench bench;
  bench.options.target = {.host = "nowhere.example", .port = 995};
  const AccountReport report = bench.Probe();
  EXPECT_EQ(Outcomes(report), "resolve#");
  EXPECT_THAT(Faults(report, Step::kResolve), ElementsAre(Fault::kNameUnknown));
  EXPECT_EQ(report.steps.size(), StepsOf(Security::kTls).size());
  EXPECT_EQ(report.steps.back().detail, "not reached");
}

TEST(AccountProbeTest, ARefusedConnectEndsIt) {
  ProbeBench bench;
  bench.options.target.port = 996;
  const AccountReport report = bench.Probe();
  EXPECT_EQ(Outcomes(report), "resolve connect#");
  EXPECT_THAT(Faults(report, Step::kConnect), ElementsAre(Fault::kRefused));
  EXPECT_THAT(report.Find(Step::kConnect)->findings[0].text, HasSubstr("192.0.2.10:996"));
}

TEST(AccountProbeTest, ASilentAddressHasItsShareOfTheTime) {
  ProbeBench bench;
  bench.resolver.SetHost("mail.example", {"192.0.2.7", "192.0.2.10"});
  bench.network().Vanish(*io::Address::Parse("192.0.2.7", 0));
  const AccountReport report = bench.Probe();
  EXPECT_THAT(Outcomes(report), testing::StartsWith("resolve connect! tls certificate"));
  EXPECT_THAT(Faults(report, Step::kConnect), ElementsAre(Fault::kAddressFailed));
  EXPECT_EQ(report.address, "192.0.2.10:995");
  EXPECT_GE(report.Find(Step::kConnect)->took, seconds(9));
  EXPECT_LE(report.took, seconds(12));
}

TEST(AccountProbeTest, OnlySilenceIsATimeout) {
  ProbeBench bench;
  bench.network().Vanish(*io::Address::Parse("192.0.2.10", 0));
  const AccountReport report = bench.Probe();
  EXPECT_EQ(Outcomes(report), "resolve connect#");
  EXPECT_THAT(Faults(report, Step::kConnect), ElementsAre(Fault::kSilent));
  EXPECT_LE(report.took, seconds(21));
}

// --- TLS and certificates

struct WrongCertificate {
  const char* name;
  ProbeBench::Shown shown;
  Fault fault;
};

class CertificateTest : public testing::TestWithParam<WrongCertificate> {};

TEST_P(CertificateTest, IsNotTrustedWithAPassword) {
  ProbeBench bench;
  bench.ShowCertificate(GetParam().shown);
  const AccountReport report = bench.Probe();
  EXPECT_EQ(Outcomes(report), "resolve connect tls certificate#");
  EXPECT_THAT(Faults(report, Step::kCertificate), ElementsAre(GetParam().fault));
  EXPECT_FALSE(report.secured->chain.empty());
  EXPECT_EQ(bench.received, "");
}

TEST_P(CertificateTest, IsToldOfAndPassedByWhenInsecure) {
  ProbeBench bench;
  bench.options.insecure = true;
  bench.ShowCertificate(GetParam().shown);
  const AccountReport report = bench.Probe();
  EXPECT_THAT(Outcomes(report), HasSubstr("certificate! greeting capabilities login"));
  EXPECT_THAT(Faults(report, Step::kCertificate), ElementsAre(GetParam().fault));
}

INSTANTIATE_TEST_SUITE_P(
    Table, CertificateTest,
    testing::Values(WrongCertificate{"Expired", {.from = -90, .until = -1}, Fault::kExpired},
                    WrongCertificate{"NotYetValid", {.from = 1}, Fault::kNotYetValid},
                    WrongCertificate{"WrongName", {.names = {"other.example"}}, Fault::kWrongName},
                    WrongCertificate{"SelfSigned", {.self_signed = true}, Fault::kSelfSigned}),
    [](const auto& info) { return info.param.name; });

TEST(AccountProbeTest, TellsAllThatIsWrongWithACertificate) {
  ProbeBench bench;
  bench.ShowCertificate({.names = {"other.example"}, .from = -90, .until = -3});
  const AccountReport report = bench.Probe();
  EXPECT_THAT(Faults(report, Step::kCertificate),
              testing::UnorderedElementsAre(Fault::kExpired, Fault::kWrongName));
  EXPECT_LT(*CertificateDays(report), 0);
}

TEST(AccountProbeTest, AnotherNameCanBeAskedFor) {
  ProbeBench bench;
  bench.ShowCertificate({.names = {"other.example"}});
  bench.options.server_name = "other.example";
  EXPECT_EQ(Outcomes(bench.Probe()), kAllTls);
}

TEST(AccountProbeTest, ACertificateThatExpiresSoonIsAWarning) {
  ProbeBench bench;
  bench.ShowCertificate({.until = 5});
  const AccountReport report = bench.Probe();
  EXPECT_THAT(Outcomes(report), HasSubstr("certificate! greeting"));
  EXPECT_THAT(Faults(report, Step::kCertificate), ElementsAre(Fault::kExpiresSoon));
  EXPECT_EQ(CertificateDays(report), 5);
}

TEST(AccountProbeTest, AnAuthorityThatIsNotTrusted) {
  ProbeBench bench;
  const std::string file = testing::TempDir() + "other_ca_" + std::to_string(getpid()) + ".pem";
  const int64_t now = bench.world().clock().UnixMicros() / 1'000'000;
  std::ofstream(file) << tls::IssueCertificate({.subject = "Other CA",
                                                .not_before = now - tls::kDay,
                                                .not_after = now + tls::kDay,
                                                .authority = true})
                             .certificate;
  bench.TrustAuthority(file);
  std::remove(file.c_str());
  const AccountReport report = bench.Probe();
  EXPECT_THAT(Faults(report, Step::kCertificate), ElementsAre(Fault::kIncompleteChain));
  EXPECT_EQ(bench.received, "");
}

// A server that says its greeting where TLS is due; a port of something else altogether.
TEST(AccountProbeTest, SaysWhatSpeaksWhereTlsWasDue) {
  const std::pair<const char*, Fault> servers[] = {
      {"+OK ready\r\n", Fault::kPlainPop3},
      {"SSH-2.0-OpenSSH_9.2p1\r\n", Fault::kSpeaksSsh},
      {"* OK IMAP4rev1 ready\r\n", Fault::kSpeaksImap},
      {"220 smtp.example ESMTP\r\n", Fault::kSpeaksSmtp},
      {"HTTP/1.1 400 Bad Request\r\n\r\n", Fault::kSpeaksHttp},
      {"who are you?\r\n", Fault::kSpeaksOther}};
  for (const auto& [greeting, fault] : servers) {
    ProbeBench bench({.greeting = greeting, .security = Security::kPlain});
    bench.options.security = Security::kTls;
    bench.TrustAuthority("");
    const AccountReport report = bench.Probe();
    EXPECT_EQ(Outcomes(report), "resolve connect tls#") << greeting;
    EXPECT_THAT(Faults(report, Step::kTls), ElementsAre(fault)) << greeting;
  }
}

TEST(AccountProbeTest, APortThatNeverAnswersTls) {
  ProbeBench bench({.greeting = "", .security = Security::kPlain});
  bench.options.security = Security::kTls;
  bench.TrustAuthority("");
  const AccountReport report = bench.Probe();
  EXPECT_EQ(Outcomes(report), "resolve connect tls#");
  EXPECT_THAT(Faults(report, Step::kTls), ElementsAre(Fault::kTimeout));
  EXPECT_LE(report.took, seconds(21));
}

TEST(AccountProbeTest, APortThatHangsUpInTheHandshake) {
  ProbeBench bench({.greeting = "\xff", .security = Security::kPlain});
  bench.options.security = Security::kTls;
  bench.TrustAuthority("");
  EXPECT_THAT(Faults(bench.Probe(), Step::kTls), ElementsAre(Fault::kClosed));
}

TEST(AccountProbeTest, StlsThatIsRefusedEndsItWithQuit) {
  ProbeBench bench({.security = Security::kStls});
  bench.script.answers["STLS"] = "-ERR unknown command\r\n";
  const AccountReport report = bench.Probe();
  EXPECT_EQ(Outcomes(report), "resolve connect greeting stls# quit");
  EXPECT_THAT(Faults(report, Step::kStls), ElementsAre(Fault::kStlsRefused));
  EXPECT_EQ(bench.received, "STLS\nQUIT\n");
}

// Seen as such where they come in one read, which is up to the world; as broken TLS elsewhere.
TEST(AccountProbeTest, WordsPutBehindStlsAreNotTaken) {
  int seen = 0;
  for (uint64_t seed = 1; seed <= 40; ++seed) {
    ProbeBench bench({.security = Security::kStls}, {}, seed);
    bench.script.answers["STLS"] = "+OK begin\r\n+OK injected\r\n";
    const AccountReport report = bench.Probe();
    EXPECT_EQ(bench.received.find("AUTH"), std::string::npos);
    if (Outcomes(report) != "resolve connect greeting stls#") continue;
    ++seen;
    EXPECT_THAT(Faults(report, Step::kStls), ElementsAre(Fault::kStlsInjection));
    EXPECT_EQ(bench.received, "STLS\n");
  }
  EXPECT_GT(seen, 20);
}

// --- greetings

struct GreetingCase {
  const char* name;
  std::string greeting;
  Fault fault;
};

class GreetingTest : public testing::TestWithParam<GreetingCase> {};

TEST_P(GreetingTest, IsJudged) {
  ProbeBench bench({.greeting = GetParam().greeting, .security = Security::kPlain});
  const AccountReport report = bench.Probe();
  EXPECT_EQ(Outcomes(report), "resolve connect greeting#");
  EXPECT_THAT(Faults(report, Step::kGreeting), ElementsAre(GetParam().fault));
  EXPECT_EQ(bench.received, "");
}

INSTANTIATE_TEST_SUITE_P(
    Table, GreetingTest,
    testing::Values(
        GreetingCase{"Refused", "-ERR [SYS/TEMP] too many connections\r\n", Fault::kTurnedAway},
        GreetingCase{"Ssh", "SSH-2.0-OpenSSH_9.2\r\n", Fault::kSpeaksSsh},
        GreetingCase{"Http", "HTTP/1.0 408 Timeout\r\n\r\n", Fault::kSpeaksHttp},
        GreetingCase{"Smtp", "220 mail ESMTP\r\n", Fault::kSpeaksSmtp},
        GreetingCase{"Imap", "* OK ready\r\n", Fault::kSpeaksImap},
        GreetingCase{"TlsAlert", std::string("\x15\x03\x01\x00\x02\x02\n", 7), Fault::kSpeaksTls},
        GreetingCase{"LowerCase", "+ok ready\r\n", Fault::kSpeaksOther},
        GreetingCase{"Empty", "\r\n", Fault::kSpeaksOther},
        GreetingCase{"Endless", std::string(100'000, 'x'), Fault::kSpeaksOther},
        GreetingCase{"EndlessPop3", "+OK" + std::string(100'000, 'x'), Fault::kTooMuch},
        GreetingCase{"Silence", "", Fault::kTimeout},
        GreetingCase{"Half", "+OK r", Fault::kTimeout},
        GreetingCase{"Closed", "\xff", Fault::kClosed}),
    [](const auto& info) { return info.param.name; });

// --- the time

TEST(AccountProbeTest, TheTimeoutBoundsTheWhole) {
  for (const char* silent :
       {"CAPA", "AUTH PLAIN AGFubmEAc2VjcmV0", "STAT", "LIST", "UIDL", "RETR", "QUIT"}) {
    ProbeBench bench;
    bench.options.timeout = seconds(4);
    bench.script.answers[silent] = "";
    const AccountReport report = bench.Probe();
    EXPECT_LE(report.took, milliseconds(4100)) << silent;
    EXPECT_GE(report.took, seconds(4)) << silent;
    EXPECT_THAT(Outcomes(report), testing::EndsWith("#")) << silent;
  }
}

// A server that sends for ever, a little at a time, is no different.
TEST(AccountProbeTest, NorDoesATrickleHoldIt) {
  ProbeBench bench({}, {.latency_min = seconds(1), .latency_max = seconds(1)});
  bench.options.timeout = seconds(5);
  const AccountReport report = bench.Probe();
  EXPECT_LE(report.took, milliseconds(5100));
  EXPECT_THAT(Outcomes(report), testing::EndsWith("#"));
}

// Whatever the network does to it, it ends in time, has a word for every step, and has changed
// nothing.
TEST(AccountProbeTest, EndsInAnyWorld) {
  size_t good = 0;
  for (uint64_t seed = 1; seed <= 300; ++seed) {
    simulation::SeededRandom random(seed, "probe");
    const simulation::Faults faults = simulation::Faults::Draw(random);
    ProbeBench bench({.security = seed % 2 == 0 ? Security::kTls : Security::kStls}, faults, seed);
    const AccountReport report = bench.Probe();
    ASSERT_EQ(report.steps.size(), StepsOf(bench.options.security).size()) << seed;
    for (size_t i = 0; i < report.steps.size(); ++i)
      EXPECT_EQ(report.steps[i].step, StepsOf(bench.options.security)[i]) << seed;
    EXPECT_LE(report.took, bench.options.timeout + seconds(5)) << seed;
    EXPECT_THAT(bench.received, Not(HasSubstr("DELE"))) << seed;
    if (report.Find(Step::kQuit)->outcome == Outcome::kPassed) ++good;
  }
  EXPECT_GT(good, 100u);
  EXPECT_LT(good, 300u);
}

TEST(AccountProbeTest, ASlowNameServerIsBoundedToo) {
  ProbeBench bench;
  bench.resolver.Fail("mail.example", io::ResolveError::Kind::kFailed);
  EXPECT_THAT(Faults(bench.Probe(), Step::kResolve), ElementsAre(Fault::kNameServerSilent));
}

}  // namespace
}  // namespace poplar::account_probe
