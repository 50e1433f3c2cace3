#include "proxy/tls/certificate.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <fstream>
#include <string>

#include "tests/unit/proxy/tls/issue_certificate.h"

namespace poplar::tls {
namespace {

class CertificateTest : public testing::Test {
 protected:
  std::string Put(const std::string& name, const std::string& text) {
    const std::string path = testing::TempDir() + name;
    std::ofstream(path, std::ios::binary) << text;
    return path;
  }
  // The error without the folder, or "".
  static std::string Error(const std::string& certificate, const std::string& key) {
    auto facts = InspectCertificate(certificate, key);
    if (facts.has_value()) return "";
    std::string text = facts.error();
    for (size_t at; (at = text.find(testing::TempDir())) != std::string::npos;) {
      text.erase(at, testing::TempDir().size());
    }
    return text;
  }
};

TEST_F(CertificateTest, ReadsTheFacts) {
  const CertificatePem pem = IssueCertificate({.subject = "mail.example",
                                               .dns_names = {"mail.example", "*.mail.example"},
                                               .ip_addresses = {"192.0.2.1", "2001:db8::1"},
                                               .not_before = -86'400,
                                               .not_after = 4'102'444'800});
  const CertificatePem issuer = IssueCertificate({.subject = "CA"});
  const auto facts = InspectCertificate(Put("chain.pem", pem.certificate + issuer.certificate),
                                        Put("chain.key", pem.key));
  ASSERT_TRUE(facts.has_value()) << facts.error();
  EXPECT_EQ(facts->subject, "CN = mail.example");
  EXPECT_EQ(facts->issuer, "CN = mail.example");
  EXPECT_EQ(facts->dns_names, (std::vector<std::string>{"mail.example", "*.mail.example"}));
  EXPECT_EQ(facts->ip_addresses, (std::vector<std::string>{"192.0.2.1", "2001:db8::1"}));
  EXPECT_EQ(facts->not_before, -86'400);
  EXPECT_EQ(facts->not_after, 4'102'444'800);
  EXPECT_EQ(facts->key_type, "ECDSA P-256");
  EXPECT_TRUE(facts->ecdsa());
  EXPECT_EQ(facts->chain_certificates, 1U);
  EXPECT_EQ(FormatUtc(facts->not_after), "2100-01-01 00:00:00 UTC");
}

TEST_F(CertificateTest, KeyAndChainMayShareAFileInAnyOrder) {
  const CertificatePem pem = IssueCertificate({.key = KeyKind::kRsa2048});
  for (const std::string& text : {pem.key + pem.certificate, pem.certificate + pem.key}) {
    const std::string path = Put("shared.pem", "a comment\n" + text);
    const auto facts = InspectCertificate(path, path);
    ASSERT_TRUE(facts.has_value()) << facts.error();
    EXPECT_EQ(facts->key_type, "RSA 2048");
    EXPECT_FALSE(facts->ecdsa());
  }
}

TEST_F(CertificateTest, TellsEachMistakeApart) {
  const CertificatePem good = IssueCertificate({});
  const CertificatePem issuer = IssueCertificate({.subject = "CA"});
  const std::string certificate = Put("good.pem", good.certificate);
  const std::string key = Put("good.key", good.key);
  const std::string absent = testing::TempDir() + "absent";
  EXPECT_EQ(Error(certificate, key), "");
  EXPECT_EQ(Error(absent, key), "absent: cannot be read: No such file or directory");
  EXPECT_EQ(Error(certificate, absent), "absent: cannot be read: No such file or directory");
  EXPECT_EQ(Error(testing::TempDir(), key), ": cannot be read: Is a directory");
  EXPECT_EQ(Error(Put("empty", ""), key),
            "empty: no certificate in it (expected PEM: -----BEGIN CERTIFICATE-----)");
  EXPECT_EQ(Error(Put("text", "hello\n"), key),
            "text: no certificate in it (expected PEM: -----BEGIN CERTIFICATE-----)");
  EXPECT_EQ(Error(Put("der", "\x30\x82\x01\x02xyz"), key),
            "der: no certificate in it (it looks like DER; convert it with: openssl x509 -inform "
            "der)");
  EXPECT_EQ(Error(Put("big", std::string(kPemBytesMax + 1, 'x')), key),
            "big: larger than 1 MiB: not a certificate or key");
  EXPECT_EQ(Error(certificate, certificate),
            "good.pem: no private key in it (expected PEM: -----BEGIN PRIVATE KEY-----)");
  EXPECT_EQ(Error(certificate, Put("cut.key", good.key.substr(0, 80) + "\n")),
            "cut.key: the private key is damaged or of an unknown kind");
  EXPECT_EQ(Error(certificate, Put("locked.key", EncryptKey(good.key))),
            "locked.key: the private key is encrypted; store it without a passphrase, readable "
            "for the server's user only");
  EXPECT_EQ(Error(certificate, Put("other.key", IssueCertificate({}).key)),
            "other.key: the key does not belong to the certificate of CN = mail.example in "
            "good.pem");
  EXPECT_EQ(Error(Put("turned.pem", issuer.certificate + good.certificate), key),
            "good.key: the key does not belong to the certificate of CN = CA in turned.pem; it "
            "belongs to certificate number 2 there: the server's own certificate must come first");
}

TEST_F(CertificateTest, RefusesWeakAndUnservedKeys) {
  const CertificatePem weak = IssueCertificate({.key = KeyKind::kRsa1024});
  EXPECT_EQ(Error(Put("weak.pem", weak.certificate), Put("weak.key", weak.key)),
            "weak.pem: the key is too weak: RSA 1024; expected RSA of at least 2048 bits, or "
            "ECDSA P-256");
  const CertificatePem odd = IssueCertificate({.key = KeyKind::kP521});
  EXPECT_EQ(Error(Put("odd.pem", odd.certificate), Put("odd.key", odd.key)),
            "odd.pem: the kind of key is not served: ECDSA, 521 bits; expected ECDSA P-256 or "
            "P-384, or RSA of at least 2048 bits");
  const CertificatePem p384 = IssueCertificate({.key = KeyKind::kP384});
  EXPECT_EQ(Error(Put("p384.pem", p384.certificate), Put("p384.key", p384.key)), "");
}

TEST_F(CertificateTest, SurvivesADamagedCertificate) {
  const CertificatePem good = IssueCertificate({});
  for (size_t i = 0; i < good.certificate.size(); ++i) {
    std::string text = good.certificate;
    text[i] = text[i] == 'A' ? 'B' : 'A';
    const CertificatePem pem{text, good.key};
    const auto facts = InspectPem(pem, "c", "k");
    if (!facts.has_value()) EXPECT_FALSE(facts.error().empty());
  }
  EXPECT_TRUE(DescribeDer("garbage").subject.empty());
}

}  // namespace
}  // namespace poplar::tls
