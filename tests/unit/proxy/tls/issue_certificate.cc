#include "tests/unit/proxy/tls/issue_certificate.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/cipher.h>
#include <openssl/digest.h>
#include <openssl/ec.h>
#include <openssl/ec_key.h>
#include <openssl/evp.h>
#include <openssl/nid.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <array>
#include <map>

namespace poplar::tls {

namespace {

std::string Text(BIO* out) {
  const uint8_t* text = nullptr;
  size_t size = 0;
  EXPECT_EQ(BIO_mem_contents(out, &text, &size), 1);
  return std::string(reinterpret_cast<const char*>(text), size);
}

bssl::UniquePtr<BIO> Reader(const std::string& pem) {
  return bssl::UniquePtr<BIO>(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
}

bssl::UniquePtr<EVP_PKEY> ReadKey(const std::string& pem) {
  return bssl::UniquePtr<EVP_PKEY>(
      PEM_read_bio_PrivateKey(Reader(pem).get(), nullptr, nullptr, nullptr));
}

bssl::UniquePtr<EVP_PKEY> MakeEcKey(int curve) {
  bssl::UniquePtr<EC_KEY> ec(EC_KEY_new_by_curve_name(curve));
  bssl::UniquePtr<EVP_PKEY> key(EVP_PKEY_new());
  EXPECT_EQ(EC_KEY_generate_key(ec.get()), 1);
  EXPECT_EQ(EVP_PKEY_set1_EC_KEY(key.get(), ec.get()), 1);
  return key;
}

bssl::UniquePtr<EVP_PKEY> MakeRsaKey(int bits) {
  static std::map<int, bssl::UniquePtr<EVP_PKEY>> made;
  bssl::UniquePtr<EVP_PKEY>& key = made[bits];
  if (key == nullptr) {
    bssl::UniquePtr<RSA> rsa(RSA_new());
    bssl::UniquePtr<BIGNUM> exponent(BN_new());
    BN_set_word(exponent.get(), RSA_F4);
    EXPECT_EQ(RSA_generate_key_ex(rsa.get(), bits, exponent.get(), nullptr), 1);
    key.reset(EVP_PKEY_new());
    EXPECT_EQ(EVP_PKEY_set1_RSA(key.get(), rsa.get()), 1);
  }
  return bssl::UpRef(key);
}

bssl::UniquePtr<EVP_PKEY> MakeKey(KeyKind kind) {
  switch (kind) {
    case KeyKind::kP256:
      return MakeEcKey(NID_X9_62_prime256v1);
    case KeyKind::kP384:
      return MakeEcKey(NID_secp384r1);
    case KeyKind::kP521:
      return MakeEcKey(NID_secp521r1);
    case KeyKind::kRsa1024:
      return MakeRsaKey(1024);
    case KeyKind::kRsa2048:
      return MakeRsaKey(2048);
  }
  return nullptr;
}

void AddName(GENERAL_NAMES* names, int type, const void* bytes, size_t size) {
  const int string_type = type == GEN_IPADD ? V_ASN1_OCTET_STRING : V_ASN1_IA5STRING;
  ASN1_STRING* value = ASN1_STRING_type_new(string_type);
  ASN1_STRING_set(value, bytes, static_cast<int>(size));
  bssl::UniquePtr<GENERAL_NAME> name(GENERAL_NAME_new());
  GENERAL_NAME_set0_value(name.get(), type, value);
  bssl::PushToStack(names, std::move(name));
}

void AddNames(X509* certificate, const CertificateSpec& spec) {
  const bssl::UniquePtr<GENERAL_NAMES> names(GENERAL_NAMES_new());
  for (const std::string& name : spec.dns_names) {
    AddName(names.get(), GEN_DNS, name.data(), name.size());
  }
  for (const std::string& email : spec.emails) {
    AddName(names.get(), GEN_EMAIL, email.data(), email.size());
  }
  for (const std::string& text : spec.ip_addresses) {
    std::array<uint8_t, 16> address{};
    const bool v4 = inet_pton(AF_INET, text.c_str(), address.data()) == 1;
    if (!v4) EXPECT_EQ(inet_pton(AF_INET6, text.c_str(), address.data()), 1);
    AddName(names.get(), GEN_IPADD, address.data(), v4 ? 4 : 16);
  }
  if (sk_GENERAL_NAME_num(names.get()) == 0) return;
  EXPECT_EQ(X509_add1_ext_i2d(certificate, NID_subject_alt_name, names.get(), 0, 0), 1);
}

void SetDatesAndSubject(X509* certificate, const CertificateSpec& spec) {
  static uint64_t serial = 1;
  ASN1_INTEGER_set_uint64(X509_get_serialNumber(certificate), serial++);
  const bssl::UniquePtr<ASN1_TIME> from(ASN1_TIME_set(nullptr, spec.not_before));
  const bssl::UniquePtr<ASN1_TIME> until(ASN1_TIME_set(nullptr, spec.not_after));
  X509_set1_notBefore(certificate, from.get());
  X509_set1_notAfter(certificate, until.get());
  const bssl::UniquePtr<X509_NAME> subject(X509_NAME_new());
  std::string name = spec.subject;
  X509_NAME_add_entry_by_NID(subject.get(), NID_commonName, MBSTRING_UTF8,
                             reinterpret_cast<uint8_t*>(name.data()), static_cast<int>(name.size()),
                             -1, 0);
  X509_set_subject_name(certificate, subject.get());
}

}  // namespace

CertificatePem IssueCertificate(const CertificateSpec& spec) {
  const bssl::UniquePtr<EVP_PKEY> key = MakeKey(spec.key);
  const bssl::UniquePtr<X509> certificate(X509_new());
  X509_set_version(certificate.get(), X509_VERSION_3);
  SetDatesAndSubject(certificate.get(), spec);
  AddNames(certificate.get(), spec);
  if (spec.authority) {
    const bssl::UniquePtr<BASIC_CONSTRAINTS> constraints(BASIC_CONSTRAINTS_new());
    constraints->ca = 0xff;
    X509_add1_ext_i2d(certificate.get(), NID_basic_constraints, constraints.get(), 1, 0);
  }
  X509_set_pubkey(certificate.get(), key.get());
  if (spec.issuer == nullptr) {
    X509_set_issuer_name(certificate.get(), X509_get_subject_name(certificate.get()));
    EXPECT_NE(X509_sign(certificate.get(), key.get(), EVP_sha256()), 0);
  } else {
    const bssl::UniquePtr<X509> issuer(
        PEM_read_bio_X509(Reader(spec.issuer->certificate).get(), nullptr, nullptr, nullptr));
    X509_set_issuer_name(certificate.get(), X509_get_subject_name(issuer.get()));
    EXPECT_NE(X509_sign(certificate.get(), ReadKey(spec.issuer->key).get(), EVP_sha256()), 0);
  }
  const bssl::UniquePtr<BIO> certificate_out(BIO_new(BIO_s_mem()));
  const bssl::UniquePtr<BIO> key_out(BIO_new(BIO_s_mem()));
  PEM_write_bio_X509(certificate_out.get(), certificate.get());
  PEM_write_bio_PrivateKey(key_out.get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr);
  return {Text(certificate_out.get()), Text(key_out.get())};
}

std::string EncryptKey(const std::string& key_pem) {
  const bssl::UniquePtr<BIO> out(BIO_new(BIO_s_mem()));
  const bssl::UniquePtr<EVP_PKEY> key = ReadKey(key_pem);
  char passphrase[] = "secret";
  EXPECT_EQ(PEM_write_bio_PKCS8PrivateKey(out.get(), key.get(), EVP_aes_128_cbc(), passphrase, 6,
                                          nullptr, nullptr),
            1);
  return Text(out.get());
}

}  // namespace poplar::tls
