#pragma once

#include <cstdint>
#include <string>
#include <tl/expected.hpp>
#include <vector>

namespace poplar::config {

struct CertificateFacts {
  std::string subject;
  std::vector<std::string> dns_names;
  int64_t not_before = 0;  // seconds since 1970 UTC
  int64_t not_after = 0;
  std::string key_type;  // "ECDSA P-256"
};

// The seam to the cryptography, which this folder does not know.
class CertificateInspector {
 public:
  virtual ~CertificateInspector() = default;

  // The leaf's facts once the chain parses and the key matches it; else what is wrong, in words. An
  // empty key_path means that the certificate's file holds the key.
  virtual tl::expected<CertificateFacts, std::string> Inspect(const std::string& certificate_path,
                                                              const std::string& key_path) = 0;

  // What is wrong with a file of ticket keys, behind its name; empty: nothing.
  virtual std::string FaultOfTicketKeys(const std::string& path) = 0;
};

}  // namespace poplar::config
