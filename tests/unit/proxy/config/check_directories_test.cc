#include "proxy/config/check_directories.h"

#include <gtest/gtest.h>

#include <string>

#include "proxy/config/read.h"

namespace poplar::config {
namespace {

std::string ProblemsOf(const std::string& directory) {
  const ReadResult read = Read({"poplar.yaml", "directories:\n  - name: auth\n" + directory});
  Findings findings(read.positions);
  CheckDirectories(read.config, findings);
  std::string lines;
  for (const Problem& problem : findings.Take())
    lines += problem.path + ": " + problem.message + "\n";
  return lines;
}

std::string Problems(const std::string& http) { return ProblemsOf("    http: " + http + "\n"); }

TEST(CheckDirectories, TakesWhatIsRight) {
  EXPECT_EQ(Problems("{urls: [\"http://127.0.0.1:8080/auth\", \"https://auth.internal/\"], "
                     "ca_file: /ca.pem, headers: [\"X-Auth-Key: se cret\"]}"),
            "");
}

TEST(CheckDirectories, ReportsEachMistake) {
  struct Case {
    std::string http, problems;
  };
  const Case cases[] = {
      {"{urls: []}", "directories[0].http.urls: there is nobody to ask\n"},
      {"{urls: [auth]}",
       "directories[0].http.urls: \"auth\" begins with neither http:// nor https://\n"},
      {"{urls: [\"http://auth.internal/\"]}",
       "directories[0].http.urls: \"http://auth.internal/\": passwords cross the network in the "
       "clear\n"},
      {"{urls: [\"https://a/\"], name_servers: [ns.test], ttl_min: 9s, ttl_max: 8s}",
       "directories[0].http.name_servers: \"ns.test\" is no name server\n"
       "directories[0].http.ttl_max: 8s is less than ttl_min (9s)\n"},
      {"{urls: [\"https://192.0.2.1/\", \"https://[::1]/\"], name_servers: [192.0.2.53]}",
       "directories[0].http.name_servers: has no effect: no URL has a host name\n"},
      {"{urls: [\"http://localhost/\"], ca_file: /ca}",
       "directories[0].http.ca_file: has no effect without https://\n"},
      {"{urls: [\"https://a/\"], client_key: /k}",
       "directories[0].http.client_key: there is a key, but no client_certificate\n"},
      {"{urls: [\"https://a/\"], headers: [\"no colon\", \"a b: c\", \": x\", \"A: b\\r\\nC: d\"]}",
       "directories[0].http.headers: \"no colon\" is no header\n"
       "directories[0].http.headers: \"a b: c\" is no header\n"
       "directories[0].http.headers: \": x\" is no header\n"
       "directories[0].http.headers: \"A: b\\x0d\\x0aC: d\" is no header\n"},
  };
  for (const Case& c : cases) EXPECT_EQ(Problems(c.http), c.problems) << c.http;
}

TEST(CheckDirectories, WantsOneKind) {
  EXPECT_EQ(ProblemsOf(""), "directories[0]: says nothing of how to ask\n");
  EXPECT_EQ(ProblemsOf("    http: {urls: [\"https://a/\"]}\n"
                       "    ldap: {urls: [\"ldaps://a\"], base: dc=org}\n"),
            "directories[0]: is of two kinds\n");
  // As `poplar config` prints it.
  EXPECT_EQ(ProblemsOf("    http: {urls: []}\n"
                       "    ldap: {urls: [\"ldaps://a\"], base: dc=org}\n"),
            "");
}

}  // namespace
}  // namespace poplar::config
