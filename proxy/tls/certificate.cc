#include "proxy/tls/certificate.h"

#include <arpa/inet.h>
#include <openssl/asn1.h>
#include <openssl/bio.h>
#include <openssl/ec.h>
#include <openssl/ec_key.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/nid.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <memory>

namespace poplar::tls {

namespace {

using Error = tl::unexpected<std::string>;

constexpr int kRsaBitsMin = 2048;

bssl::UniquePtr<BIO> Reader(std::string_view pem) {
  return bssl::UniquePtr<BIO>(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
}

// The library would ask at the terminal otherwise.
int NoPassphrase(char* /*to*/, int /*size*/, int /*writing*/, void* asked) {
  *static_cast<bool*>(asked) = true;
  return -1;
}

std::string NameText(const X509_NAME* name) {
  bssl::UniquePtr<BIO> out(BIO_new(BIO_s_mem()));
  // Debian's level takes it without const.
  X509_NAME_print_ex(out.get(), const_cast<X509_NAME*>(name), 0, XN_FLAG_ONELINE);
  const uint8_t* text = nullptr;
  size_t size = 0;
  if (BIO_mem_contents(out.get(), &text, &size) != 1) return {};
  return std::string(reinterpret_cast<const char*>(text), size);
}

int64_t UnixTime(const ASN1_TIME* time) {
  const bssl::UniquePtr<ASN1_TIME> epoch(ASN1_TIME_set(nullptr, 0));
  int days = 0;
  int seconds = 0;
  if (ASN1_TIME_diff(&days, &seconds, epoch.get(), time) != 1) return 0;
  return int64_t{days} * 86400 + seconds;
}

std::string IpText(std::string_view bytes) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  if (bytes.size() != 4 && bytes.size() != 16) return {};
  inet_ntop(bytes.size() == 4 ? AF_INET : AF_INET6, bytes.data(), text.data(), text.size());
  return text.data();
}

void ReadAlternativeNames(const X509* certificate, CertificateFacts& facts) {
  const bssl::UniquePtr<GENERAL_NAMES> names(static_cast<GENERAL_NAMES*>(
      X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr)));
  if (names == nullptr) return;
  for (size_t i = 0; i < sk_GENERAL_NAME_num(names.get()); ++i) {
    const GENERAL_NAME* name = sk_GENERAL_NAME_value(names.get(), i);
    if (name->type != GEN_DNS && name->type != GEN_IPADD) continue;
    const ASN1_STRING* value = name->type == GEN_DNS ? name->d.dNSName : name->d.iPAddress;
    const std::string_view bytes(reinterpret_cast<const char*>(ASN1_STRING_get0_data(value)),
                                 static_cast<size_t>(ASN1_STRING_length(value)));
    if (name->type == GEN_DNS) {
      facts.dns_names.emplace_back(bytes);
    } else {
      facts.ip_addresses.push_back(IpText(bytes));
    }
  }
}

std::string KeyType(EVP_PKEY* key) {
  switch (EVP_PKEY_id(key)) {
    case EVP_PKEY_RSA:
      return "RSA " + std::to_string(EVP_PKEY_bits(key));
    case EVP_PKEY_EC:
      switch (EC_GROUP_get_curve_name(EC_KEY_get0_group(EVP_PKEY_get0_EC_KEY(key)))) {
        case NID_X9_62_prime256v1:
          return "ECDSA P-256";
        case NID_secp384r1:
          return "ECDSA P-384";
        default:
          return "ECDSA, " + std::to_string(EVP_PKEY_bits(key)) + " bits";
      }
    case EVP_PKEY_ED25519:
      return "Ed25519";
    default:
      return "unknown";
  }
}

CertificateFacts Describe(const X509* certificate) {
  CertificateFacts facts;
  facts.subject = NameText(X509_get_subject_name(certificate));
  facts.issuer = NameText(X509_get_issuer_name(certificate));
  facts.not_before = UnixTime(X509_get0_notBefore(certificate));
  facts.not_after = UnixTime(X509_get0_notAfter(certificate));
  // Debian's level takes it without const.
  const bssl::UniquePtr<EVP_PKEY> key(X509_get_pubkey(const_cast<X509*>(certificate)));
  facts.key_type = key == nullptr ? "unknown" : KeyType(key.get());
  ReadAlternativeNames(certificate, facts);
  return facts;
}

// All certificates of a text, in order. What is no certificate (a key beside them) is passed over.
std::vector<bssl::UniquePtr<X509>> ReadChain(std::string_view pem) {
  std::vector<bssl::UniquePtr<X509>> chain;
  const bssl::UniquePtr<BIO> in = Reader(pem);
  bool asked = false;
  while (X509* certificate = PEM_read_bio_X509(in.get(), nullptr, &NoPassphrase, &asked)) {
    chain.emplace_back(certificate);
  }
  ERR_clear_error();
  return chain;
}

tl::expected<bssl::UniquePtr<EVP_PKEY>, std::string> ReadKey(std::string_view pem,
                                                             std::string_view where) {
  bool asked = false;
  const bssl::UniquePtr<BIO> in = Reader(pem);
  bssl::UniquePtr<EVP_PKEY> key(PEM_read_bio_PrivateKey(in.get(), nullptr, &NoPassphrase, &asked));
  ERR_clear_error();
  if (key != nullptr) return key;
  if (asked || pem.find("ENCRYPTED") != std::string_view::npos) {
    return Error(std::string(where) +
                 ": the private key is encrypted; store it without a "
                 "passphrase, readable for the server's user only");
  }
  if (pem.find("PRIVATE KEY-----") != std::string_view::npos) {
    return Error(std::string(where) + ": the private key is damaged or of an unknown kind");
  }
  return Error(std::string(where) +
               ": no private key in it (expected PEM: -----BEGIN PRIVATE KEY-----)");
}

// Empty: fit for use.
std::string KeyWeakness(EVP_PKEY* key) {
  const std::string type = KeyType(key);
  if (type == "ECDSA P-256" || type == "ECDSA P-384") return {};
  if (EVP_PKEY_id(key) == EVP_PKEY_RSA && EVP_PKEY_bits(key) >= kRsaBitsMin) return {};
  if (EVP_PKEY_id(key) == EVP_PKEY_RSA) {
    return "the key is too weak: " + type + "; expected RSA of at least " +
           std::to_string(kRsaBitsMin) + " bits, or ECDSA P-256";
  }
  return "the kind of key is not served: " + type +
         "; expected ECDSA P-256 or P-384, or RSA of at least " + std::to_string(kRsaBitsMin) +
         " bits";
}

std::string MismatchText(const std::vector<bssl::UniquePtr<X509>>& chain, EVP_PKEY* key,
                         std::string_view certificate_where, std::string_view key_where) {
  std::string text = std::string(key_where) + ": the key does not belong to the certificate of " +
                     NameText(X509_get_subject_name(chain.front().get())) + " in " +
                     std::string(certificate_where);
  for (size_t i = 1; i < chain.size(); ++i) {
    if (X509_check_private_key(chain[i].get(), key) == 1) {
      text += "; it belongs to certificate number " + std::to_string(i + 1) +
              " there: the server's own certificate must come first";
    }
  }
  ERR_clear_error();
  return text;
}

}  // namespace

