#pragma once

#include <cstdint>
#include <string>

namespace poplar::tls {

// What is wrong with a peer's certificate.
struct CertificateFault {
  enum class Kind : uint8_t {
    kExpired,
    kNotYetValid,
    kWrongName,
    kSelfSigned,        // and none of the authorities
    kIncompleteChain,   // the peer showed its own alone, and whoever issued that isn't known
    kUnknownAuthority,  // any other way of leading to no authority
    kOther,
  };
  Kind kind = Kind::kOther;
  std::string text;  // for a log: "certificate is for mail.example, not imap.example"
};

}  // namespace poplar::tls
