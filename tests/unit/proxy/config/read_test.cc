#include "proxy/config/read.h"

#include <gtest/gtest.h>

#include <chrono>
#include <sstream>
#include <string>

#include "proxy/config/check.h"
#include "proxy/config/report.h"

namespace poplar::config {
namespace {

TEST(Read, FillsTheWholeConfiguration) {
  const ReadResult result = Read({"/etc/poplar/poplar.yaml", R"(
workers: 4
listeners:
  - name: pop3s
    address: "[::]:995"
    cluster: mail
  - {name: inside, address: "10.0.0.1:110", tls: none, allow_cleartext_passwords: yes}
tls:
  certificates:
    - {certificate: ecdsa.pem, key: /keys/ecdsa.key}
    - {certificate: both.pem}
  min_version: 1.3
  session_tickets: no
clusters:
  - name: mail
    shared_storage: yes
    nodes:
      - {name: a, address: "a.example:110"}
      - {name: b, address: "[::1]:995", weight: 50, tls: verify, ca_file: ca.pem, host_name: b.example}
default_domain: example.org
timeouts: {tls_handshake: 1s, login: 2s, upstream_connect: 3s, upstream_response: 4s, client_idle: 5h,
           client_write_stall: 600ms}
limits: {sessions: 5, bad_commands: 6, failed_logins: 7, buffer_memory: 8MiB}
drain_timeout: 0s
admin: {enabled: no, address: "127.0.0.1:1"}
log: {format: logfmt, level: error, output: stdout}
)"});
  EXPECT_TRUE(result.complete);
  EXPECT_TRUE(result.problems.empty()) << result.problems[0].message;

  Config expected;
  expected.workers = 4;
  expected.listeners = {{"pop3s", "[::]:995", ListenerTls::kImplicit, false, "mail"},
                        {"inside", "10.0.0.1:110", ListenerTls::kNone, true, ""}};
  expected.tls = {{{"/etc/poplar/ecdsa.pem", "/keys/ecdsa.key"}, {"/etc/poplar/both.pem", ""}},
                  TlsVersion::k13,
                  false};
  expected.clusters = {
      {"mail",
       true,
       {{"a", "a.example:110", 100, NodeTls::kNone, "", ""},
        {"b", "[::1]:995", 50, NodeTls::kVerify, "/etc/poplar/ca.pem", "b.example"}}}};
  expected.default_domain = "example.org";
  using std::chrono::milliseconds;
  using std::chrono::seconds;
  expected.timeouts = {seconds(1),       seconds(2), seconds(3), seconds(4), std::chrono::hours(5),
                       milliseconds(600)};
  expected.limits = {5, 6, 7, MiB(8)};
  expected.drain_timeout = Duration(0);
  expected.admin = {false, "127.0.0.1:1"};
  expected.log = {LogFormat::kLogfmt, LogLevel::kError, "stdout"};
  EXPECT_EQ(result.config, expected);
}

TEST(Read, TheDefaultsAreTheDocumentedOnes) {
  const Config config = Read({"poplar.yaml", "listeners: []\nclusters: []\n"}).config;
  EXPECT_EQ(config, Config());
  EXPECT_EQ(config.timeouts.tls_handshake, std::chrono::seconds(10));
  EXPECT_EQ(config.timeouts.login, std::chrono::seconds(60));
  EXPECT_EQ(config.timeouts.upstream_connect, std::chrono::seconds(15));
  EXPECT_EQ(config.timeouts.upstream_response, std::chrono::seconds(15));
  EXPECT_EQ(config.timeouts.client_idle, std::chrono::minutes(10));
  EXPECT_EQ(config.timeouts.client_write_stall, std::chrono::seconds(60));
  EXPECT_EQ(config.drain_timeout, std::chrono::seconds(30));
  EXPECT_EQ(config.limits.failed_logins, 3);
  EXPECT_EQ(config.tls.min_version, TlsVersion::k12);
}

TEST(Read, ARelativeNameWithoutAFolderLeavesPathsAsTheyAre) {
  const auto result = Read({"poplar.yaml", "tls: {certificates: [{certificate: a.pem}]}"});
  EXPECT_EQ(result.config.tls.certificates.at(0).certificate, "a.pem");
}

TEST(Read, AnEmptyFileLacksWhatIsRequired) {
  for (const char* text : {"", "# nothing\n", "---\n"}) {
    const auto result = Read({"poplar.yaml", text});
    ASSERT_EQ(result.problems.size(), 2u) << text;
    EXPECT_EQ(result.problems[0].path, "listeners");
    EXPECT_EQ(result.problems[1].path, "clusters");
  }
}

TEST(Read, AFileOfAnotherKindIsOneProblem) {
  for (const char* text : {"hello", "- a\n- b\n", "\"x\"\n"}) {
    const auto result = Read({"poplar.yaml", text});
    EXPECT_FALSE(result.complete);
    ASSERT_EQ(result.problems.size(), 1u) << text;
    EXPECT_EQ(result.problems[0].message, "the file is not made of keys and values");
    EXPECT_EQ(result.problems[0].at, (Position{1, 1}));
  }
}

TEST(Read, ASyntaxErrorStandsAlone) {
  const auto result = Read({"poplar.yaml", "workers: many\nlisteners: [\n"});
  EXPECT_FALSE(result.complete);
  EXPECT_EQ(result.problems.size(), 1u);
}

// Every mistake of a bad file at once, exactly as `poplar check` shows it.
TEST(Read, ShowsAllMistakesOfABadFile) {
  const auto yaml = ReadSource(POPLAR_GOLDEN "mistakes.yaml");
  const auto golden = ReadSource(POPLAR_GOLDEN "mistakes.txt");
  ASSERT_TRUE(yaml.has_value());
  ASSERT_TRUE(golden.has_value());
  const Source source = {"poplar.yaml", yaml->text};
  ReadResult result = Read(source);
  for (Problem& problem : CheckMeaning(result.config, result.positions))
    result.problems.push_back(std::move(problem));
  std::ostringstream report;
  RenderReport(result.problems, source, Color::kNever, report);
  EXPECT_EQ(report.str(), golden->text);
}

}  // namespace
}  // namespace poplar::config
