#include "proxy/autoconfig/thunderbird_document.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/proxy/autoconfig/sample_service.h"

namespace poplar::autoconfig {
namespace {

using testing::HasSubstr;
using testing::Not;

TEST(ThunderbirdDocument, TellsAllServers) {
  MailService service = SampleService();
  service.incoming.pop_back();
  service.outgoing.pop_back();
  EXPECT_EQ(ThunderbirdDocument(service, "example.net"), R"(<?xml version="1.0" encoding="UTF-8"?>
<clientConfig version="1.1">
  <emailProvider id="example.net">
    <domain>example.net</domain>
    <displayName>Mail &amp; more &lt;GmbH&gt;</displayName>
    <displayShortName>Mail &amp; more &lt;GmbH&gt;</displayShortName>
    <incomingServer type="pop3">
      <hostname>pop.example.org</hostname>
      <port>995</port>
      <socketType>SSL</socketType>
      <authentication>password-cleartext</authentication>
      <username>%EMAILADDRESS%</username>
    </incomingServer>
    <outgoingServer type="smtp">
      <hostname>smtp.example.org</hostname>
      <port>465</port>
      <socketType>SSL</socketType>
      <authentication>password-cleartext</authentication>
      <username>%EMAILADDRESS%</username>
    </outgoingServer>
  </emailProvider>
</clientConfig>
)");
}

TEST(ThunderbirdDocument, NamesAllDomainsToWhoAsksForNone) {
  const std::string text = ThunderbirdDocument(SampleService(), "");
  EXPECT_THAT(text, HasSubstr("id=\"example.org\""));
  EXPECT_THAT(text, HasSubstr("<domain>example.org</domain>\n    <domain>example.net</domain>"));
  EXPECT_THAT(text, HasSubstr("<port>110</port>\n      <socketType>STARTTLS</socketType>"));
}

TEST(ThunderbirdDocument, TellsHowToLogIn) {
  MailService service = SampleService();
  service.full_address = false;
  service.incoming[0].proofs = {Proof::kToken, Proof::kCertificate, Proof::kChallengeResponse};
  service.incoming[1].security = Security::kNone;
  service.outgoing[0].proofs = {};
  const std::string text = ThunderbirdDocument(service, "");
  EXPECT_THAT(text, HasSubstr("<authentication>OAuth2</authentication>\n"
                              "      <authentication>TLS-client-cert</authentication>\n"
                              "      <authentication>password-encrypted</authentication>\n"
                              "      <username>%EMAILLOCALPART%</username>"));
  EXPECT_THAT(text, HasSubstr("<socketType>plain</socketType>"));
  EXPECT_THAT(text, HasSubstr("<authentication>none</authentication>\n    </outgoingServer>"));
  EXPECT_THAT(text, Not(HasSubstr("%EMAILADDRESS%")));
}

}  // namespace
}  // namespace poplar::autoconfig
