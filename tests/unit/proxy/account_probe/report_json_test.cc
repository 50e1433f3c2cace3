#include "proxy/account_probe/report_json.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <yaml-cpp/yaml.h>

#include "tests/unit/proxy/account_probe/reports.h"

namespace poplar::account_probe {
namespace {

// JSON is YAML, and the YAML reader is at hand.
YAML::Node Parsed(const AccountReport& report) {
  return YAML::Load(ReportJson(report, Judge(report, {})));
}

TEST(ReportJsonTest, HasAllThatWasSeen) {
  const YAML::Node json = Parsed(GoodReport());
  EXPECT_EQ(json["status"].as<std::string>(), "OK");
  EXPECT_EQ(json["target"].as<std::string>(), "mail.example");
  EXPECT_EQ(json["security"].as<std::string>(), "tls");
  EXPECT_EQ(json["address"].as<std::string>(), "192.0.2.10:995");
  EXPECT_EQ(json["ms"].as<double>(), 78.0);
  EXPECT_EQ(json["tls"]["version"].as<std::string>(), "TLSv1.3");
  EXPECT_EQ(json["tls"]["certificate_days"].as<int>(), 43);
  EXPECT_EQ(json["tls"]["chain"][0]["issuer"].as<std::string>(), "CN = Test \"CA\"");
  EXPECT_EQ(json["tls"]["chain"][0]["not_after"].as<std::string>(), "2027-02-27 08:00:05 UTC");
  EXPECT_EQ(json["capabilities"].size(), 3u);
  EXPECT_EQ(json["messages"].as<int>(), 17);
  EXPECT_EQ(json["ids_hash"].as<std::string>(), "000000000000feed");
  ASSERT_EQ(json["steps"].size(), 12u);
  EXPECT_EQ(json["steps"][2]["name"].as<std::string>(), "tls");
  EXPECT_EQ(json["steps"][2]["outcome"].as<std::string>(), "passed");
  EXPECT_EQ(json["steps"][2]["ms"].as<double>(), 3.0);
}

TEST(ReportJsonTest, WhatWasNotSeenIsNull) {
  AccountReport report = GoodReport(Security::kPlain);
  report.address.clear();
  report.messages.reset();
  report.message.reset();
  FailAt(report, Step::kConnect, {Fault::kRefused, "refused \\ \"so\"\x01"});
  const YAML::Node json = Parsed(report);
  EXPECT_EQ(json["status"].as<std::string>(), "CRITICAL");
  for (const char* name : {"address", "tls", "messages", "message_hash"})
    EXPECT_TRUE(json[name].IsNull()) << name;
  const YAML::Node finding = json["steps"][1]["findings"][0];
  EXPECT_EQ(finding["fault"].as<std::string>(), "refused");
  EXPECT_EQ(finding["seen"].as<std::string>(), "refused \\ \"so\"\x01");
  EXPECT_THAT(finding["cause"].as<std::string>(), testing::HasSubstr("nothing listens"));
  EXPECT_FALSE(finding["change"].as<std::string>().empty());
}

}  // namespace
}  // namespace poplar::account_probe
