#include "proxy/account_probe/speaker.h"

namespace poplar::account_probe {
namespace {

// A record header: handshake or alert, and version 3.x.
bool IsTls(std::string_view bytes) {
  return bytes.size() >= 3 && (bytes[0] == '\x16' || bytes[0] == '\x15') && bytes[1] == '\x03' &&
         bytes[2] <= '\x04';
}

}  // namespace

Fault WhatSpeaks(std::string_view first_bytes) {
  if (first_bytes.empty()) return Fault::kNone;
  if (IsTls(first_bytes)) return Fault::kSpeaksTls;
  if (first_bytes.starts_with("+OK") || first_bytes.starts_with("-ERR")) return Fault::kPlainPop3;
  if (first_bytes.starts_with("SSH-")) return Fault::kSpeaksSsh;
  if (first_bytes.starts_with("HTTP/") || first_bytes.starts_with("<!DOCTYPE") ||
      first_bytes.starts_with("<html")) {
    return Fault::kSpeaksHttp;
  }
  if (first_bytes.starts_with("* OK") || first_bytes.starts_with("* BYE") ||
      first_bytes.starts_with("* PREAUTH")) {
    return Fault::kSpeaksImap;
  }
  if (first_bytes.starts_with("220") || first_bytes.starts_with("554") ||
      first_bytes.starts_with("421")) {
    return Fault::kSpeaksSmtp;
  }
  return Fault::kSpeaksOther;
}

}  // namespace poplar::account_probe
