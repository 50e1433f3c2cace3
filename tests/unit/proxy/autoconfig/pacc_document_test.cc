#include "proxy/autoconfig/pacc_document.h"

#include <gtest/gtest.h>

#include "tests/unit/proxy/autoconfig/sample_service.h"

namespace poplar::autoconfig {
namespace {

TEST(PaccDocument, TellsWhatHasTlsAtItsOwnPort) {
  MailService service = SampleService();
  EXPECT_EQ(PaccDocument(service), R"({"protocols":{"pop3":{"host":"pop.example.org"},)"
                                   R"("submit":{"host":"smtp.example.org"}},)"
                                   R"("authentication":{"password":true},)"
                                   R"("info":{"provider":{"name":"Mail & more <GmbH>"}}})");
  service.outgoing.erase(service.outgoing.begin());
  service.incoming[0].proofs = {Proof::kToken};
  EXPECT_EQ(PaccDocument(service), R"({"protocols":{"pop3":{"host":"pop.example.org"}},)"
                                   R"("authentication":{"password":false},)"
                                   R"("info":{"provider":{"name":"Mail & more <GmbH>"}}})");
  service.incoming[0].port = 1995;
  EXPECT_EQ(PaccDocument(service), std::nullopt);
}

// printf '{}' | openssl dgst -sha256 -binary | base64
TEST(PaccRecord, HasTheDigestOfTheBytes) {
  EXPECT_EQ(PaccRecord("{}"), "v=UAAC1; a=sha256; d=RBNvo1WzZ4oRRq0W9+hknpT7T8If536DEMBg9hyq/4o=");
}

}  // namespace
}  // namespace poplar::autoconfig
