#include "proxy/autoconfig/dns_records.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "proxy/autoconfig/pacc_document.h"
#include "tests/unit/proxy/autoconfig/sample_service.h"

namespace poplar::autoconfig {
namespace {

using testing::HasSubstr;
using testing::Not;

TEST(DnsRecords, NamesServicesAndPlaces) {
  MailService service = SampleService();
  service.domains.pop_back();
  EXPECT_EQ(DnsRecords(service),
            "; example.org\n"
            "_pop3s._tcp.example.org. 3600 IN SRV 0 1 995 pop.example.org.\n"
            "_pop3._tcp.example.org. 3600 IN SRV 1 1 110 pop.example.org.\n"
            "_submissions._tcp.example.org. 3600 IN SRV 0 1 465 smtp.example.org.\n"
            "_submission._tcp.example.org. 3600 IN SRV 1 1 587 smtp.example.org.\n"
            "autoconfig.example.org. 3600 IN CNAME pop.example.org.\n"
            "autodiscover.example.org. 3600 IN CNAME pop.example.org.\n"
            "_autodiscover._tcp.example.org. 3600 IN SRV 0 1 443 pop.example.org.\n"
            "ua-auto-config.example.org. 3600 IN CNAME pop.example.org.\n"
            "_ua-auto-config.example.org. 3600 IN TXT \"" +
                PaccRecord(*PaccDocument(service)) + "\"\n");
}

TEST(DnsRecords, SaysWhatThereIsNot) {
  MailService service = SampleService();
  service.incoming.pop_back();
  service.incoming[0].port = 1995;
  service.outgoing.clear();
  const std::string text = DnsRecords(service);
  EXPECT_THAT(text, HasSubstr("_pop3s._tcp.example.net. 3600 IN SRV 0 1 1995 pop.example.org.\n"
                              "_pop3._tcp.example.net. 3600 IN SRV 0 0 0 .\n"));
  EXPECT_THAT(text, Not(HasSubstr("submission")));  // somebody else's may be there
  EXPECT_THAT(text, Not(HasSubstr("ua-auto-config")));
  service.has_https = false;
  EXPECT_THAT(DnsRecords(service), Not(HasSubstr("443")));
}

}  // namespace
}  // namespace poplar::autoconfig
