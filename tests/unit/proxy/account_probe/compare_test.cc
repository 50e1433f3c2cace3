#include "proxy/account_probe/compare.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <yaml-cpp/yaml.h>

#include "tests/unit/proxy/account_probe/reports.h"

namespace poplar::account_probe {
namespace {

using testing::HasSubstr;

class CompareTest : public testing::Test {
 protected:
  CompareTest() {
    direct.target = "node1:110";
    via.target = "poplar";
    via.took += std::chrono::milliseconds(2);
    At(via, Step::kLogin).took += std::chrono::milliseconds(2);
  }
  Verdict Judged() const { return Judge(pair, Patience{}); }
  std::vector<std::string> Texts() const {
    std::vector<std::string> texts;
    for (const Difference& each : Differences(pair)) texts.push_back(each.text);
    return texts;
  }

  AccountReport direct = GoodReport(Security::kPlain);
  AccountReport via = GoodReport();
  const Pair pair{.direct = direct, .via = via};
};

TEST_F(CompareTest, OneTable) {
  EXPECT_EQ(CompareText(pair, Judged(), Marks::kAscii),
            "anna: direct node1:110, via poplar\n\n"
            "              direct          via               via costs\n"
            "resolve       ok      1.0 ms  ok      1.0 ms       +0.0 ms\n"
            "connect       ok      2.0 ms  ok      2.0 ms       +0.0 ms\n"
            "tls                           ok      3.0 ms\n"
            "certificate                   ok\n"
            "greeting      ok      3.0 ms  ok      5.0 ms       +2.0 ms\n"
            "capabilities  ok      4.0 ms  ok      6.0 ms       +2.0 ms\n"
            "login         ok      5.0 ms  ok      9.0 ms       +4.0 ms\n"
            "stat          ok      6.0 ms  ok      8.0 ms       +2.0 ms\n"
            "list          ok      7.0 ms  ok      9.0 ms       +2.0 ms\n"
            "uidl          ok      8.0 ms  ok     10.0 ms       +2.0 ms\n"
            "message       ok      9.0 ms  ok     11.0 ms       +2.0 ms\n"
            "quit          ok     10.0 ms  ok     12.0 ms       +2.0 ms\n"
            "\nNothing differs.\n\n"
            "OK: the same mail, 0.055 s direct, 0.080 s via\n");
}

// The marks are of more bytes than columns.
TEST_F(CompareTest, ColumnsStandWithTicksToo) {
  const std::string text = CompareText(pair, Judged(), Marks::kUnicode);
  EXPECT_THAT(text, HasSubstr("resolve       ✓    1.0 ms     ✓    1.0 ms          +0.0 ms\n"));
  EXPECT_THAT(text, HasSubstr("certificate                   ✓\n"));
}

TEST_F(CompareTest, CapabilitiesDifferWithoutHarm) {
  via.capabilities = {"TOP", "UIDL", "IMPLEMENTATION Poplar"};
  EXPECT_THAT(Texts(), testing::ElementsAre("CAPA: only the node says: SASL PLAIN",
                                            "CAPA: only the proxy says: IMPLEMENTATION Poplar"));
  EXPECT_EQ(Judged().status, Status::kOk);
}

TEST_F(CompareTest, OtherMailIsAWarning) {
  via.messages = 16;
  EXPECT_THAT(Texts(), testing::ElementsAre("STAT: 17 messages of 4711 bytes at the node, 16 of "
                                            "4711 through the proxy"));
  EXPECT_EQ(Judged().status, Status::kWarning);
  via.messages = 17;
  via.ids = 1;
  EXPECT_THAT(Judged().summary, HasSubstr("UIDL"));
  via.ids = direct.ids;
  via.message = 1;
  EXPECT_THAT(Judged().summary, HasSubstr("RETR"));
  EXPECT_THAT(CompareText(pair, Judged(), Marks::kAscii), HasSubstr("What differs:\n  RETR"));
}

TEST_F(CompareTest, AFailureOfOneIsTold) {
  FailAt(via, Step::kLogin, {Fault::kWrongCredential, "-ERR no"});
  EXPECT_EQ(Judged().status, Status::kCritical);
  EXPECT_EQ(Judged().summary, "via: login: -ERR no");
  EXPECT_THAT(Texts(), testing::Contains("login: passed at the node, failed through the proxy"));
  const std::string text = CompareText(pair, Judged(), Marks::kAscii);
  EXPECT_THAT(text, HasSubstr("login         ok      5.0 ms  FAIL"));
  EXPECT_THAT(text, HasSubstr("via, login: -ERR no\n      Likely:"));
  FailAt(direct, Step::kLogin, {Fault::kWrongCredential, "-ERR nor here"});
  EXPECT_THAT(Judge(pair, Patience{}).status, Status::kCritical);
}

TEST_F(CompareTest, AsJson) {
  via.ids = 1;
  const YAML::Node json = YAML::Load(CompareJson(pair, Judged(), {}));
  EXPECT_EQ(json["status"].as<std::string>(), "WARNING");
  EXPECT_EQ(json["direct"]["security"].as<std::string>(), "plain");
  EXPECT_EQ(json["via"]["security"].as<std::string>(), "tls");
  EXPECT_EQ(json["differences"].size(), 1u);
}

TEST_F(CompareTest, ForNagios) {
  const std::string line = CompareNagios(pair, Judged(), {}, 21);
  EXPECT_THAT(line, testing::StartsWith("POP3 OK - the same mail, "));
  EXPECT_THAT(line, HasSubstr(" direct_login=0.005000s "));
  EXPECT_THAT(line, HasSubstr(" via_login=0.009000s "));
  EXPECT_EQ(std::count(line.begin(), line.end(), '\n'), 1);
}

}  // namespace
}  // namespace poplar::account_probe
