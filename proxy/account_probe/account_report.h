#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "proxy/account_probe/account_steps.h"
#include "proxy/io/clock.h"
#include "proxy/tls/certificate.h"

namespace poplar::account_probe {

// What a server's TLS and its certificates are.
struct Secured {
  std::string version;
  std::string cipher;
  std::string alpn;  // empty: none agreed
  // As the server showed them, its own first; kChainShownMax of them.
  std::vector<tls::CertificateFacts> chain = {};
};

// What one probe of an account saw. Without secrets.
struct AccountReport {
  std::string target;  // as it was asked for
  std::string user;
  Security security = Security::kTls;
  int64_t unix_seconds = 0;  // when it began
  io::Duration took{};       // in all
  io::Duration timeout{};    // that it had

  std::vector<StepResult> steps = {};  // all of StepsOf, in that order

  std::string host = {};     // of the server in the end, which SRV may have named
  std::string address = {};  // with its port; empty: none was reached
  std::optional<Secured> secured = {};
  std::vector<std::string> capabilities = {};  // the lines of CAPA, before the login
  std::string login_way = {};                  // "AUTH PLAIN", "USER and PASS"
  std::optional<uint64_t> messages = {};       // by STAT
  std::optional<uint64_t> bytes = {};          // likewise
  std::optional<uint64_t> ids = {};            // a hash of all unique ids, in order
  std::optional<uint64_t> message_bytes = {};  // of the one that was read
  std::optional<uint64_t> message = {};        // a hash of its bytes

  const StepResult* Find(Step step) const {
    for (const StepResult& each : steps) {
      if (each.step == step) return &each;
    }
    return nullptr;
  }
};

// Whole days that the server's certificate is good for; nothing where none was seen. Negative: it
// has expired.
std::optional<int64_t> CertificateDays(const AccountReport& report);

}  // namespace poplar::account_probe
