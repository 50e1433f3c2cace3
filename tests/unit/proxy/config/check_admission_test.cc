#include "proxy/config/check_admission.h"

#include <gtest/gtest.h>

#include <string>

#include "proxy/config/check.h"
#include "proxy/config/read.h"

namespace poplar::config {
namespace {

// "severity path: message" for each problem of a good configuration with these sections added, one
// a line.
std::string Check(const std::string& sections, const std::string& listener = {},
                  const std::string& cluster = {}) {
  const std::string text =
      "listeners: [{name: pop3s, address: \"[::]:995\"" + listener +
      "}]\n"
      "tls: {certificates: [{certificate: a.pem}]}\n"
      "clusters: [{name: mail, nodes: [{name: a, address: \"a.example:110\"}]" +
      cluster + "}]\n" + sections;
  const ReadResult read = Read({"poplar.yaml", text});
  EXPECT_TRUE(read.problems.empty())
      << text << read.problems[0].path << ": " << read.problems[0].message;
  std::string shown;
  for (const Problem& p : CheckMeaning(read.config, read.positions)) {
    shown +=
        (p.severity == Severity::kError ? "error " : "warning ") + p.path + ": " + p.message + "\n";
  }
  return shown;
}

TEST(CheckAdmission, TheDefaultsAreInOrder) { EXPECT_EQ(Check(""), ""); }

TEST(CheckAdmission, ReportsWhatIsNoNetworkWhereverItStands) {
  EXPECT_EQ(Check("admission: {access: {allow: [10.0.0.0/8, x], deny: [10.0.0.1/8]}}"),
            "error admission.access.allow[1]: \"x\" is neither an IP address nor a network\n"
            "error admission.access.deny[0]: \"10.0.0.1/8\" has bits set behind its prefix\n");
  EXPECT_EQ(Check("admission: {trusted: [::1/129]}"),
            "error admission.trusted[0]: \"129\" is no length of a network's prefix (0 to 128)\n");
  EXPECT_EQ(Check("", ", access: {allow: [y]}"),
            "error listeners[0].access.allow[0]: \"y\" is neither an IP address nor a network\n");
  EXPECT_EQ(Check("", "", ", access: {deny: [z]}"),
            "error clusters[0].access.deny[0]: \"z\" is neither an IP address nor a network\n");
}

TEST(CheckAdmission, ReportsWhatIsNoUser) {
  EXPECT_EQ(Check("", "",
                  ", retention: {deletes: deny, allow_for: [anna, anna@example.org, "
                  "\"@example.org\", a@b@example.org, \"\", anna@, \"@a b\"]}"),
            "error clusters[0].retention.allow_for[4]: \"\" is neither a user nor a domain\n"
            "error clusters[0].retention.allow_for[5]: \"anna@\" is neither a user nor a domain\n"
            "error clusters[0].retention.allow_for[6]: \"@a b\" is neither a user nor a domain\n");
  EXPECT_EQ(Check("", "", ", retention: {deny_for: [\"@\"]}"),
            "error clusters[0].retention.deny_for[0]: \"@\" is neither a user nor a domain\n");
}

TEST(CheckAdmission, WarnsOfLimitsThatAreNeverReached) {
  EXPECT_EQ(Check("admission: {connections_per_address: 11, connections_per_network: 10, "
                  "unauthenticated_per_address: 12}"),
            "warning admission.connections_per_address: 11 is never reached: "
            "admission.connections_per_network is 10\n"
            "warning admission.unauthenticated_per_address: 12 is never reached: "
            "admission.connections_per_address is 11\n");
  EXPECT_EQ(Check("admission: {unauthenticated: 11}\nlimits: {sessions: 10}"),
            "warning admission.unauthenticated: 11 is never reached: limits.sessions is 10\n");
  // The default is no mistake of the operator's.
  EXPECT_EQ(Check("limits: {sessions: 10}"), "");
  EXPECT_EQ(Check("admission: {connections_per_address: 0, connections_per_network: 10}"), "");
}

TEST(CheckAdmission, KnowsHowSlowIsTooSlow) {
  EXPECT_EQ(Check("admission: {byte_rate: 16383B}"),
            "error admission.byte_rate: 16383B is too slow: clients would give up\n");
  EXPECT_EQ(Check("admission: {byte_rate: 16KiB}"), "");
  EXPECT_EQ(Check("admission: {byte_rate: 0B}"), "");
}

TEST(CheckAdmission, ComparesTheDelays) {
  EXPECT_EQ(Check("admission: {login_delay: {first: 10s, longest: 5s}}"),
            "error admission.login_delay.longest: longest (5s) is less than first (10s)\n");
  EXPECT_EQ(Check("admission: {login_delay: {longest: 31s}}\ntimeouts: {login: 1m}"),
            "warning admission.login_delay.longest: 31s is cut to half of timeouts.login (1m)\n");
  EXPECT_EQ(Check("admission: {login_delay: {longest: 30s}}\ntimeouts: {login: 1m}"), "");
  EXPECT_EQ(Check("timeouts: {login: 5s}"), "");
  EXPECT_EQ(Check("admission: {login_delay: off}"), "");
  EXPECT_EQ(Check("admission: {login_delay: {enabled: no, first: 10s, longest: 5s}}"), "");
}

}  // namespace
}  // namespace poplar::config
