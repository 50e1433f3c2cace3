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

TEST(DescribeClientCertificateTest, SaysWhatNginxSays) {
  const CertificatePem authority = IssueCertificate({.subject = "The CA", .authority = true});
  const std::string der = Der(IssueCertificate({.subject = "Bell, Anna", .issuer = &authority}));
  const ClientCertificate described = DescribeClientCertificate(der);
  EXPECT_EQ(described.subject, "CN=Bell\\, Anna");
  EXPECT_EQ(described.issuer, "CN=The CA");
  EXPECT_NE(described.serial, "");
  EXPECT_EQ(described.serial.find_first_not_of("0123456789ABCDEF"), std::string::npos);
  EXPECT_EQ(described.fingerprint.size(), 40u);
  EXPECT_EQ(described.fingerprint.find_first_not_of("0123456789abcdef"), std::string::npos);
  EXPECT_NE(described.fingerprint, DescribeClientCertificate(Der(authority)).fingerprint);
}

TEST(DescribeClientCertificateTest, NoByteOfANameIsAnotherLine) {
  const std::string der = Der(IssueCertificate({.subject = "a\r\nb\x7f\xc3\xa4"}));
  EXPECT_EQ(DescribeClientCertificate(der).subject, "CN=a\\0D\\0Ab\\7F\\C3\\A4");
}

TEST(DescribeClientCertificateTest, NonsenseIsNothing) {
  for (const std::string_view der : {"", "\x30\x82 no DER"}) {
    const ClientCertificate described = DescribeClientCertificate(der);
    EXPECT_EQ(described.subject + described.issuer + described.serial + described.fingerprint, "");
  }
}

}  // namespace
}  // namespace poplar::tls
