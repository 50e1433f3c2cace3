#include "proxy/config/check_admission.h"

#include <algorithm>
#include <string>
#include <vector>

#include "proxy/config/address_text.h"
#include "proxy/config/network_text.h"
#include "proxy/config/quote.h"
#include "proxy/config/units.h"

namespace poplar::config {
namespace {

// A piece of an answer (16 KiB) may then wait for a second at most, which no client notices as
// silence.
constexpr Size kByteRateLeast = KiB(16);

void CheckNetworks(const std::vector<std::string>& networks, const std::string& path,
                   Findings& findings) {
  for (size_t i = 0; i < networks.size(); ++i) {
    const auto checked = CheckNetworkText(networks[i]);
    if (!checked) findings.Error(ItemPath(path, i), checked.error(), std::string(kNetworkForm));
  }
}

void CheckAccess(const AccessConfig& access, const std::string& path, Findings& findings) {
  CheckNetworks(access.allow, path + ".allow", findings);
  CheckNetworks(access.deny, path + ".deny", findings);
}

void CheckUsers(const std::vector<std::string>& users, const std::string& path,
                Findings& findings) {
  for (size_t i = 0; i < users.size(); ++i) {
    const std::string& user = users[i];
    const size_t at = user.rfind('@');
    const bool has_domain = at != std::string::npos;
    if (!user.empty() && (!has_domain || IsHostName(user.substr(at + 1)))) continue;
    findings.Error(ItemPath(path, i), Quote(user) + " is neither a user nor a domain",
                   "a user such as anna@example.org, or a domain such as @example.org");
  }
}

void CheckRetention(const RetentionConfig& retention, const std::string& path, Findings& findings) {
  CheckUsers(retention.allow_for, path + ".allow_for", findings);
  CheckUsers(retention.keep_for, path + ".keep_for", findings);
  CheckUsers(retention.deny_for, path + ".deny_for", findings);
}

void CheckLoginDelay(const Config& config, Findings& findings) {
  const LoginDelayConfig& delay = config.admission.login_delay;
  const std::string path = "admission.login_delay";
  if (!delay.enabled || findings.IsUnread(path + ".longest")) return;
  if (delay.longest < delay.first && !findings.IsUnread(path + ".first")) {
    findings.Error(path + ".longest",
                   "longest (" + FormatDuration(delay.longest) + ") is less than first (" +
                       FormatDuration(delay.first) + ")",
                   "longest of at least first");
  }
  // A shorter login deadline makes no mistake out of the default.
  if (delay.longest > config.timeouts.login / 2 && findings.IsInFile(path + ".longest") &&
      !findings.IsUnread("timeouts.login")) {
    findings.Warning(path + ".longest",
                     FormatDuration(delay.longest) + " is cut to half of timeouts.login (" +
                         FormatDuration(config.timeouts.login) + ")",
                     "less than half of timeouts.login");
  }
}

// A limit that a wider one keeps from ever being reached.
void CheckNested(int narrow, const char* narrow_name, int wide, const std::string& wide_path,
                 Findings& findings) {
  const std::string path = std::string("admission.") + narrow_name;
  if (narrow == 0 || wide == 0 || narrow <= wide) return;
  if (!findings.IsInFile(path) || findings.IsUnread(wide_path)) return;
  findings.Warning(
      path,
      std::to_string(narrow) + " is never reached: " + wide_path + " is " + std::to_string(wide),
      "less than " + wide_path);
}

}  // namespace

void CheckAdmission(const Config& config, Findings& findings) {
  const AdmissionConfig& admission = config.admission;
  CheckAccess(admission.access, "admission.access", findings);
  CheckNetworks(admission.trusted, "admission.trusted", findings);
  CheckNested(admission.connections_per_address, "connections_per_address",
              admission.connections_per_network, "admission.connections_per_network", findings);
  CheckNested(admission.unauthenticated_per_address, "unauthenticated_per_address",
              admission.connections_per_address, "admission.connections_per_address", findings);
  CheckNested(admission.unauthenticated, "unauthenticated", config.limits.sessions,
              "limits.sessions", findings);
  if (admission.byte_rate > Size{} && admission.byte_rate < kByteRateLeast) {
    findings.Error("admission.byte_rate",
                   FormatSize(admission.byte_rate) + " is too slow: clients would give up",
                   "at least " + FormatSize(kByteRateLeast) + ", or 0B for no limit");
  }
  CheckLoginDelay(config, findings);
  for (size_t i = 0; i < config.listeners.size(); ++i) {
    CheckAccess(config.listeners[i].access, ItemPath("listeners", i) + ".access", findings);
  }
  for (size_t i = 0; i < config.clusters.size(); ++i) {
    const std::string path = ItemPath("clusters", i);
    CheckAccess(config.clusters[i].access, path + ".access", findings);
    CheckRetention(config.clusters[i].retention, path + ".retention", findings);
  }
}

}  // namespace poplar::config
