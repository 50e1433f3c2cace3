#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "proxy/tls/certificate.h"

namespace poplar::tls {

// The tests' now: 2027-01-15 08:00:00 UTC.
inline constexpr int64_t kTestNow = 1'800'000'000;
inline constexpr int64_t kDay = 86'400;

enum class KeyKind : uint8_t { kP256, kP384, kP521, kRsa1024, kRsa2048 };

struct CertificateSpec {
  std::string subject = "mail.example";
  std::vector<std::string> dns_names = {"mail.example"};
  std::vector<std::string> ip_addresses = {};
  std::vector<std::string> emails = {};
  KeyKind key = KeyKind::kP256;
  int64_t not_before = kTestNow - kDay;
  int64_t not_after = kTestNow + 90 * kDay;
  bool authority = false;
  const CertificatePem* issuer = nullptr;  // null: self-signed
};

// A certificate as an authority would make it. RSA keys are made once a process and kind.
CertificatePem IssueCertificate(const CertificateSpec& spec);

// The key, encrypted with a passphrase.
std::string EncryptKey(const std::string& key_pem);

}  // namespace poplar::tls
