#include "proxy/tls/client_certificate.h"

#include <gtest/gtest.h>
#include <openssl/bio.h>
#include <openssl/mem.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <string>

#include "tests/unit/proxy/tls/issue_certificate.h"

namespace poplar::tls {
namespace {

std::string Der(const CertificatePem& pem) {
  const bssl::UniquePtr<BIO> in(
      BIO_new_mem_buf(pem.certificate.data(), static_cast<int>(pem.certificate.size())));
  const bssl::UniquePtr<X509> certificate(PEM_read_bio_X509(in.get(), nullptr, nullptr, nullptr));
  uint8_t* bytes = nullptr;
  const int size = i2d_X509(certificate.get(), &bytes);
  const bssl::UniquePtr<uint8_t> owned(bytes);
  return {reinterpret_cast<const char*>(bytes), static_cast<size_t>(size)};
}

TEST(UserOfCertificateTest, ByEmail) {
  const std::string der = Der(IssueCertificate(
      {.subject = "Alice", .dns_names = {"a.example"}, .emails = {"alice@example.org", "b@x"}}));
  EXPECT_EQ(UserOfCertificate(der, UserName::kEmail), "alice@example.org");
  EXPECT_EQ(UserOfCertificate(der, UserName::kCommonName), "Alice");
}

TEST(UserOfCertificateTest, WithoutSuchANameItIsNobodys) {
  const std::string der = Der(IssueCertificate({.subject = "Alice"}));
  EXPECT_EQ(UserOfCertificate(der, UserName::kEmail), "");
  EXPECT_EQ(UserOfCertificate("", UserName::kCommonName), "");
  EXPECT_EQ(UserOfCertificate("\x30\x82 no DER", UserName::kEmail), "");
  EXPECT_EQ(UserOfCertificate(der.substr(0, der.size() / 2), UserName::kCommonName), "");
}

// On its way to a node the name is part of a command.
TEST(UserOfCertificateTest, ANameThatCannotBeAUsersIsNone) {
  using std::string_literals::operator""s;
  for (const std::string& email : {"a\r\nDELE 1"s, "a\0b"s, "a\nb"s, "a\x7f"s}) {
    const std::string der = Der(IssueCertificate({.emails = {email}}));
    EXPECT_EQ(UserOfCertificate(der, UserName::kEmail), "") << testing::PrintToString(email);
  }
  const std::string der = Der(IssueCertificate({.emails = {std::string(256, 'a')}}));
  EXPECT_EQ(UserOfCertificate(der, UserName::kEmail), "");
}

}  // namespace
}  // namespace poplar::tls
