#include <gtest/gtest.h>

#include <map>
#include <string>
#include <vector>

#include "proxy/config/check.h"
#include "proxy/config/read.h"

namespace poplar::config {
namespace {

// Knows each name but those that it has a fault for.
class Names final : public NameInspector {
 public:
  std::string WhyUnknown(const std::string& host,
                         const std::vector<std::string>& name_servers) override {
    asked.push_back(host);
    for (const std::string& server : name_servers) asked.back() += " @" + server;
    const auto fault = faults.find(host);
    return fault == faults.end() ? "" : fault->second;
  }
  std::map<std::string, std::string> faults;
  std::vector<std::string> asked;
};

constexpr char kConfig[] = R"(
directories:
  - name: people
    ldap: {urls: ["ldap://ldap.test"], base: dc=org}
  - name: auth
    http:
      urls: ["http://a.test/x", "http://a.test/y", "https://192.0.2.1/", "https://[::1]/", "b.test"]
      name_servers: [192.0.2.53]
  - name: other
    http: {urls: ["https://a.test/"]}
)";

TEST(CheckHostNames, AsksForEachNameOfADirectoryOnce) {
  Names names;
  const ReadResult read = Read({"poplar.yaml", kConfig});
  EXPECT_TRUE(CheckHostNames(read.config, read.positions, names).empty());
  EXPECT_EQ(names.asked, (std::vector<std::string>{"a.test @192.0.2.53", "a.test"}));
}

TEST(CheckHostNames, WarnsOfThoseThatCannotBeFound) {
  Names names;
  names.faults["a.test"] = "a.test (A, AAAA): no such name; asked 192.0.2.53:53";
  const ReadResult read = Read({"poplar.yaml", kConfig});
  const Problems problems = CheckHostNames(read.config, read.positions, names);
  ASSERT_EQ(problems.size(), 2u);
  EXPECT_EQ(problems[0].severity, Severity::kWarning);
  EXPECT_EQ(problems[0].path, "directories[1].http.urls");
  EXPECT_EQ(problems[0].message,
            "\"http://a.test/x\": its name can't be looked up: a.test (A, AAAA): no such name; "
            "asked 192.0.2.53:53; until it can, the server counts as down");
  EXPECT_EQ(problems[1].path, "directories[2].http.urls");
}

}  // namespace
}  // namespace poplar::config
