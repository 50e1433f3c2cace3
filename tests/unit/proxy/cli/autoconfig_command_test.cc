#include "proxy/cli/autoconfig_command.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <sstream>
#include <string>

#include "proxy/tls/throwaway_certificate.h"

namespace poplar::cli {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

struct Outcome {
  int status = 0;
  std::string out;
  std::string err;
};

std::string Written(const std::string& name, const std::string& text) {
  const std::string path = testing::TempDir() + "autoconfig_command_" + name;
  std::ofstream(path) << text;
  return path;
}

Outcome RunDns(const std::string& certificate, const std::string& autoconfig) {
  const std::string path =
      Written("poplar.yaml",
              "listeners: [{name: pop3s, address: \"127.0.0.1:995\"}]\n"
              "tls: {certificates: [{certificate: " +
                  certificate +
                  "}]}\n"
                  "clusters: [{name: m, nodes: [{name: a, address: \"127.0.0.1:1\"}]}]\n"
                  "autoconfig: {" +
                  autoconfig + "}\n");
  std::ostringstream out;
  std::ostringstream err;
  const int status = RunAutoconfigDns({.config_path = path}, out, err);
  return {status, out.str(), err.str()};
}

TEST(RunAutoconfigDns, PrintsRecordsAndNeedsNoFiles) {
  const Outcome outcome = RunDns("/no/such.pem", "domains: [Example.org], server: pop.example.org");
  EXPECT_EQ(outcome.status, 0) << outcome.err;
  EXPECT_EQ(outcome.out,
            "; example.org\n"
            "_pop3s._tcp.example.org. 3600 IN SRV 0 1 995 pop.example.org.\n"
            "_pop3._tcp.example.org. 3600 IN SRV 0 0 0 .\n"
            "autoconfig.example.org. 3600 IN CNAME pop.example.org.\n"
            "autodiscover.example.org. 3600 IN CNAME pop.example.org.\n");
}

TEST(RunAutoconfigDns, TakesTheNameFromTheCertificate) {
  const auto pem = tls::MakeThrowawayCertificate({.dns_names = {"mail.example.org"}});
  const Outcome outcome =
      RunDns(Written("both.pem", pem.certificate + pem.key), "domains: [example.org]");
  EXPECT_EQ(outcome.status, 0) << outcome.err;
  EXPECT_THAT(outcome.out, HasSubstr("SRV 0 1 995 mail.example.org.\n"));
  const Outcome missing = RunDns("/no/such.pem", "domains: [example.org]");
  EXPECT_EQ(missing.status, 1);
  EXPECT_THAT(missing.err, StartsWith("poplar: error: tls: "));
}

TEST(RunAutoconfigDns, WantsDomains) {
  const Outcome outcome = RunDns("/no/such.pem", "server: pop.example.org");
  EXPECT_EQ(outcome.status, 1);
  EXPECT_THAT(outcome.err, StartsWith("poplar: error: autoconfig.domains: "));
  EXPECT_THAT(RunDns("/no/such.pem", "domains: [a b]").err, HasSubstr("autoconfig.domains[0]"));
}

}  // namespace
}  // namespace poplar::cli
