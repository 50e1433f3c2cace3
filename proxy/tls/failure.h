#pragma once

#include <cstdint>
#include <string_view>

namespace poplar::tls {

// Why a TLS connection failed, named for logs and metric labels.
enum class FailureReason : uint8_t {
  kNone,
  kNotTls,               // plain bytes where TLS was due: HTTP, POP3, a port scan
  kUnsupportedVersion,   // no TLS version in common
  kNoSharedCipher,       // no suite, group or signature algorithm in common
  kAlpnMismatch,         // ALPN offered, but not ours (the ALPACA defence)
  kCertificateRejected,  // the peer refused our certificate
  kVerifyFailed,         // we refused the peer's certificate
  kPeerAlert,            // any other fatal alert of the peer
  kProtocol,             // the peer broke the protocol
  kOther,                // our side: the library ran out of memory and the like
};

// "not_tls" and so on: stable, fit for a metric label.
std::string_view FailureName(FailureReason reason);

// `reason` is one of the library's SSL_R_ codes. `hello_done`: whether the peer has already spoken
// TLS, without which a strange record header means that it never will.
FailureReason ClassifySslError(int reason, bool hello_done);

}  // namespace poplar::tls
