#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "proxy/tls/certificate.h"

namespace poplar::tls {

struct ThrowawaySettings {
  std::vector<std::string> dns_names = {"localhost"};  // the first is also the subject
  std::vector<std::string> ip_addresses = {"127.0.0.1", "::1"};
  int64_t not_before = 0;  // seconds since 1970-01-01 UTC
  int64_t not_after = 0;
};

// A self-signed ECDSA P-256 certificate and its key, for demonstrations and tests. Both texts are
// empty if the library fails.
CertificatePem MakeThrowawayCertificate(const ThrowawaySettings& settings);

// For localhost, from an hour before `unix_now` (clocks differ) until seven days after it.
CertificatePem MakeThrowawayCertificate(int64_t unix_now);

}  // namespace poplar::tls
