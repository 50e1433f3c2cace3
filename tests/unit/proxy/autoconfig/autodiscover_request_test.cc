#include "proxy/autoconfig/autodiscover_request.h"

#include <gtest/gtest.h>

namespace poplar::autoconfig {
namespace {

std::string Read(std::string_view body) {
  const auto address = ReadAutodiscoverRequest(body);
  if (address) return address->Text();
  switch (address.error()) {
    case AutodiscoverFault::kUnknownAddress:
      return "unknown";
    case AutodiscoverFault::kInvalidRequest:
      return "invalid";
    case AutodiscoverFault::kUnknownSchema:
      return "schema";
  }
  return "";
}

TEST(ReadAutodiscoverRequest, FindsTheAddress) {
  EXPECT_EQ(Read(R"(<?xml version="1.0" encoding="utf-8"?>
<Autodiscover xmlns="http://schemas.microsoft.com/exchange/autodiscover/outlook/requestschema/2006">
  <Request>
    <EMailAddress>anna@example.org</EMailAddress>
    <AcceptableResponseSchema>http://schemas.microsoft.com/exchange/autodiscover/outlook/responseschema/2006a</AcceptableResponseSchema>
  </Request>
</Autodiscover>)"),
            "anna@example.org");
  EXPECT_EQ(Read("<a:EMailAddress >\r\n anna@example.org\t</a:EMailAddress>"), "anna@example.org");
  EXPECT_EQ(Read("<EMailAddress a='b'>anna@example.org</EMailAddress>"), "anna@example.org");
}

TEST(ReadAutodiscoverRequest, WantsOne) {
  for (const std::string_view body :
       {"", "<", "<>", "<EMailAddress", "<EMailAddress>", "<EMailAddress>anna@example.org",
        "<EMailAddress/>anna@example.org<", "<EMailAddress></EMailAddress>", "anna@example.org",
        "<EMailAddresses>anna@example.org</EMailAddresses>", "<LegacyDN>/o=x</LegacyDN>",
        "<EMailAddress>anna</EMailAddress>", "<EMailAddress a='>'>a@b</EMailAddress>"})
    EXPECT_EQ(Read(body), "invalid") << body;
}

TEST(ReadAutodiscoverRequest, ExpandsNothing) {
  EXPECT_EQ(Read("<!DOCTYPE a [<!ENTITY b \"anna@example.org\">]><EMailAddress>&b;</EMailAddress>"),
            "invalid");
  EXPECT_EQ(Read("<EMailAddress>an&#110;a@example.org</EMailAddress>"), "invalid");
  EXPECT_EQ(Read("<EMailAddress>a&amp;b@example.org</EMailAddress>"), "invalid");
  EXPECT_EQ(Read("<EMailAddress><![CDATA[anna@example.org]]></EMailAddress>"), "invalid");
  EXPECT_EQ(Read("<!-- <EMailAddress>a@b</EMailAddress> --><EMailAddress>c@d</EMailAddress>"),
            "invalid");
  EXPECT_EQ(Read("<?xml ?><?a <EMailAddress>a@b</EMailAddress>?>"), "invalid");
}

TEST(ReadAutodiscoverRequest, KnowsWhatPhonesAskFor) {
  EXPECT_EQ(Read("<EMailAddress>a@b</EMailAddress><AcceptableResponseSchema>"
                 "http://schemas.microsoft.com/exchange/autodiscover/mobilesync/responseschema/2006"
                 "</AcceptableResponseSchema>"),
            "schema");
}

}  // namespace
}  // namespace poplar::autoconfig
