#include "proxy/config/read.h"

#include <gtest/gtest.h>

#include <chrono>
#include <sstream>
#include <string>

#include "proxy/config/check.h"
#include "proxy/config/report.h"

namespace poplar::config {
namespace {

constexpr char kEverything[] = R"(
workers: 4
replicas: 3
listeners:
  - name: pop3s
    address: "[::]:995"
    cluster: mail
  - name: inside
    address: "10.0.0.1:110"
    tls: none
    require_tls: no
    logins: [USER, PLAIN]
    proxy_protocol_from: [10.0.0.0/8]
    capabilities: {add: [EXPIRE 30], remove: [IMPLEMENTATION]}
tls:
  certificates:
    - {certificate: ecdsa.pem, key: /keys/ecdsa.key}
    - {certificate: both.pem}
  min_version: 1.3
  session_tickets: no
  client_certificates: optional
  client_ca_file: clients.pem
  client_name: common_name
clusters:
  - name: mail
    shared_storage: yes
    affinity: none
    maildrop_lock: exclusive
    user_sessions: 4
    in_use_retries: 5
    in_use_backoff: 250ms
    master_user: {name: m, password_file: m.txt, separator: "%"}
    pool: {size: 0, warm: 1}
    health: {probe: connect, user: p}
    resume: off
    timeouts: {upstream_response: 9s}
    nodes:
      - name: a
        address: "a.example:110"
        state: drain
        proxy_protocol: v1
        xclient: off
        pool: {size: 4}
        timeouts: {upstream_connect: 8s}
      - {name: b, address: "[::1]:995", weight: 50, tls: verify, ca_file: ca.pem, host_name: b.example,
         tls_start: stls, client_certificate: /c.pem, client_key: c.key, proxy_protocol: v2}
pool: {size: 1, warm: 0, parked: 2, max_snapshot_age: 60s, wait_timeout: 3s, warm_max_age: 4s}
health: {probe: login, interval: 1s, fast_interval: 2s, timeout: 3s, rise: 4, fall: 5, user: probe,
         password_file: probe.txt, consecutive_failures: 6, failure_percent: 7, failure_events_min: 8,
         failure_window: 9s, ejection_time: 10s, ejection_time_max: 11s, ejected_percent_max: 12,
         hold_down: 13s, slow_start: 14s, panic_percent: 15}
resume: {enabled: yes, deadline: 16s}
user_names: {default_domain: example.org}
timeouts: {tls_handshake: 1s, login: 2s, upstream_connect: 3s, upstream_response: 4s,
           upstream_keepalive: 5s, client_idle: 5h, client_write_stall: 600ms}
limits: {sessions: 5, bad_commands: 6, bad_commands_before_login: 4, failed_logins: 7,
         buffer_memory: 8MiB}
autoconfig: {listen: [{address: "[::]:80"}, {address: "[::]:443", tls: yes}], domains: [example.org],
             server: pop.example.org, display_name: Mail, user_name: local_part,
             incoming: [{listener: pop3s, port: 2}],
             outgoing: [{host: smtp.example.org, port: 587, security: starttls, login: no}],
             connections: 3}
drain: {delay: 1s, idle_grace: 2s, timeout: 0s}
admin: {enabled: no, address: "127.0.0.1:1", read_token_file: /r, write_token_file: /w}
log: {format: logfmt, level: error, output: stdout, failed_logins: /f, noise_per_second: 8}
)";

// What kEverything says of its cluster beyond names and addresses.
void FillCluster(ClusterConfig& cluster) {
  cluster.affinity = Affinity::kNone;
  cluster.maildrop_lock = MaildropLock::kExclusive;
  cluster.user_sessions = 4;
  cluster.in_use_retries = 5;
  cluster.in_use_backoff = std::chrono::milliseconds(250);
  cluster.master_user = {"m", "/etc/poplar/m.txt", "%"};
  Set(cluster.pool, &PoolConfig::size, 0);  // the default, but said in so many words
  Set(cluster.pool, &PoolConfig::warm, 1);
  Set(cluster.health, &HealthConfig::probe, Probe::kConnect);
  Set(cluster.health, &HealthConfig::user, "p");
  Set(cluster.resume, &ResumeConfig::enabled, false);
  Set(cluster.timeouts, &UpstreamTimeoutsConfig::upstream_response, std::chrono::seconds(9));
  NodeConfig& node = cluster.nodes[0];
  node.state = NodeState::kDrain;
  node.proxy_protocol = NodeProxyProtocol::kV1;
  node.xclient = Xclient::kOff;
  NodeConfig& second = cluster.nodes[1];
  second.tls = NodeTls::kVerify;
  second.tls_start = NodeTlsStart::kStls;
  second.ca_file = "/etc/poplar/ca.pem";
  second.host_name = "b.example";
  second.client_certificate = "/c.pem";
  second.client_key = "/etc/poplar/c.key";
  second.proxy_protocol = NodeProxyProtocol::kV2;
  Set(node.pool, &PoolConfig::size, 4);
  Set(node.timeouts, &UpstreamTimeoutsConfig::upstream_connect, std::chrono::seconds(8));
}

TEST(Read, FillsTheWholeConfiguration) {
  const ReadResult result = Read({"/etc/poplar/poplar.yaml", kEverything});
  EXPECT_TRUE(result.complete);
  EXPECT_TRUE(result.problems.empty()) << result.problems[0].message;

  Config expected;
  expected.workers = 4;
  expected.replicas = 3;
  expected.listeners = {{.name = "pop3s", .address = "[::]:995", .cluster = "mail"},
                        {.name = "inside",
                         .address = "10.0.0.1:110",
                         .tls = ListenerTls::kNone,
                         .require_tls = false,
                         .logins = {"USER", "PLAIN"},
                         .proxy_protocol_from = {"10.0.0.0/8"},
                         .capabilities = {{"EXPIRE 30"}, {"IMPLEMENTATION"}}}};
  expected.tls = {{{"/etc/poplar/ecdsa.pem", "/keys/ecdsa.key"}, {"/etc/poplar/both.pem", ""}},
                  TlsVersion::k13,
                  false,
                  "",
                  ClientCertificates::kOptional,
                  "/etc/poplar/clients.pem",
                  ClientName::kCommonName};
  expected.clusters = {{.name = "mail",
                        .shared_storage = true,
                        .nodes = {{.name = "a", .address = "a.example:110"},
                                  {.name = "b", .address = "[::1]:995", .weight = 50}}}};
  FillCluster(expected.clusters[0]);
  expected.user_names.default_domain = "example.org";
  expected.autoconfig = {{{"[::]:80", false}, {"[::]:443", true}},
                         {"example.org"},
                         "pop.example.org",
                         "Mail",
                         AutoconfigUserName::kLocalPart,
                         {{"pop3s", 2}},
                         {{"smtp.example.org", 587, OutgoingSecurity::kStartTls, false}},
                         3};
  using std::chrono::milliseconds;
  using std::chrono::seconds;
  expected.pool = {1, 0, 2, seconds(60), seconds(3), seconds(4)};
  expected.health = {Probe::kLogin,
                     seconds(1),
                     seconds(2),
                     seconds(3),
                     4,
                     5,
                     "probe",
                     "/etc/poplar/probe.txt",
                     6,
                     7,
                     8,
                     seconds(9),
                     seconds(10),
                     seconds(11),
                     12,
                     seconds(13),
                     seconds(14),
                     15};
  expected.resume = {true, seconds(16)};
  expected.timeouts = {seconds(1),       seconds(2), seconds(3),
                       seconds(4),       seconds(5), std::chrono::hours(5),
                       milliseconds(600)};
  expected.limits = {5, 6, 4, 7, MiB(8)};
  expected.drain = {std::chrono::seconds(1), std::chrono::seconds(2), Duration(0)};
  expected.admin = {false, "127.0.0.1:1", "/r", "/w"};
  expected.log = {LogFormat::kLogfmt, LogLevel::kError, "stdout", "/f", 8};
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
  EXPECT_EQ(config.drain.timeout, std::chrono::seconds(30));
  EXPECT_EQ(config.limits.bad_commands, 20);
  EXPECT_EQ(config.limits.bad_commands_before_login, 3);
  EXPECT_EQ(config.limits.failed_logins, 3);
  EXPECT_EQ(config.tls.min_version, TlsVersion::k12);
  EXPECT_EQ(config.replicas, 1);
}

TEST(Read, TheDefaultsOfPoolsAreTheDocumentedOnes) {
  using std::chrono::seconds;
  const PoolConfig pool;
  EXPECT_EQ(pool.size, 0);
  EXPECT_EQ(pool.warm, 2);
  EXPECT_EQ(pool.parked, 100);
  EXPECT_EQ(pool.max_snapshot_age, seconds(5));
  EXPECT_EQ(pool.wait_timeout, seconds(15));
  EXPECT_EQ(pool.warm_max_age, seconds(50));
  const ClusterConfig cluster;
  EXPECT_EQ(cluster.affinity, Affinity::kUser);
  EXPECT_EQ(cluster.maildrop_lock, MaildropLock::kNone);
  EXPECT_EQ(cluster.user_sessions, 0);
  EXPECT_EQ(cluster.in_use_retries, 2);
  EXPECT_EQ(cluster.in_use_backoff, std::chrono::milliseconds(500));
  EXPECT_EQ(NodeConfig().state, NodeState::kUp);
}

TEST(Read, TheDefaultsOfHealthAreTheDocumentedOnes) {
  using std::chrono::seconds;
  const HealthConfig health;
  EXPECT_EQ(health.probe, Probe::kCapa);
  EXPECT_EQ(health.interval, seconds(5));
  EXPECT_EQ(health.fast_interval, seconds(1));
  EXPECT_EQ(health.timeout, seconds(3));
  EXPECT_EQ(health.rise, 2);
  EXPECT_EQ(health.fall, 3);
  EXPECT_EQ(health.consecutive_failures, 5);
  EXPECT_EQ(health.failure_percent, 50);
  EXPECT_EQ(health.failure_events_min, 20);
  EXPECT_EQ(health.failure_window, seconds(30));
  EXPECT_EQ(health.ejection_time, seconds(30));
  EXPECT_EQ(health.ejection_time_max, std::chrono::minutes(5));
  EXPECT_EQ(health.ejected_percent_max, 50);
  EXPECT_EQ(health.hold_down, seconds(10));
  EXPECT_EQ(health.slow_start, seconds(30));
  EXPECT_EQ(health.panic_percent, 30);
}

TEST(Read, SessionsAreResumedUnlessTheFileSaysOtherwise) {
  EXPECT_TRUE(ResumeConfig().enabled);
  EXPECT_EQ(ResumeConfig().deadline, std::chrono::seconds(15));
}

TEST(Read, ResumeMayBeASingleWord) {
  const std::pair<const char*, bool> kWords[] = {
      {"on", true},   {"off", false},   {"yes", true},     {"no", false},
      {"true", true}, {"false", false}, {"\"off\"", false}};
  for (const auto& [word, enabled] : kWords) {
    SCOPED_TRACE(word);
    // Against a default, or a global section, that says the opposite.
    const std::string global = std::string("resume: ") + word + "\n";
    EXPECT_EQ(Read({"poplar.yaml", global}).config.resume.enabled, enabled);
    const std::string text = std::string("resume: {enabled: ") + (enabled ? "no" : "yes") +
                             ", deadline: 3s}\nclusters: [{resume: " + word + "}]\n";
    const ReadResult result = Read({"poplar.yaml", text});
    const ClusterConfig& cluster = result.config.clusters.at(0);
    EXPECT_TRUE(IsGiven(cluster.resume, "enabled"));
    EXPECT_FALSE(IsGiven(cluster.resume, "deadline"));
    const ResumeConfig effective = Apply(cluster.resume, result.config.resume);
    EXPECT_EQ(effective, (ResumeConfig{enabled, std::chrono::seconds(3)}));
  }
}

// "path: message" of each problem, one a line.
std::string Problems(const std::string& text) {
  std::string shown;
  for (const Problem& p : Read({"poplar.yaml", text}).problems) {
    if (p.message != "required key is missing") shown += p.path + ": " + p.message + "\n";
  }
  return shown;
}

TEST(Read, HoldsTheNewBounds) {
  const std::pair<const char*, const char*> kOutOfBounds[] = {
      {"replicas", "0"},
      {"replicas", "1001"},
      {"pool.size", "-1"},
      {"pool.warm", "1001"},
      {"pool.parked", "1000001"},
      {"pool.max_snapshot_age", "61s"},
      {"pool.wait_timeout", "99ms"},
      {"pool.warm_max_age", "999ms"},
      {"pool.warm_max_age", "61m"},
      {"health.interval", "99ms"},
      {"health.fast_interval", "0s"},
      {"health.timeout", "99ms"},
      {"health.rise", "0"},
      {"health.fall", "0"},
      {"health.consecutive_failures", "-1"},
      {"health.failure_percent", "101"},
      {"health.failure_events_min", "0"},
      {"health.failure_window", "0s"},
      {"health.ejection_time", "0s"},
      {"health.ejection_time_max", "25h"},
      {"health.ejected_percent_max", "101"},
      {"health.hold_down", "25h"},
      {"health.slow_start", "25h"},
      {"health.panic_percent", "101"},
      {"resume.deadline", "999ms"},
      {"resume.deadline", "301s"},
  };
  for (const auto& [setting, value] : kOutOfBounds) {
    const std::string path = setting;
    const std::string expected = path + ": \"" + std::string(value) + "\" is out of bounds\n";
    const size_t dot = path.find('.');
    if (dot == std::string::npos) {
      EXPECT_EQ(Problems(path + ": " + value), expected);
      continue;
    }
    const std::string section =
        path.substr(0, dot) + ": {" + path.substr(dot + 1) + ": " + value + "}";
    EXPECT_EQ(Problems(section), expected);
    EXPECT_EQ(Problems("clusters: [{" + section + "}]"), "clusters[0]." + expected);
  }
}

TEST(Read, AnOverrideNamesOnlyItsOwnSettings) {
  EXPECT_EQ(Problems("clusters: [{timeouts: {login: 5s}}]"),
            "clusters[0].timeouts.login: unknown key\n");
  EXPECT_EQ(Problems("clusters: [{nodes: [{health: {rise: 1}}]}]"),
            "clusters[0].nodes[0].health: unknown key\n");
  EXPECT_EQ(Problems("clusters: [{pool: 5, health: [], timeouts:}]"),
            "clusters[0].pool: found the single value \"5\"\nclusters[0].health: found a list\n");
}

TEST(Read, AWordOtherThanOnAndOffIsNoResumption) {
  EXPECT_EQ(Problems("resume: maybe"), "resume: \"maybe\" is neither on nor off\n");
  EXPECT_EQ(Problems("resume: 15s"), "resume: \"15s\" is neither on nor off\n");
  EXPECT_EQ(Problems("resume: []"), "resume: found a list\n");
  EXPECT_EQ(Problems("resume: {on: yes}"), "resume.on: unknown key\n");
  EXPECT_EQ(Problems("resume:"), "");  // a section of defaults
  EXPECT_EQ(Problems("clusters: [{resume: Off}]"),
            "clusters[0].resume: \"Off\" is neither on nor off\n");
  // What a single word stands for is said by the section that has one.
  EXPECT_EQ(Problems("health: on"), "health: found the single value \"on\"\n");
  const ReadResult unread = Read({"poplar.yaml", "clusters: [{resume: Off}]"});
  EXPECT_TRUE(unread.config.clusters.at(0).resume.empty());
  EXPECT_TRUE(unread.positions.IsUnread("clusters[0].resume.enabled"));
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
void ExpectGolden(const std::string& name) {
  const auto yaml = ReadSource(POPLAR_GOLDEN + name + ".yaml");
  const auto golden = ReadSource(POPLAR_GOLDEN + name + ".txt");
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

TEST(Read, ShowsAllMistakesOfABadFile) { ExpectGolden("mistakes"); }
TEST(Read, ShowsAllMistakesAboutAutoconfig) { ExpectGolden("autoconfig_mistakes"); }

TEST(Read, ShowsAllMistakesAboutDirectories) { ExpectGolden("directory_mistakes"); }

}  // namespace
}  // namespace poplar::config
