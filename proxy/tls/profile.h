#pragma once

namespace poplar::tls {

// What we offer and accept on either side: the intermediate profile of Mozilla's guidelines 6.0.
// The suites of TLS 1.3 are fixed in the library.
inline constexpr char kTls12Suites[] =
    "[ECDHE-ECDSA-AES128-GCM-SHA256|ECDHE-ECDSA-CHACHA20-POLY1305]:"
    "[ECDHE-RSA-AES128-GCM-SHA256|ECDHE-RSA-CHACHA20-POLY1305]:"
    "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384";

// Key exchange groups in order of preference, the hybrid one where the library knows it.
const char* Groups();

}  // namespace poplar::tls
