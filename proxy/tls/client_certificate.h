#pragma once

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

}  // namespace poplar::tls
