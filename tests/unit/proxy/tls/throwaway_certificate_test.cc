#include "proxy/tls/throwaway_certificate.h"

#include <gtest/gtest.h>

#include <fstream>

#include "proxy/tls/client_context.h"
#include "proxy/tls/server_context.h"
#include "tests/unit/proxy/tls/engine_party.h"
#include "tests/unit/proxy/tls/issue_certificate.h"

namespace poplar::tls {
namespace {

TEST(ThrowawayCertificateTest, BearsLocalNamesForAWeek) {
  const CertificatePem pem = MakeThrowawayCertificate(kTestNow);
  const auto facts = InspectPem(pem, "c", "k");
  ASSERT_TRUE(facts.has_value()) << facts.error();
  EXPECT_EQ(facts->subject, "CN = localhost");
  EXPECT_EQ(facts->dns_names, (std::vector<std::string>{"localhost"}));
  EXPECT_EQ(facts->ip_addresses, (std::vector<std::string>{"127.0.0.1", "::1"}));
  EXPECT_EQ(facts->not_before, kTestNow - 3600);
  EXPECT_EQ(facts->not_after, kTestNow + 7 * kDay);
  EXPECT_EQ(facts->key_type, "ECDSA P-256");
  EXPECT_NE(MakeThrowawayCertificate(kTestNow).certificate, pem.certificate);
}

TEST(ThrowawayCertificateTest, IsTrustedByWhoeverTrustsIt) {
  const CertificatePem pem = MakeThrowawayCertificate(kTestNow);
  const std::string ca_file = testing::TempDir() + "throwaway.pem";
  std::ofstream(ca_file) << pem.certificate;
  const auto node = ServerContext::Create({.certificates_in_memory = {pem}});
  const auto context = ClientContext::Create({.ca_file = ca_file});
  ASSERT_TRUE(node.has_value() && context.has_value());
  io::RunList ready;
  io::BufferPool pool(64 * io::kBufferBytes, ready);
  for (const char* host : {"localhost", "127.0.0.1", "::1"}) {
    EngineParty client(pool, (*context)->NewConnection(host, kTestNow));
    EngineParty server(pool, (*node)->NewConnection());
    EXPECT_TRUE(ShakeHands(client, server)) << host << ": " << client.engine->failure_text();
  }
}

TEST(ThrowawayCertificateTest, ABadAddressGivesNothing) {
  EXPECT_TRUE(MakeThrowawayCertificate({.ip_addresses = {"nowhere"}}).certificate.empty());
}

}  // namespace
}  // namespace poplar::tls
