#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace poplar::tls {

// Which of a certificate's names is a user's.
enum class UserName : uint8_t {
  kEmail,       // subjectAltName's first rfc822Name, else the subject's emailAddress
  kCommonName,  // the subject's
};

// Of a certificate that was verified, in DER. Empty where it has no such name, or one that can't be
// a user's: over 255 bytes, or with control characters.
std::string UserOfCertificate(std::string_view der, UserName which);

// What services are told of it, in the forms of nginx's variables. Visible ASCII and blanks.
struct ClientCertificate {
  std::string subject;      // RFC 2253: "CN=anna,O=Example"; empty: longer than kNameBytesMax
  std::string issuer;       // likewise
  std::string serial;       // hexadecimal, upper case
  std::string fingerprint;  // SHA-1, hexadecimal, lower case

  static constexpr size_t kNameBytesMax = 1024;
};

// In DER; all empty if it can't be parsed.
ClientCertificate DescribeClientCertificate(std::string_view der);

}  // namespace poplar::tls
