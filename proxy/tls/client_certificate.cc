#include "proxy/tls/client_certificate.h"

#include <openssl/asn1.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/mem.h>
#include <openssl/sha.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <array>

namespace poplar::tls {
namespace {

constexpr size_t kUserBytesMax = 255;

std::string Subject(X509* certificate, int name) {
  X509_NAME* subject = X509_get_subject_name(certificate);
  const int index = X509_NAME_get_index_by_NID(subject, name, -1);
  if (index < 0) return {};
  uint8_t* text = nullptr;
  const int size =
      ASN1_STRING_to_UTF8(&text, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, index)));
  if (size < 0) return {};
  const bssl::UniquePtr<uint8_t> owned(text);
  return {reinterpret_cast<const char*>(text), static_cast<size_t>(size)};
}

std::string AlternativeEmail(X509* certificate) {
  const bssl::UniquePtr<GENERAL_NAMES> names(static_cast<GENERAL_NAMES*>(
      X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr)));
  for (size_t i = 0; names != nullptr && i < sk_GENERAL_NAME_num(names.get()); ++i) {
    const GENERAL_NAME* name = sk_GENERAL_NAME_value(names.get(), i);
    if (name->type != GEN_EMAIL) continue;
    const ASN1_IA5STRING* email = name->d.rfc822Name;
    return {reinterpret_cast<const char*>(ASN1_STRING_get0_data(email)),
            static_cast<size_t>(ASN1_STRING_length(email))};
  }
  return {};
}

std::string TextOf(BIO* bio) {
  const uint8_t* bytes = nullptr;
  size_t size = 0;
  if (BIO_mem_contents(bio, &bytes, &size) != 1) return {};
  return {reinterpret_cast<const char*>(bytes), size};
}

// The flags escape whatever isn't visible ASCII or a blank.
std::string NameText(X509_NAME* name) {
  const bssl::UniquePtr<BIO> bio(BIO_new(BIO_s_mem()));
  if (X509_NAME_print_ex(bio.get(), name, 0, XN_FLAG_RFC2253) < 0) return {};
  std::string text = TextOf(bio.get());
  return text.size() <= ClientCertificate::kNameBytesMax ? text : std::string();
}

std::string SerialText(X509* certificate) {
  const bssl::UniquePtr<BIO> bio(BIO_new(BIO_s_mem()));
  return i2a_ASN1_INTEGER(bio.get(), X509_get_serialNumber(certificate)) < 0 ? std::string()
                                                                             : TextOf(bio.get());
}

std::string Fingerprint(std::string_view der) {
  constexpr char kHex[] = "0123456789abcdef";
  std::array<uint8_t, SHA_DIGEST_LENGTH> digest{};
  SHA1(reinterpret_cast<const uint8_t*>(der.data()), der.size(), digest.data());
  std::string text;
  for (const uint8_t byte : digest) {
    text += kHex[byte >> 4];
    text += kHex[byte & 15];
  }
  return text;
}

bssl::UniquePtr<X509> Parse(std::string_view der) {
  const auto* bytes = reinterpret_cast<const uint8_t*>(der.data());
  return bssl::UniquePtr<X509>(d2i_X509(nullptr, &bytes, static_cast<long>(der.size())));
}

bool CanBeUser(std::string_view name) {
  return name.size() <= kUserBytesMax && std::none_of(name.begin(), name.end(), [](char c) {
           return static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
         });
}

}  // namespace

std::string UserOfCertificate(std::string_view der, UserName which) {
  const bssl::UniquePtr<X509> certificate = Parse(der);
  std::string user;
  if (certificate != nullptr) {
    if (which == UserName::kCommonName) {
      user = Subject(certificate.get(), NID_commonName);
    } else {
      user = AlternativeEmail(certificate.get());
      if (user.empty()) user = Subject(certificate.get(), NID_pkcs9_emailAddress);
    }
  }
  ERR_clear_error();
  return CanBeUser(user) ? user : std::string();
}

ClientCertificate DescribeClientCertificate(std::string_view der) {
  ClientCertificate described;
  if (const bssl::UniquePtr<X509> certificate = Parse(der); certificate != nullptr) {
    described = {.subject = NameText(X509_get_subject_name(certificate.get())),
                 .issuer = NameText(X509_get_issuer_name(certificate.get())),
                 .serial = SerialText(certificate.get()),
                 .fingerprint = Fingerprint(der)};
  }
  ERR_clear_error();
  return described;
}

}  // namespace poplar::tls
