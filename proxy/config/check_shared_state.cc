#include "proxy/config/check_shared_state.h"

#include <algorithm>
#include <string>

#include "proxy/config/address_text.h"
#include "proxy/config/quote.h"

namespace poplar::config {
namespace {

constexpr size_t kPrefixBytesMax = 64;

}  // namespace

void CheckSharedState(const Config& config, Findings& findings) {
  const SharedStateConfig& shared = config.shared_state;
  if (!shared.enabled()) {
    if (!shared.password_file.empty())
      findings.Error("shared_state.password_file", "a password, but of no Redis", "redis");
    return;
  }
  const auto address = ParseHostPort(shared.redis);
  if (!address || address->port == 0 || address->IsWildcard()) {
    findings.Error("shared_state.redis",
                   !address ? address.error() : Quote(shared.redis) + " cannot be connected to",
                   "a host and a port, such as redis.internal:6379 or 192.0.2.1:6379");
  }
  const std::string& prefix = shared.prefix;
  const bool fit =
      !prefix.empty() && prefix.size() <= kPrefixBytesMax &&
      std::all_of(prefix.begin(), prefix.end(), [](char c) { return c > ' ' && c < 0x7f; });
  if (!fit) {
    findings.Error("shared_state.prefix", Quote(prefix) + " is no beginning of a key",
                   "1 to " + std::to_string(kPrefixBytesMax) + " printable characters, no blanks");
  }
}

}  // namespace poplar::config
