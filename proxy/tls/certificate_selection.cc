#include "proxy/tls/certificate_selection.h"

#include <algorithm>
#include <cassert>

namespace poplar::tls {

namespace {

constexpr uint16_t kEcdsaP256Sha256 = 0x0403;
constexpr uint16_t kEcdsaP384Sha384 = 0x0503;
constexpr uint16_t kEcdheEcdsaSuites[] = {0xC02B, 0xC02C, 0xCCA9};

char Lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

bool EqualNames(std::string_view a, std::string_view b) {
  return std::ranges::equal(a, b, {}, Lower, Lower);
}

bool Contains(std::span<const uint16_t> numbers, uint16_t number) {
  return std::ranges::find(numbers, number) != numbers.end();
}

bool CanCheckEcdsa(const ClientOffer& offer, const CertificateFacts& certificate) {
  const bool p256 = Contains(offer.signature_algorithms, kEcdsaP256Sha256);
  const bool p384 = Contains(offer.signature_algorithms, kEcdsaP384Sha384);
  // From TLS 1.3 on a signature algorithm names the curve, too (RFC 8446 section 4.2.3).
  if (offer.tls13) return certificate.key_type == "ECDSA P-384" ? p384 : p256;
  const bool suite = std::ranges::any_of(
      kEcdheEcdsaSuites, [&](uint16_t number) { return Contains(offer.cipher_suites, number); });
  return suite && (p256 || p384);
}

// How well a certificate answers to a name: 0 not at all, 1 by a wildcard, 2 literally.
int NameRank(const CertificateFacts& certificate, std::string_view name) {
  int rank = 0;
  for (const std::string& pattern : certificate.dns_names) {
    if (!NameMatches(pattern, name)) continue;
    rank = std::max(rank, pattern.starts_with('*') ? 1 : 2);
  }
  return rank;
}

// Indices of the certificates that answer best to the name; those of the first certificate's own
// name where none does.
std::vector<size_t> Candidates(std::span<const CertificateFacts> certificates,
                               std::string_view name) {
  int best = 0;
  for (const CertificateFacts& certificate : certificates) {
    best = std::max(best, NameRank(certificate, name));
  }
  std::vector<size_t> found;
  if (best == 0) {
    found.push_back(0);
    const std::vector<std::string>& own = certificates.front().dns_names;
    for (size_t i = 1; i < certificates.size() && !own.empty(); ++i) {
      const bool sibling = std::ranges::any_of(
          certificates[i].dns_names,
          [&](const std::string& other) { return EqualNames(own.front(), other); });
      if (sibling) found.push_back(i);
    }
    return found;
  }
  for (size_t i = 0; i < certificates.size(); ++i) {
    if (NameRank(certificates[i], name) == best) found.push_back(i);
  }
  return found;
}

}  // namespace

bool NameMatches(std::string_view pattern, std::string_view name) {
  if (name.ends_with('.')) name.remove_suffix(1);
  if (name.empty()) return false;
  if (!pattern.starts_with("*.")) return EqualNames(pattern, name);
  const size_t dot = name.find('.');
  if (dot == std::string_view::npos || dot == 0) return false;
  return EqualNames(pattern.substr(1), name.substr(dot));
}

size_t SelectCertificate(std::span<const CertificateFacts> certificates, const ClientOffer& offer) {
  assert(!certificates.empty());
  const std::vector<size_t> candidates = Candidates(certificates, offer.server_name);
  for (const size_t i : candidates) {
    if (certificates[i].ecdsa() && CanCheckEcdsa(offer, certificates[i])) return i;
  }
  for (const size_t i : candidates) {
    if (!certificates[i].ecdsa()) return i;
  }
  return candidates.front();
}

}  // namespace poplar::tls
