#include "proxy/cli/certificate_check.h"

#include "proxy/tls/certificate.h"
#include "proxy/tls/ticket_keys.h"

namespace poplar::cli {

tl::expected<config::CertificateFacts, std::string> CertificateCheck::Inspect(
    const std::string& certificate_path, const std::string& key_path) {
  const auto facts =
      tls::InspectCertificate(certificate_path, key_path.empty() ? certificate_path : key_path);
  if (!facts) return tl::unexpected(facts.error());
  return config::CertificateFacts{facts->subject, facts->dns_names, facts->not_before,
                                  facts->not_after, facts->key_type};
}

std::string CertificateCheck::FaultOfTicketKeys(const std::string& path) {
  const auto keys = tls::TicketKeys::Load(path);
  return keys ? std::string() : keys.error();
}

}  // namespace poplar::cli
