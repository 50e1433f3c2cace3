#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>
#include <string>

#include "proxy/config/check.h"

namespace poplar::config {
namespace {

constexpr int64_t kNow = 1'800'000'000;  // 2027-01-15 08:00 UTC
constexpr int64_t kDay = 24 * 3600;

class FakeInspector final : public CertificateInspector {
 public:
  tl::expected<CertificateFacts, std::string> Inspect(const std::string& certificate_path,
                                                      const std::string& key_path) override {
    calls += certificate_path.substr(certificate_path.rfind('/') + 1) + "+" +
             key_path.substr(key_path.rfind('/') + 1) + ";";
    return answer;
  }
  std::string FaultOfTicketKeys(const std::string& /*path*/) override { return ticket_fault; }

  tl::expected<CertificateFacts, std::string> answer = CertificateFacts{
      "CN=mail.example", {"mail.example"}, kNow - kDay, kNow + 90 * kDay, "ECDSA P-256"};
  std::string ticket_fault;
  std::string calls;
};

std::string WriteFile(const std::string& name) {
  const std::string path = testing::TempDir() + "check_files_test_" + name;
  std::ofstream(path) << "x";
  if (path.ends_with(".key")) chmod(path.c_str(), 0600);
  return path;
}

std::string Show(const Config& config, CertificateInspector& inspector) {
  std::string shown;
  for (const Problem& p : CheckFiles(config, Positions(), inspector, kNow)) {
    shown += std::string(p.severity == Severity::kError ? "error " : "warning ") + p.path + ": " +
             p.message + "\n";
  }
  return shown;
}

Config WithCertificate(const std::string& certificate, const std::string& key) {
  Config config;
  config.tls.certificates = {{certificate, key}};
  return config;
}

TEST(CheckFiles, InspectsEachPair) {
  FakeInspector inspector;
  Config config = WithCertificate(WriteFile("a.pem"), WriteFile("a.key"));
  config.tls.certificates.push_back({WriteFile("both.pem"), ""});
  EXPECT_EQ(Show(config, inspector), "");
  EXPECT_EQ(inspector.calls,
            "check_files_test_a.pem+check_files_test_a.key;check_files_test_both.pem+;");
}

TEST(CheckFiles, InspectsTicketKeys) {
  FakeInspector inspector;
  Config config;
  config.tls.ticket_key_file = WriteFile("ticket.keys");
  chmod(config.tls.ticket_key_file.c_str(), 0600);
  EXPECT_EQ(Show(config, inspector), "");
  config.tls.session_tickets = false;
  EXPECT_EQ(Show(config, inspector),
            "warning tls.ticket_key_file: is of no use: tls.session_tickets is no\n");
  chmod(config.tls.ticket_key_file.c_str(), 0604);
  config.tls.session_tickets = true;
  EXPECT_EQ(Show(config, inspector),
            "warning tls.ticket_key_file: everybody on this machine may read \"" +
                config.tls.ticket_key_file + "\"\n");
  inspector.ticket_fault = "has no key";
  EXPECT_EQ(Show(config, inspector),
            "error tls.ticket_key_file: \"" + config.tls.ticket_key_file + "\" has no key\n");
}

TEST(CheckFiles, ReportsUnreadableFilesAndDoesNotInspectThem) {
  FakeInspector inspector;
  Config config = WithCertificate("/no/such.pem", testing::TempDir());
  EXPECT_EQ(Show(config, inspector),
            "error tls.certificates[0].certificate: \"/no/such.pem\" cannot be read: No such file "
            "or directory\n"
            "error tls.certificates[0].key: \"" +
                testing::TempDir() + "\" cannot be read: Is a directory\n");
  EXPECT_EQ(inspector.calls, "");
}

TEST(CheckFiles, ReportsAFileWithoutPermission) {
  const std::string certificate = WriteFile("a.pem");
  const std::string key = WriteFile("secret.key");
  ASSERT_EQ(chmod(key.c_str(), 0), 0);
  const bool is_root = geteuid() == 0;
  if (is_root) ASSERT_EQ(seteuid(65534), 0);  // root would read it all the same
  FakeInspector inspector;
  const std::string shown = Show(WithCertificate(certificate, key), inspector);
  if (is_root) ASSERT_EQ(seteuid(0), 0);
  EXPECT_EQ(shown,
            "error tls.certificates[0].key: \"" + key + "\" cannot be read: Permission denied\n");
}

TEST(CheckFiles, WarnsOfAKeyThatEverybodyMayRead) {
  FakeInspector inspector;
  const std::string key = WriteFile("open.key");
  ASSERT_EQ(chmod(key.c_str(), 0644), 0);
  EXPECT_EQ(
      Show(WithCertificate(WriteFile("a.pem"), key), inspector),
      "warning tls.certificates[0].key: everybody on this machine may read \"" + key + "\"\n");
}

TEST(CheckFiles, PassesOnWhatTheInspectorSays) {
  FakeInspector inspector;
  inspector.answer = tl::make_unexpected(std::string("the key does not belong to the certificate"));
  EXPECT_EQ(Show(WithCertificate(WriteFile("a.pem"), WriteFile("a.key")), inspector),
            "error tls.certificates[0].certificate: the key does not belong to the certificate\n");
}

TEST(CheckFiles, JudgesTheValidity) {
  const struct {
    int64_t not_before;
    int64_t not_after;
    const char* problem;
  } kCases[] = {
      {kNow - kDay, kNow,
       "error tls.certificates[0].certificate: the certificate of \"CN=mail.example\" expired on "
       "2027-01-15\n"},
      {kNow - kDay, kNow - kDay,
       "error tls.certificates[0].certificate: the certificate of \"CN=mail.example\" expired on "
       "2027-01-14\n"},
      {kNow - kDay, kNow + 1,
       "warning tls.certificates[0].certificate: the certificate of \"CN=mail.example\" expires on "
       "2027-01-15, in 0 days\n"},
      {kNow - kDay, kNow + kDay,
       "warning tls.certificates[0].certificate: the certificate of \"CN=mail.example\" expires on "
       "2027-01-16, in 1 day\n"},
      {kNow - kDay, kNow + 14 * kDay - 1,
       "warning tls.certificates[0].certificate: the certificate of \"CN=mail.example\" expires on "
       "2027-01-29, in 13 days\n"},
      {kNow - kDay, kNow + 14 * kDay, ""},
      {kNow, kNow + 90 * kDay, ""},
      {kNow + 1, kNow + 90 * kDay,
       "error tls.certificates[0].certificate: the certificate of \"CN=mail.example\" is not valid "
       "before 2027-01-15\n"},
  };
  for (const auto& c : kCases) {
    FakeInspector inspector;
    inspector.answer->not_before = c.not_before;
    inspector.answer->not_after = c.not_after;
    EXPECT_EQ(Show(WithCertificate(WriteFile("a.pem"), WriteFile("a.key")), inspector), c.problem);
  }
}

TEST(CheckFiles, WantsTheCaFileOnlyWhereItIsUsed) {
  FakeInspector inspector;
  Config config;
  config.clusters = {
      {.name = "mail", .nodes = {{.name = "a", .address = "a:1", .ca_file = "/no/ca.pem"}}}};
  EXPECT_EQ(Show(config, inspector), "");
  config.clusters[0].nodes[0].tls = NodeTls::kVerify;
  EXPECT_EQ(Show(config, inspector),
            "error clusters[0].nodes[0].ca_file: \"/no/ca.pem\" cannot be read: No such file or "
            "directory\n");
  config.clusters[0].nodes[0].ca_file = WriteFile("ca.pem");
  EXPECT_EQ(Show(config, inspector), "");
}

TEST(CheckFiles, InspectsWhatNodesAreShownOnlyWhereItIsUsed) {
  FakeInspector inspector;
  Config config;
  config.clusters = {{.name = "mail", .nodes = {{.name = "a", .address = "a:1"}}}};
  NodeConfig& node = config.clusters[0].nodes[0];
  node.client_certificate = "/no/such.pem";
  EXPECT_EQ(Show(config, inspector), "");
  node.tls = NodeTls::kInsecure;
  EXPECT_EQ(Show(config, inspector),
            "error clusters[0].nodes[0].client_certificate: \"/no/such.pem\" cannot be read: No "
            "such file or directory\n");
  node.client_certificate = WriteFile("client.pem");
  node.client_key = "/no/such.key";
  EXPECT_EQ(Show(config, inspector),
            "error clusters[0].nodes[0].client_key: \"/no/such.key\" cannot be read: No such file "
            "or directory\n");
  node.client_key = WriteFile("client.key");
  inspector.answer->not_after = kNow - kDay;
  EXPECT_EQ(Show(config, inspector),
            "error clusters[0].nodes[0].client_certificate: the certificate of "
            "\"CN=mail.example\" expired on 2027-01-14\n");
  EXPECT_EQ(inspector.calls, "check_files_test_client.pem+check_files_test_client.key;");
}

TEST(CheckFiles, ReadsTheMasterUsersPassword) {
  FakeInspector inspector;
  Config config;
  config.clusters = {{.name = "mail", .master_user = {.name = "m", .password_file = "/no/such"}}};
  EXPECT_EQ(Show(config, inspector),
            "error clusters[0].master_user.password_file: \"/no/such\" cannot be read: No such "
            "file or directory\n");
  const std::string path = WriteFile("master_password");
  config.clusters[0].master_user.password_file = path;
  ASSERT_EQ(chmod(path.c_str(), 0600), 0);
  EXPECT_EQ(Show(config, inspector), "");
  ASSERT_EQ(chmod(path.c_str(), 0644), 0);
  EXPECT_EQ(Show(config, inspector),
            "warning clusters[0].master_user.password_file: everybody on this machine may read \"" +
                path + "\"\n");
}

TEST(CheckFiles, WantsTheLogFilesFolder) {
  FakeInspector inspector;
  Config config;
  config.log.output = "/no/such/folder/poplar.log";
  EXPECT_EQ(Show(config, inspector),
            "error log.output: the folder \"/no/such/folder/\" does not exist\n");
  config.log.output = testing::TempDir() + "poplar.log";
  EXPECT_EQ(Show(config, inspector), "");
}

TEST(CheckFiles, WantsTheFolderOfTraces) {
  FakeInspector inspector;
  Config config;
  config.trace.directory = "/no/such/folder";
  EXPECT_EQ(Show(config, inspector),
            "error trace.directory: \"/no/such/folder\" is no folder that exists\n");
  const std::string folder = testing::TempDir() + "check_files_traces";
  mkdir(folder.c_str(), 0700);
  config.trace.directory = folder;
  EXPECT_EQ(Show(config, inspector), "");
  ASSERT_EQ(chmod(folder.c_str(), 0777), 0);
  EXPECT_EQ(Show(config, inspector),
            "warning trace.directory: everybody on this machine may write to \"" + folder + "\"\n");
  rmdir(folder.c_str());
}

Config WithProbe(const std::string& password_file) {
  Config config;
  config.health.probe = Probe::kLogin;
  config.health.user = "probe";
  config.health.password_file = password_file;
  config.clusters.resize(2);
  return config;
}

TEST(CheckFiles, ReadsTheProbesPasswordOnlyWhereItIsUsed) {
  FakeInspector inspector;
  Config config = WithProbe("/no/such");
  EXPECT_EQ(Show(config, inspector),
            "error health.password_file: \"/no/such\" cannot be read: No such file or "
            "directory\n");
  config.health.probe = Probe::kCapa;
  EXPECT_EQ(Show(config, inspector), "");
}

TEST(CheckFiles, WarnsOfAPasswordThatEverybodyMayRead) {
  FakeInspector inspector;
  const std::string path = WriteFile("password");
  Config config = WithProbe(path);
  ASSERT_EQ(chmod(path.c_str(), 0640), 0);
  EXPECT_EQ(Show(config, inspector), "");
  ASSERT_EQ(chmod(path.c_str(), 0604), 0);
  EXPECT_EQ(Show(config, inspector),
            "warning health.password_file: everybody on this machine may read \"" + path + "\"\n");
}

TEST(CheckFiles, BlamesTheClustersOwnPasswordFile) {
  FakeInspector inspector;
  const std::string path = WriteFile("good_password");
  ASSERT_EQ(chmod(path.c_str(), 0600), 0);
  const std::string empty = WriteFile("empty_password");
  std::ofstream(empty) << "\n";
  Config config = WithProbe(path);
  Set(config.clusters[1].health, &HealthConfig::password_file, empty);
  EXPECT_EQ(Show(config, inspector),
            "error clusters[1].health.password_file: \"" + empty + "\" has an empty first line\n");
}

TEST(CheckFiles, PassesOverWhatWasNotRead) {
  FakeInspector inspector;
  Positions positions;
  positions.MarkUnread("tls.certificates[0].key");
  EXPECT_TRUE(CheckFiles(WithCertificate("/no/such.pem", ""), positions, inspector, kNow).empty());
}

TEST(CheckFiles, LooksAtThoseOfLdapDirectories) {
  FakeInspector inspector;
  Config config;
  LdapDirectoryConfig ldap;
  ldap.password_file = "/no/password";
  ldap.ca_file = "/no/ca";
  ldap.client_certificate = WriteFile("ldap.pem");
  config.directories = {{.name = "people", .ldap = ldap}};
  EXPECT_EQ(
      Show(config, inspector),
      "error directories[0].ldap.password_file: \"/no/password\" cannot be read: No such file "
      "or directory\n"
      "error directories[0].ldap.ca_file: \"/no/ca\" cannot be read: No such file or "
      "directory\n");
  EXPECT_EQ(inspector.calls, "check_files_test_ldap.pem+;");
}

}  // namespace
}  // namespace poplar::config
