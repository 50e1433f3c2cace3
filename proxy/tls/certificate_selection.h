#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "proxy/tls/certificate.h"

namespace poplar::tls {

// What a ClientHello says that matters for the choice of a certificate. Numbers as in the IANA
// registries.
struct ClientOffer {
  std::string_view server_name;  // empty: none sent
  std::span<const uint16_t> signature_algorithms;
  std::span<const uint16_t> cipher_suites;
  bool tls13 = false;  // offered by the client and allowed by us
};

// RFC 6125 section 6.4: case does not count; a wildcard is a whole left-most label and stands for
// exactly one.
bool NameMatches(std::string_view pattern, std::string_view name);

// Index of the certificate to show: one that bears the name asked for (a literal name before a
// wildcard), ECDSA where the client can check it, RSA otherwise. Unknown or absent names get the
// first certificate or its sibling of the other kind. `certificates` isn't empty.
size_t SelectCertificate(std::span<const CertificateFacts> certificates, const ClientOffer& offer);

}  // namespace poplar::tls
