#include "proxy/config/check_downstream.h"

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "proxy/config/field_text.h"
#include "proxy/config/network_text.h"
#include "proxy/config/quote.h"
#include "proxy/config/suggestion.h"

namespace poplar::config {
namespace {

// fetchmail reads CAPA's lines into 64 bytes.
constexpr size_t kCapabilityBytesMax = 61;

void CheckListenerTls(const Config& config, const ListenerConfig& listener, const std::string& path,
                      Findings& findings) {
  if (findings.IsUnread(path + ".tls")) return;
  const bool implicit = listener.tls == ListenerTls::kImplicit;
  if (listener.tls != ListenerTls::kNone) {
    if (config.tls.certificates.empty() && !findings.IsUnread("tls.certificates")) {
      findings.Error(path + ".tls",
                     std::string(implicit ? "tls: implicit" : "tls: stls") +
                         " needs a certificate, and tls.certificates has none",
                     "at least one entry in tls.certificates");
    }
    if (implicit && !listener.require_tls) {
      findings.Warning(path + ".require_tls", "has no effect with tls: implicit");
    }
  } else if (listener.require_tls) {
    findings.Error(findings.IsUnread(path + ".require_tls") ? path + ".require_tls" : path + ".tls",
                   "with tls: none passwords cross the network in the clear",
                   "tls: implicit or stls, or require_tls: no if that is really wanted");
  }
}

void CheckListenerCluster(const Config& config, const ListenerConfig& listener,
                          const std::string& path, Findings& findings) {
  if (listener.cluster.empty() || findings.IsUnread("clusters")) return;
  std::vector<std::string_view> names;
  for (size_t i = 0; i < config.clusters.size(); ++i) {
    // It may be the very one that the listener means.
    if (findings.IsUnread(ItemPath("clusters", i) + ".name")) return;
    names.push_back(config.clusters[i].name);
  }
  if (std::find(names.begin(), names.end(), listener.cluster) != names.end()) return;
  findings.Error(path + ".cluster", "unknown cluster " + Quote(listener.cluster),
                 "the name of a cluster in clusters",
                 std::string(NearestWord(listener.cluster, names)));
}

void CheckLogins(const ListenerConfig& listener, const std::string& path, Findings& findings) {
  for (size_t i = 0; i < listener.logins.size(); ++i) {
    const std::string item = ItemPath(path, i);
    if (findings.IsUnread(item)) continue;
    const auto known =
        std::find(std::begin(kLoginNames), std::end(kLoginNames), listener.logins[i]);
    if (known != std::end(kLoginNames)) continue;
    findings.Error(item, Quote(listener.logins[i]) + " is no way to log in that Poplar knows",
                   DescribeChoice(kLoginNames),
                   std::string(NearestWord(listener.logins[i], kLoginNames)));
  }
}

void CheckNetworks(const std::vector<std::string>& networks, const std::string& path,
                   Findings& findings) {
  for (size_t i = 0; i < networks.size(); ++i) {
    const std::string item = ItemPath(path, i);
    if (findings.IsUnread(item)) continue;
    const auto checked = CheckNetworkText(networks[i]);
    if (!checked) findings.Error(item, checked.error(), std::string(kNetworkForm));
  }
}

bool IsPrintable(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c >= 0x20 && c < 0x7f; });
}

void CheckCapabilities(const CapabilitiesConfig& capabilities, const std::string& path,
                       Findings& findings) {
  for (size_t i = 0; i < capabilities.add.size(); ++i) {
    const std::string& line = capabilities.add[i];
    const bool good = !line.empty() && line.size() <= kCapabilityBytesMax && IsPrintable(line) &&
                      line.front() != '.' && line.front() != ' ';
    if (good) continue;
    findings.Error(ItemPath(path + ".add", i), Quote(line) + " can't be a line of CAPA",
                   "1 to " + std::to_string(kCapabilityBytesMax) +
                       " printable ASCII characters, the first neither a dot nor a blank");
  }
  for (size_t i = 0; i < capabilities.remove.size(); ++i) {
    const std::string& keyword = capabilities.remove[i];
    if (!keyword.empty() && keyword.find(' ') == std::string::npos) continue;
    findings.Error(ItemPath(path + ".remove", i), Quote(keyword) + " is not a keyword",
                   "the first word of the line that CAPA is to leave out");
  }
}

void CheckClientCertificates(const TlsConfig& tls, Findings& findings) {
  const bool off = tls.client_certificates == ClientCertificates::kOff;
  if (findings.IsUnread("tls.client_certificates")) return;
  if (!off && tls.client_ca_file.empty()) {
    findings.Error("tls.client_certificates", "it isn't said whose certificates clients may show",
                   "tls.client_ca_file");
  }
  if (off && !tls.client_ca_file.empty()) {
    findings.Warning("tls.client_ca_file", "has no effect with client_certificates: off");
  }
}

}  // namespace

void CheckDownstream(const Config& config, Findings& findings) {
  for (size_t i = 0; i < config.listeners.size(); ++i) {
    const std::string path = ItemPath("listeners", i);
    const ListenerConfig& listener = config.listeners[i];
    CheckListenerTls(config, listener, path, findings);
    CheckListenerCluster(config, listener, path, findings);
    CheckLogins(listener, path + ".logins", findings);
    CheckNetworks(listener.proxy_protocol_from, path + ".proxy_protocol_from", findings);
    CheckNetworks(listener.xclient_from, path + ".xclient_from", findings);
    CheckCapabilities(listener.capabilities, path + ".capabilities", findings);
  }
  CheckClientCertificates(config.tls, findings);
}

}  // namespace poplar::config
