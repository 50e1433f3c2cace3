#include "proxy/tls/throwaway_certificate.h"

#include <arpa/inet.h>
#include <openssl/asn1.h>
#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/digest.h>
#include <openssl/ec.h>
#include <openssl/ec_key.h>
#include <openssl/evp.h>
#include <openssl/nid.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <array>

namespace poplar::tls {

namespace {

bssl::UniquePtr<EVP_PKEY> MakeKey() {
  bssl::UniquePtr<EC_KEY> ec(EC_KEY_new_by_curve_name(NID_X9_62_prime256v1));
  bssl::UniquePtr<EVP_PKEY> key(EVP_PKEY_new());
  if (EC_KEY_generate_key(ec.get()) != 1) return nullptr;
  if (EVP_PKEY_set1_EC_KEY(key.get(), ec.get()) != 1) return nullptr;
  return key;
}

// The library takes what it is given over.
void AddName(GENERAL_NAMES* names, int type, const uint8_t* bytes, size_t size) {
  ASN1_STRING* value =
      ASN1_STRING_type_new(type == GEN_DNS ? V_ASN1_IA5STRING : V_ASN1_OCTET_STRING);
  ASN1_STRING_set(value, bytes, static_cast<int>(size));
  GENERAL_NAME* name = GENERAL_NAME_new();
  GENERAL_NAME_set0_value(name, type, value);
  bssl::PushToStack(names, bssl::UniquePtr<GENERAL_NAME>(name));
}

bool AddNames(X509* certificate, const ThrowawaySettings& settings) {
  const bssl::UniquePtr<GENERAL_NAMES> names(GENERAL_NAMES_new());
  for (const std::string& name : settings.dns_names) {
    AddName(names.get(), GEN_DNS, reinterpret_cast<const uint8_t*>(name.data()), name.size());
  }
  for (const std::string& text : settings.ip_addresses) {
    std::array<uint8_t, 16> address{};
    const bool v4 = inet_pton(AF_INET, text.c_str(), address.data()) == 1;
    if (!v4 && inet_pton(AF_INET6, text.c_str(), address.data()) != 1) return false;
    AddName(names.get(), GEN_IPADD, address.data(), v4 ? 4 : 16);
  }
  return X509_add1_ext_i2d(certificate, NID_subject_alt_name, names.get(), 0, 0) == 1;
}

// Some clients refuse a certificate without these.
bool AddUse(X509* certificate) {
  const bssl::UniquePtr<EXTENDED_KEY_USAGE> purposes(EXTENDED_KEY_USAGE_new());
  bssl::PushToStack(purposes.get(), bssl::UniquePtr<ASN1_OBJECT>(OBJ_nid2obj(NID_server_auth)));
  return X509_add1_ext_i2d(certificate, NID_ext_key_usage, purposes.get(), 0, 0) == 1;
}

bool AddNameAndDates(X509* certificate, const ThrowawaySettings& settings) {
  std::array<uint8_t, 16> serial{};
  RAND_bytes(serial.data(), serial.size());
  serial[0] = (serial[0] & 0x3f) | 0x40;  // positive, and always of the same length
  const bssl::UniquePtr<BIGNUM> number(BN_bin2bn(serial.data(), serial.size(), nullptr));
  const bssl::UniquePtr<ASN1_TIME> from(ASN1_TIME_set(nullptr, settings.not_before));
  const bssl::UniquePtr<ASN1_TIME> until(ASN1_TIME_set(nullptr, settings.not_after));
  const bssl::UniquePtr<X509_NAME> subject(X509_NAME_new());
  const std::string name = settings.dns_names.empty() ? "poplar" : settings.dns_names.front();
  return from != nullptr && until != nullptr && number != nullptr &&
         BN_to_ASN1_INTEGER(number.get(), X509_get_serialNumber(certificate)) != nullptr &&
         X509_set1_notBefore(certificate, from.get()) == 1 &&
         X509_set1_notAfter(certificate, until.get()) == 1 &&
         X509_NAME_add_entry_by_NID(subject.get(), NID_commonName, MBSTRING_UTF8,
                                    reinterpret_cast<uint8_t*>(const_cast<char*>(name.data())),
                                    static_cast<int>(name.size()), -1, 0) == 1 &&
         X509_set_subject_name(certificate, subject.get()) == 1 &&
         X509_set_issuer_name(certificate, subject.get()) == 1;
}

std::string Text(BIO* out) {
  const uint8_t* text = nullptr;
  size_t size = 0;
  if (BIO_mem_contents(out, &text, &size) != 1) return {};
  return std::string(reinterpret_cast<const char*>(text), size);
}

}  // namespace

CertificatePem MakeThrowawayCertificate(const ThrowawaySettings& settings) {
  const bssl::UniquePtr<EVP_PKEY> key = MakeKey();
  const bssl::UniquePtr<X509> certificate(X509_new());
  if (key == nullptr || X509_set_version(certificate.get(), X509_VERSION_3) != 1 ||
      !AddNameAndDates(certificate.get(), settings) || !AddNames(certificate.get(), settings) ||
      !AddUse(certificate.get()) || X509_set_pubkey(certificate.get(), key.get()) != 1 ||
      X509_sign(certificate.get(), key.get(), EVP_sha256()) == 0) {
    return {};
  }
  const bssl::UniquePtr<BIO> certificate_out(BIO_new(BIO_s_mem()));
  const bssl::UniquePtr<BIO> key_out(BIO_new(BIO_s_mem()));
  PEM_write_bio_X509(certificate_out.get(), certificate.get());
  PEM_write_bio_PrivateKey(key_out.get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr);
  return {Text(certificate_out.get()), Text(key_out.get())};
}

CertificatePem MakeThrowawayCertificate(int64_t unix_now) {
  constexpr int64_t kHour = 3600;
  constexpr int64_t kDay = 24 * kHour;
  ThrowawaySettings settings;
  settings.not_before = unix_now - kHour;
  settings.not_after = unix_now + 7 * kDay;
  return MakeThrowawayCertificate(settings);
}

}  // namespace poplar::tls
