#include "proxy/tls/client_certificate.h"

#include <openssl/asn1.h>
#include <openssl/err.h>
#include <openssl/mem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <algorithm>

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

bool CanBeUser(std::string_view name) {
  return name.size() <= kUserBytesMax && std::none_of(name.begin(), name.end(), [](char c) {
           return static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
         });
}

}  // namespace

std::string UserOfCertificate(std::string_view der, UserName which) {
  const auto* bytes = reinterpret_cast<const uint8_t*>(der.data());
  const bssl::UniquePtr<X509> certificate(d2i_X509(nullptr, &bytes, static_cast<long>(der.size())));
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

}  // namespace poplar::tls
