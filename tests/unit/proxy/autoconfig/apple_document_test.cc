#include "proxy/autoconfig/apple_document.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/proxy/autoconfig/sample_service.h"

namespace poplar::autoconfig {
namespace {

using testing::HasSubstr;
using testing::Not;

TEST(AppleDocument, IsThisOne) {
  EXPECT_EQ(AppleDocument(SampleService(), kAnna), R"(<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">
<plist version="1.0">
  <dict>
    <key>PayloadContent</key>
    <array>
      <dict>
        <key>EmailAccountDescription</key>
        <string>Mail &amp; more &lt;GmbH&gt;</string>
        <key>EmailAccountType</key>
        <string>EmailTypePOP</string>
        <key>EmailAddress</key>
        <string>anna@example.org</string>
        <key>IncomingMailServerAuthentication</key>
        <string>EmailAuthPassword</string>
        <key>IncomingMailServerHostName</key>
        <string>pop.example.org</string>
        <key>IncomingMailServerPortNumber</key>
        <integer>995</integer>
        <key>IncomingMailServerUseSSL</key>
        <true/>
        <key>IncomingMailServerUsername</key>
        <string>anna@example.org</string>
        <key>OutgoingMailServerAuthentication</key>
        <string>EmailAuthPassword</string>
        <key>OutgoingMailServerHostName</key>
        <string>smtp.example.org</string>
        <key>OutgoingMailServerPortNumber</key>
        <integer>465</integer>
        <key>OutgoingMailServerUseSSL</key>
        <true/>
        <key>OutgoingMailServerUsername</key>
        <string>anna@example.org</string>
        <key>OutgoingPasswordSameAsIncomingPassword</key>
        <true/>
        <key>PayloadDisplayName</key>
        <string>Mail &amp; more &lt;GmbH&gt;</string>
        <key>PayloadIdentifier</key>
        <string>org.example.poplar.72485F2D.mail</string>
        <key>PayloadType</key>
        <string>com.apple.mail.managed</string>
        <key>PayloadUUID</key>
        <string>F66C8DC5-C245-832A-9D43-0730746FA698</string>
        <key>PayloadVersion</key>
        <integer>1</integer>
      </dict>
    </array>
    <key>PayloadDescription</key>
    <string>Sets up anna@example.org in Mail.</string>
    <key>PayloadOrganization</key>
    <string>Mail &amp; more &lt;GmbH&gt;</string>
    <key>PayloadRemovalDisallowed</key>
    <false/>
    <key>PayloadDisplayName</key>
    <string>Mail &amp; more &lt;GmbH&gt;</string>
    <key>PayloadIdentifier</key>
    <string>org.example.poplar.72485F2D</string>
    <key>PayloadType</key>
    <string>Configuration</string>
    <key>PayloadUUID</key>
    <string>A5F93582-A817-8D34-A072-8CD3B4B336B4</string>
    <key>PayloadVersion</key>
    <integer>1</integer>
  </dict>
</plist>
)");
}

TEST(AppleDocument, HasIdentifiersOfEachAddress) {
  const auto uuids = [](const EmailAddress& address) {
    std::string found;
    const std::string text = AppleDocument(SampleService(), address);
    for (size_t at = 0; (at = text.find("<key>PayloadUUID</key>", at)) != std::string::npos; ++at)
      found += text.substr(text.find("<string>", at) + 8, 36) + "\n";
    return found;
  };
  EXPECT_EQ(uuids(kAnna), uuids(kAnna));
  EXPECT_EQ(uuids(kAnna).size(), 2 * 37);
  EXPECT_NE(uuids(kAnna).substr(0, 36), uuids(kAnna).substr(37, 36));
  EXPECT_NE(uuids(kAnna), uuids({"bert", "example.org"}));
  EXPECT_NE(uuids(kAnna), uuids({"anna", "example.net"}));
  EXPECT_THAT(uuids(kAnna),
              testing::MatchesRegex("(........-....-8...-[89AB]...-............\n)+"));
}

TEST(AppleDocument, TellsOfServersWithoutLogin) {
  MailService service = SampleService();
  service.full_address = false;
  service.outgoing[0].proofs = {};
  service.outgoing[0].security = Security::kNone;
  const std::string text = AppleDocument(service, kAnna);
  EXPECT_THAT(text, HasSubstr("EmailAuthNone"));
  EXPECT_THAT(text, Not(HasSubstr("OutgoingMailServerUsername")));
  EXPECT_THAT(text, Not(HasSubstr("OutgoingPasswordSameAsIncomingPassword")));
  EXPECT_THAT(text, HasSubstr("<key>OutgoingMailServerUseSSL</key>\n        <false/>"));
  EXPECT_THAT(text, HasSubstr("<key>IncomingMailServerUsername</key>\n        <string>anna<"));
}

TEST(CanDescribeToApple, NeedsPasswordsAndAnOutgoingServer) {
  MailService service = SampleService();
  EXPECT_TRUE(CanDescribeToApple(service));
  service.incoming[0].proofs = {Proof::kToken};
  EXPECT_FALSE(CanDescribeToApple(service));
  service = SampleService();
  service.outgoing.clear();
  EXPECT_FALSE(CanDescribeToApple(service));
}

}  // namespace
}  // namespace poplar::autoconfig
