#include "proxy/cli/certificate_check.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <string>

#include "proxy/tls/throwaway_certificate.h"

namespace poplar::cli {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

std::string Written(const std::string& name, const std::string& text) {
  const std::string path = testing::TempDir() + "certificate_check_" + name;
  std::ofstream(path) << text;
  return path;
}

tls::CertificatePem MailExample() {
  return tls::MakeThrowawayCertificate({.dns_names = {"mail.example", "pop.example"},
                                        .ip_addresses = {},
                                        .not_before = 1'700'000'000,
                                        .not_after = 1'800'000'000});
}

TEST(CertificateCheck, ReportsTheFacts) {
  const tls::CertificatePem pem = MailExample();
  CertificateCheck check;
  const auto facts =
      check.Inspect(Written("cert.pem", pem.certificate), Written("key.pem", pem.key));
  ASSERT_TRUE(facts) << facts.error();
  EXPECT_THAT(facts->subject, HasSubstr("mail.example"));
  EXPECT_THAT(facts->dns_names, ElementsAre("mail.example", "pop.example"));
  EXPECT_EQ(facts->not_before, 1'700'000'000);
  EXPECT_EQ(facts->not_after, 1'800'000'000);
  EXPECT_EQ(facts->key_type, "ECDSA P-256");
}

TEST(CertificateCheck, LooksForTheKeyInTheCertificatesFile) {
  const tls::CertificatePem pem = MailExample();
  CertificateCheck check;
  EXPECT_TRUE(check.Inspect(Written("both.pem", pem.certificate + pem.key), ""));
  const std::string alone = Written("alone.pem", pem.certificate);
  const auto missing = check.Inspect(alone, "");
  ASSERT_FALSE(missing);
  EXPECT_THAT(missing.error(), HasSubstr(alone));
}

TEST(CertificateCheck, SaysWhatIsWrong) {
  const tls::CertificatePem pem = MailExample();
  const std::string certificate = Written("cert.pem", pem.certificate);
  CertificateCheck check;
  const std::string other_key = Written("other.pem", MailExample().key);
  const auto mismatch = check.Inspect(certificate, other_key);
  ASSERT_FALSE(mismatch);
  EXPECT_THAT(mismatch.error(), HasSubstr(other_key));
  const auto nothing = check.Inspect("/nowhere/cert.pem", other_key);
  ASSERT_FALSE(nothing);
  EXPECT_THAT(nothing.error(), HasSubstr("/nowhere/cert.pem"));
  const auto garbage = check.Inspect(Written("garbage.pem", "not PEM\n"), other_key);
  ASSERT_FALSE(garbage);
  EXPECT_THAT(garbage.error(), HasSubstr("garbage.pem"));
}

}  // namespace
}  // namespace poplar::cli
