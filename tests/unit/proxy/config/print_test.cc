#include "proxy/config/print.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <sstream>

#include "proxy/config/check.h"
#include "proxy/config/read.h"

namespace poplar::config {
namespace {

using testing::HasSubstr;

TEST(ExampleConfig, IsTheDefaultsWithOneExampleInEachList) {
  Config expected;
  expected.listeners = {{.name = "pop3s", .address = "[::]:995"}};
  expected.tls.certificates = {{"/etc/poplar/tls/fullchain.pem", "/etc/poplar/tls/key.pem"}};
  expected.clusters = {
      {.name = "mail", .nodes = {{.name = "mail-1", .address = "mail-1.internal:110"}}}};
  EXPECT_EQ(ExampleConfig(), expected);
}

TEST(Print, ReadsBackWithoutProblems) {
  const ReadResult read = Read({"poplar.yaml", Print(ExampleConfig())});
  EXPECT_TRUE(read.problems.empty()) << read.problems[0].path << ": " << read.problems[0].message;
  EXPECT_EQ(read.config, ExampleConfig());
  EXPECT_TRUE(CheckMeaning(read.config, read.positions).empty());
}

TEST(Print, ReadsBackWhateverTheValues) {
  Config config = ExampleConfig();
  config.workers = 1024;
  config.listeners.push_back({.name = "b \"quoted\" \\ # : {",
                              .address = "\n\t\x01 ~",
                              .tls = ListenerTls::kNone,
                              .require_tls = false,
                              .logins = {},
                              .proxy_protocol_from = {"::/0", "# [x, y]"},
                              .xclient_from = {"192.0.2.0/24"},
                              .unknown_commands = UnknownCommands::kRefuse,
                              .capabilities = {{"a: b"}, {"", "-"}},
                              .cluster = "null"});
  config.tls.client_certificates = ClientCertificates::kRequired;
  config.tls.client_ca_file = "/ca";
  config.tls.client_name = ClientName::kCommonName;
  config.tls.certificates.clear();
  config.tls.min_version = TlsVersion::k13;
  config.tls.ticket_key_file = "/t k ${x} $${y}";
  config.clusters.push_back({"\xc3\xa4", true, {}});
  config.clusters[0].nodes.push_back({.name = "-",
                                      .address = "no",
                                      .weight = 0,
                                      .tls = NodeTls::kInsecure,
                                      .tls_start = NodeTlsStart::kStls,
                                      .ca_file = "/a b",
                                      .host_name = "[x]",
                                      .client_certificate = "/c d",
                                      .client_key = "/e: f",
                                      .proxy_protocol = NodeProxyProtocol::kV2,
                                      .xclient = Xclient::kOff});
  config.clusters[0].master_user = {"m: #", "/p: q", "\""};
  config.clusters[0].nodes[1].state = NodeState::kDown;
  Set(config.clusters[0].nodes[1].pool, &PoolConfig::size, 0);
  Set(config.clusters[0].nodes[1].timeouts, &UpstreamTimeoutsConfig::upstream_response,
      Duration(150));
  Set(config.clusters[1].pool, &PoolConfig::parked, 7);
  Set(config.clusters[1].pool, &PoolConfig::warm_max_age, Duration(1500));
  Set(config.clusters[1].health, &HealthConfig::probe, Probe::kOff);
  Set(config.clusters[1].health, &HealthConfig::user, "a: b\n# c");
  Set(config.clusters[1].health, &HealthConfig::password_file, "/p w");
  config.resume = {false, Duration(1500)};
  config.autoconfig.listen = {{"# [", true}};
  config.autoconfig.domains = {"a: b", ""};
  config.autoconfig.display_name = "'\"";
  config.autoconfig.user_name = AutoconfigUserName::kLocalPart;
  config.autoconfig.incoming = {{"x", 65535}};
  config.autoconfig.outgoing = {{"y", 25, OutgoingSecurity::kNone, false}};
  Set(config.clusters[1].resume, &ResumeConfig::enabled, true);
  config.clusters[1].affinity = Affinity::kNone;
  config.clusters[1].maildrop_lock = MaildropLock::kExclusive;
  config.replicas = 2;
  config.pool.max_snapshot_age = Duration(0);
  config.health.probe = Probe::kOff;
  config.timeouts.client_idle = std::chrono::milliseconds(90'001);
  config.limits.buffer_memory = Size{(1 << 20) + 1};
  config.drain = {Duration(1), Duration(2), Duration(0)};
  config.admission.access = {{"a", "b, c", "[d]", ""}, {"\n"}};
  config.admission.trusted.clear();
  config.admission.login_delay.enabled = false;
  config.admission.byte_rate = KiB(16);
  config.listeners[0].access.deny = {"192.0.2.0/24"};
  config.clusters[1].access.allow = {"no"};
  config.clusters[1].retention = {Deletes::kDeny, {"@a"}, {}, {"b@c", "'"}};
  config.admin = {false, "", "/etc/a", "/etc/b"};
  config.log = {LogFormat::kLogfmt, LogLevel::kDebug, "/var/log/x", "/var/log/y"};
  const ReadResult read = Read({"poplar.yaml", Print(config)});
  EXPECT_TRUE(read.problems.empty()) << read.problems[0].path << ": " << read.problems[0].message;
  EXPECT_EQ(read.config, config);
}

TEST(Print, ReadsDirectoriesBack) {
  Config config = ExampleConfig();
  config.directories = {{.name = "people",
                         .ldap = {.urls = {"ldap://[::1]", "ldapi://%2fs"},
                                  .start_tls = true,
                                  .bind_dn = "cn=a b,dc=\"c\"",
                                  .password_file = "/p: w",
                                  .base = "dc=#",
                                  .scope = LdapScope::kOne,
                                  .filter = "(&(a=%u)(b=\\2a%%))",
                                  .place = "host",
                                  .login = "uid",
                                  .connections = 64}}};
  const ReadResult read = Read({"poplar.yaml", Print(config)});
  EXPECT_EQ(read.config, config);
  // The kind that isn't used is printed too, and means nothing.
  for (const Problem& problem : CheckMeaning(read.config, read.positions))
    ADD_FAILURE() << problem.path << ": " << problem.message;
}

TEST(Print, StatesHelpBoundsAndDefaultNotTheCurrentValue) {
  Config config = ExampleConfig();
  config.clusters[0].nodes[0].weight = 7;
  const std::string text = Print(config);
  EXPECT_THAT(text, HasSubstr("        # The node's share of the users, relative to the others'. "
                              "0: the last choice for "
                              "every user.\n"
                              "        # A whole number from 0 to 1000. Default: 100.\n"
                              "        weight: 7\n"));
  EXPECT_THAT(text, HasSubstr("  # One of json, logfmt. Default: json.\n  format: json\n"));
  EXPECT_THAT(
      text,
      HasSubstr("from 1MiB to 1024GiB. Default: 256MiB. (restart)\n  buffer_memory: 256MiB\n"));
  EXPECT_THAT(text, HasSubstr("\n# Where mail clients connect.\n# A list. Required. (restart, but "
                              "for what is in those that there were)\nlisteners:\n"
                              "  # The listener's name in logs and metrics.\n  # Text. Required.\n"
                              "  - name: \"pop3s\"\n\n    # IP address"));
}

TEST(Print, ShowsAnAbsentOverrideAsAComment) {
  EXPECT_THAT(Print(ExampleConfig()),
              HasSubstr("\n        # What differs for this node from the cluster's timeouts.\n"
                        "        # Any of upstream_connect, upstream_response, upstream_keepalive. "
                        "Default: none.\n"
                        "        # timeouts: {}\n"));
}

TEST(Print, ShowsOfAnOverrideWhatItGives) {
  Config config = ExampleConfig();
  Set(config.clusters[0].nodes[0].pool, &PoolConfig::size, 20);
  Set(config.clusters[0].nodes[0].pool, &PoolConfig::max_snapshot_age, Duration(0));
  EXPECT_THAT(Print(config), HasSubstr("\n        pool:\n          size: 20\n"
                                       "          max_snapshot_age: 0s\n\n        # What"));
}

TEST(Print, SaysWhereASingleWordWillDo) {
  const std::string text = Print(ExampleConfig());
  EXPECT_THAT(text, HasSubstr("\n# On, off, or the keys below it.\nresume:\n"));
  EXPECT_THAT(text, HasSubstr("    # Any of enabled, deadline, or only on or off. Default: none.\n"
                              "    # resume: {}\n"));
  EXPECT_THAT(text, HasSubstr("from 1s to 5m. Default: 15s.\n  deadline: 15s\n"));
}

TEST(Print, KeepsItsLinesReadable) {
  std::istringstream lines(Print(ExampleConfig()));
  std::string line;
  while (std::getline(lines, line)) {
    EXPECT_LE(line.size(), 100u) << line;
    EXPECT_FALSE(line.ends_with(' ')) << line;
  }
}

}  // namespace
}  // namespace poplar::config
