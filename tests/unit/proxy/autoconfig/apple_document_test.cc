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
GOLDEN
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
