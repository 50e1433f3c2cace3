#include "proxy/autoconfig/autodiscover_document.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/proxy/autoconfig/sample_service.h"

namespace poplar::autoconfig {
namespace {

using testing::HasSubstr;
using testing::Not;

TEST(AutodiscoverDocument, TellsTheBestServerOfEachKind) {
  EXPECT_EQ(AutodiscoverDocument(SampleService(), {"o'neil&sons", "example.org"}),
            R"(<?xml version="1.0" encoding="UTF-8"?>
<Autodiscover xmlns="http://schemas.microsoft.com/exchange/autodiscover/responseschema/2006">
  <Response xmlns="http://schemas.microsoft.com/exchange/autodiscover/outlook/responseschema/2006a">
    <User>
      <DisplayName>o&apos;neil&amp;sons@example.org</DisplayName>
    </User>
    <Account>
      <AccountType>email</AccountType>
      <Action>settings</Action>
      <Protocol>
        <Type>POP3</Type>
        <Server>pop.example.org</Server>
        <Port>995</Port>
        <LoginName>o&apos;neil&amp;sons@example.org</LoginName>
        <DomainRequired>off</DomainRequired>
        <SPA>off</SPA>
        <SSL>on</SSL>
        <AuthRequired>on</AuthRequired>
      </Protocol>
      <Protocol>
        <Type>SMTP</Type>
        <Server>smtp.example.org</Server>
        <Port>465</Port>
        <LoginName>o&apos;neil&amp;sons@example.org</LoginName>
        <DomainRequired>off</DomainRequired>
        <SPA>off</SPA>
        <SSL>on</SSL>
        <AuthRequired>on</AuthRequired>
      </Protocol>
    </Account>
  </Response>
</Autodiscover>
)");
}

TEST(AutodiscoverDocument, SaysHowTlsBeginsAndWhoLogsIn) {
  MailService service = SampleService();
  service.full_address = false;
  service.incoming.erase(service.incoming.begin());
  service.outgoing = {{.host = "relay", .port = 25, .security = Security::kNone, .proofs = {}}};
  const std::string text = AutodiscoverDocument(service, kAnna);
  EXPECT_THAT(text, HasSubstr("<SSL>on</SSL>\n        <Encryption>TLS</Encryption>"));
  EXPECT_THAT(text, HasSubstr("<LoginName>anna</LoginName>"));
  EXPECT_THAT(text, HasSubstr("<SSL>off</SSL>\n        <AuthRequired>off</AuthRequired>"));
  service.outgoing.clear();
  EXPECT_THAT(AutodiscoverDocument(service, kAnna), Not(HasSubstr("SMTP")));
}

TEST(AutodiscoverError, IsWhatOutlookKnows) {
  constexpr int64_t kTime = 86'400'000'000 * 3 + 3'723'000'045;
  EXPECT_EQ(AutodiscoverError(AutodiscoverFault::kInvalidRequest, kTime),
            R"(<?xml version="1.0" encoding="UTF-8"?>
<Autodiscover xmlns="http://schemas.microsoft.com/exchange/autodiscover/responseschema/2006">
  <Response>
    <Error Time="01:02:03.0000450" Id="1">
      <ErrorCode>600</ErrorCode>
      <Message>Invalid request</Message>
      <DebugData/>
    </Error>
  </Response>
</Autodiscover>
)");
  EXPECT_THAT(AutodiscoverError(AutodiscoverFault::kUnknownAddress, 0), HasSubstr(">500<"));
  EXPECT_THAT(AutodiscoverError(AutodiscoverFault::kUnknownSchema, 0), HasSubstr(">601<"));
}

}  // namespace
}  // namespace poplar::autoconfig