tl::expected<std::string, std::string> ReadPem(const std::string& path) {
  const std::unique_ptr<FILE, int (*)(FILE*)> file(std::fopen(path.c_str(), "re"), &std::fclose);
  if (file == nullptr) return Error(path + ": cannot be read: " + std::strerror(errno));
  std::string text(kPemBytesMax + 1, '\0');
  const size_t size = std::fread(text.data(), 1, text.size(), file.get());
  if (std::ferror(file.get()) != 0) {
    return Error(path + ": cannot be read: " + std::strerror(errno));
  }
  if (size > kPemBytesMax) return Error(path + ": larger than 1 MiB: not a certificate or key");
  text.resize(size);
  text.shrink_to_fit();
  return text;
}

tl::expected<CertificateFacts, std::string> InspectPem(const CertificatePem& pem,
                                                       std::string_view certificate_where,
                                                       std::string_view key_where) {
  const std::vector<bssl::UniquePtr<X509>> chain = ReadChain(pem.certificate);
  if (chain.empty()) {
    const bool der = pem.certificate.starts_with('\x30');
    return Error(std::string(certificate_where) + ": no certificate in it (" +
                 (der ? "it looks like DER; convert it with: openssl x509 -inform der"
                      : "expected PEM: -----BEGIN CERTIFICATE-----") +
                 ")");
  }
  auto key = ReadKey(pem.key, key_where);
  if (!key) return Error(std::move(key.error()));
  if (X509_check_private_key(chain.front().get(), key->get()) != 1) {
    return Error(MismatchText(chain, key->get(), certificate_where, key_where));
  }
  const std::string weakness = KeyWeakness(key->get());
  if (!weakness.empty()) return Error(std::string(certificate_where) + ": " + weakness);
  CertificateFacts facts = Describe(chain.front().get());
  facts.chain_certificates = chain.size() - 1;
  return facts;
}

tl::expected<CertificateFacts, std::string> InspectCertificate(const std::string& certificate_path,
                                                               const std::string& key_path) {
  auto certificate = ReadPem(certificate_path);
  if (!certificate) return Error(std::move(certificate.error()));
  auto key = ReadPem(key_path);
  if (!key) return Error(std::move(key.error()));
  CertificatePem pem{std::move(*certificate), std::move(*key)};
  auto facts = InspectPem(pem, certificate_path, key_path);
  OPENSSL_cleanse(pem.key.data(), pem.key.size());
  return facts;
}

CertificateFacts DescribeDer(std::string_view der) {
  const auto* at = reinterpret_cast<const uint8_t*>(der.data());
  const bssl::UniquePtr<X509> parsed(d2i_X509(nullptr, &at, static_cast<long>(der.size())));
  ERR_clear_error();
  return parsed == nullptr ? CertificateFacts() : Describe(parsed.get());
}

std::string FormatUtc(int64_t unix_seconds) {
  const time_t seconds = unix_seconds;
  std::tm parts{};
  gmtime_r(&seconds, &parts);
  std::array<char, 64> text{};
  std::strftime(text.data(), text.size(), "%Y-%m-%d %H:%M:%S UTC", &parts);
  return text.data();
}

}  // namespace poplar::tls
