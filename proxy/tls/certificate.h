#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <vector>

namespace poplar::tls {

// A PEM file larger than this is not a certificate: refused instead of read.
inline constexpr size_t kPemBytesMax = size_t{1} << 20;

// Paths. The certificate file holds the server's own certificate first, then its chain; `key` may
// be the same file.
struct CertificateFiles {
  std::string certificate;
  std::string key;
};

// The same as PEM text.
struct CertificatePem {
  std::string certificate;
  std::string key;
};

struct CertificateFacts {
  std::string subject;  // "CN = mail.example, O = Example"
  std::string issuer;
  std::vector<std::string> dns_names;  // as written, with their wildcards
  std::vector<std::string> ip_addresses;
  int64_t not_before = 0;  // seconds since 1970-01-01 UTC
  int64_t not_after = 0;
  std::string key_type;           // "ECDSA P-256", "RSA 2048"
  size_t chain_certificates = 0;  // those that follow the server's own

  bool ecdsa() const { return key_type.starts_with("ECDSA"); }
};

// Errors are sentences for the operator: which file, what is wrong with it, what would be right.
// Expiry is not among them: compare not_after with the world's clock.
tl::expected<CertificateFacts, std::string> InspectCertificate(const std::string& certificate_path,
                                                               const std::string& key_path);

// `certificate_where` and `key_where` name the texts in errors.
tl::expected<CertificateFacts, std::string> InspectPem(const CertificatePem& pem,
                                                       std::string_view certificate_where,
                                                       std::string_view key_where);

// Names, times and key of any certificate, with no judgement; all empty if it can't be parsed.
CertificateFacts DescribeDer(std::string_view der);

tl::expected<std::string, std::string> ReadPem(const std::string& path);

// "2026-01-31 12:00:00 UTC"
std::string FormatUtc(int64_t unix_seconds);

}  // namespace poplar::tls
