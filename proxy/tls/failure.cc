#include "proxy/tls/failure.h"

#include <openssl/ssl.h>

namespace poplar::tls {

std::string_view FailureName(FailureReason reason) {
  switch (reason) {
    case FailureReason::kNone:
      return "none";
    case FailureReason::kNotTls:
      return "not_tls";
    case FailureReason::kUnsupportedVersion:
      return "unsupported_version";
    case FailureReason::kNoSharedCipher:
      return "no_shared_cipher";
    case FailureReason::kAlpnMismatch:
      return "alpn_mismatch";
    case FailureReason::kCertificateRejected:
      return "certificate_rejected";
    case FailureReason::kVerifyFailed:
      return "verify_failed";
    case FailureReason::kPeerAlert:
      return "peer_alert";
    case FailureReason::kProtocol:
      return "protocol";
    case FailureReason::kOther:
      return "other";
  }
  return "other";
}

namespace {

FailureReason ClassifyPeerAlert(int alert) {
  switch (alert) {
    case SSL_AD_BAD_CERTIFICATE:
    case SSL_AD_UNSUPPORTED_CERTIFICATE:
    case SSL_AD_CERTIFICATE_REVOKED:
    case SSL_AD_CERTIFICATE_EXPIRED:
    case SSL_AD_CERTIFICATE_UNKNOWN:
    case SSL_AD_UNKNOWN_CA:
      return FailureReason::kCertificateRejected;
    case SSL_AD_PROTOCOL_VERSION:
      return FailureReason::kUnsupportedVersion;
    case SSL_AD_NO_APPLICATION_PROTOCOL:
      return FailureReason::kAlpnMismatch;
    case SSL_AD_INSUFFICIENT_SECURITY:
      return FailureReason::kNoSharedCipher;
    default:
      return FailureReason::kPeerAlert;
  }
}

}  // namespace

FailureReason ClassifySslError(int reason, bool hello_done) {
  if (reason >= SSL_AD_REASON_OFFSET) return ClassifyPeerAlert(reason - SSL_AD_REASON_OFFSET);
  switch (reason) {
    case SSL_R_HTTP_REQUEST:
    case SSL_R_HTTPS_PROXY_REQUEST:
      return FailureReason::kNotTls;
    case SSL_R_WRONG_VERSION_NUMBER:
      return hello_done ? FailureReason::kProtocol : FailureReason::kNotTls;
    case SSL_R_UNSUPPORTED_PROTOCOL:
    case SSL_R_UNKNOWN_PROTOCOL:
    case SSL_R_INAPPROPRIATE_FALLBACK:
      return FailureReason::kUnsupportedVersion;
    case SSL_R_NO_SHARED_CIPHER:
    case SSL_R_NO_SHARED_GROUP:
    case SSL_R_NO_COMMON_SIGNATURE_ALGORITHMS:
    case SSL_R_NO_CIPHERS_SPECIFIED:
      return FailureReason::kNoSharedCipher;
    case SSL_R_NO_APPLICATION_PROTOCOL:
    case SSL_R_INVALID_ALPN_PROTOCOL:
      return FailureReason::kAlpnMismatch;
    case SSL_R_CERTIFICATE_VERIFY_FAILED:
      return FailureReason::kVerifyFailed;
    default:
      return FailureReason::kProtocol;
  }
}

}  // namespace poplar::tls
