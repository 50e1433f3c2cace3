#include "proxy/cli/check_command.h"

#include <gtest/gtest.h>

#include <fstream>
#include <sstream>
#include <string>

namespace poplar::cli {
namespace {

class NoCertificates final : public config::CertificateInspector {
 public:
  tl::expected<config::CertificateFacts, std::string> Inspect(
      const std::string& /*certificate_path*/, const std::string& /*key_path*/) override {
    return tl::make_unexpected(std::string("not a certificate"));
  }
  std::string FaultOfTicketKeys(const std::string& /*path*/) override { return {}; }
};

struct Outcome {
  int status = 0;
  std::string out;
  std::string err;
};

Outcome Check(const std::string& path) {
  NoCertificates inspector;
  std::ostringstream out;
  std::ostringstream err;
  CheckOptions options;
  options.config_path = path;
  options.inspector = &inspector;
  const int status = RunCheck(options, out, err);
  return {status, out.str(), err.str()};
}

std::string WriteFile(const std::string& text) {
  std::string path = testing::TempDir() + "check_command_test.yaml";
  std::ofstream(path) << text;
  return path;
}

constexpr char kListener[] =
    "listeners: [{name: a, address: \"127.0.0.1:110\", tls: none, require_tls: "
    "no}]\n";
constexpr char kCluster[] =
    "clusters: [{name: m, nodes: [{name: n, address: \"127.0.0.1:1110\"}]}]\n";

TEST(RunCheck, AGoodFileIsOk) {
  const std::string path = WriteFile(std::string(kListener) + kCluster);
  const Outcome outcome = Check(path);
  EXPECT_EQ(outcome.status, 0) << outcome.err;
  EXPECT_EQ(outcome.out, path + ": OK\n");
  EXPECT_EQ(outcome.err, "");
}

TEST(RunCheck, WarningsDoNotFail) {
  const std::string path =
      WriteFile(std::string(kListener) + kCluster + "timeouts: {client_idle: 1m}\n");
  const Outcome outcome = Check(path);
  EXPECT_EQ(outcome.status, 0);
  EXPECT_EQ(outcome.out, path + ": OK\n");
  EXPECT_EQ(outcome.err,
            path +
                ":3:25: warning: timeouts.client_idle: 1m is less than RFC 1939 allows\n"
                "  3 | timeouts: {client_idle: 1m}\n"
                "    |                         ^\n"
                "  expected: at least 10m\n"
                "0 errors, 1 warning\n");
}

class NoNames final : public config::NameInspector {
 public:
  std::string WhyUnknown(const std::string& host,
                         const std::vector<std::string>& /*name_servers*/) override {
    return host + ": there is no such";
  }
};

// Poplar would start nevertheless, and go on asking.
TEST(RunCheck, AHostNameThatIsNotFoundIsAWarning) {
  const std::string path =
      WriteFile(std::string(kListener) + kCluster +
                "directories: [{name: d, http: {urls: [\"https://a.b/\"]}}]\n");
  NoCertificates inspector;
  NoNames names;
  std::ostringstream out;
  std::ostringstream err;
  EXPECT_EQ(RunCheck({.config_path = path, .inspector = &inspector, .names = &names}, out, err), 0);
  EXPECT_EQ(out.str(), path + ": OK\n");
  EXPECT_TRUE(err.str().starts_with(path +
                                    ":3:32: warning: directories[0].http.urls: \"https://a.b/\": "
                                    "its name can't be looked up: a.b: there is no such; "))
      << err.str();
}

TEST(RunCheck, ErrorsFail) {
  const std::string path =
      WriteFile(std::string(kListener) + "clusters: [{name: m, nodes: [{name: n, adress: x}]}]\n");
  const Outcome outcome = Check(path);
  EXPECT_EQ(outcome.status, 1);
  EXPECT_EQ(outcome.out, "");
  EXPECT_EQ(outcome.err,
            path +
                ":2:40: error: clusters[0].nodes[0].adress: unknown key\n"
                "  2 | clusters: [{name: m, nodes: [{name: n, adress: x}]}]\n"
                "    |                                        ^\n"
                "  expected: one of name, address, weight, tls, tls_start, ca_file, host_name, "
                "client_certificate, client_key, proxy_protocol, xclient, "
                "state, pool, timeouts\n"
                "  did you mean \"address\"?\n"
                "1 error, 0 warnings\n");
}

TEST(RunCheck, AMissingFileFails) {
  const Outcome outcome = Check("/no/such.yaml");
  EXPECT_EQ(outcome.status, 1);
  EXPECT_EQ(
      outcome.err,
      "/no/such.yaml: error: cannot be read: No such file or directory\n1 error, 0 warnings\n");
}

TEST(RunCheck, CertificatesAreInspected) {
  const std::string self =
      WriteFile(std::string(kListener) + kCluster +
                "tls: {certificates: [{certificate: check_command_test.yaml}]}\n");
  const Outcome outcome = Check(self);
  EXPECT_EQ(outcome.status, 1);
  EXPECT_NE(outcome.err.find("tls.certificates[0].certificate: not a certificate"),
            std::string::npos);
}

}  // namespace
}  // namespace poplar::cli
