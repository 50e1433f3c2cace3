#pragma once

#include "proxy/config/certificate_inspector.h"

namespace poplar::cli {

// Looks at certificates with the same code that serves them.
class CertificateCheck final : public config::CertificateInspector {
 public:
  tl::expected<config::CertificateFacts, std::string> Inspect(const std::string& certificate_path,
                                                              const std::string& key_path) override;
  std::string FaultOfTicketKeys(const std::string& path) override;
};

}  // namespace poplar::cli
