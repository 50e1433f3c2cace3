#include "proxy/config/check_autoconfig.h"

#include <algorithm>
#include <set>
#include <string_view>

#include "proxy/config/address_text.h"
#include "proxy/config/autoconfig_names.h"
#include "proxy/config/quote.h"
#include "proxy/config/suggestion.h"

namespace poplar::config {
namespace {

constexpr size_t kDisplayNameBytesMax = 60;  // draft-ietf-mailmaint-pacc's bound

void CheckDomains(const AutoconfigConfig& autoconfig, Findings& findings) {
  const std::string path = "autoconfig.domains";
  if (autoconfig.domains.empty())
    findings.Error(path, "it isn't said whose clients are to be told",
                   "the domains of the users' mail addresses");
  std::set<std::string> seen;
  for (size_t i = 0; i < autoconfig.domains.size(); ++i) {
    const std::string& domain = autoconfig.domains[i];
    if (!IsHostName(domain) || domain.find('_') != std::string::npos) {
      findings.Error(ItemPath(path, i), Quote(domain) + " is no domain of mail addresses",
                     "a domain such as example.org");
    } else if (!seen.insert(LowerCase(domain)).second) {
      findings.Error(ItemPath(path, i), Quote(domain) + " stands there twice", "each domain once");
    }
  }
}

void CheckTexts(const AutoconfigConfig& autoconfig, Findings& findings) {
  if (!autoconfig.server.empty() && !IsHostName(autoconfig.server))
    findings.Error("autoconfig.server", Quote(autoconfig.server) + " is not a host name",
                   "a name such as pop.example.org");
  const std::string& name = autoconfig.display_name;
  const bool printable = std::all_of(name.begin(), name.end(), [](char c) {
    return static_cast<unsigned char>(c) >= 0x20 && c != 0x7f;
  });
  if (!printable || name.size() > kDisplayNameBytesMax)
    findings.Error("autoconfig.display_name", Quote(name) + " can't be shown by all clients",
                   std::to_string(kDisplayNameBytesMax) + " bytes at most, no control characters");
}

void CheckListen(const Config& config, Findings& findings) {
  const auto& listen = config.autoconfig.listen;
  for (size_t i = 0; i < listen.size(); ++i) {
    if (!listen[i].tls || !config.tls.certificates.empty() || findings.IsUnread("tls.certificates"))
      continue;
    findings.Error(ItemPath("autoconfig.listen", i) + ".tls",
                   "HTTPS needs a certificate, and tls.certificates has none",
                   "at least one entry in tls.certificates");
  }
}

void CheckPort(const ListenerConfig& listener, int said, const std::string& path,
               Findings& findings) {
  const auto address = ParseHostPort(listener.address);
  if (said != 0 || !address || address->port != 0) return;
  findings.Error(path,
                 "clients can't be told the port of listener " + Quote(listener.name) +
                     ", which takes any free one",
                 "a listener with a port, or a port in autoconfig.incoming");
}

void CheckIncoming(const Config& config, Findings& findings) {
  const std::string path = "autoconfig.incoming";
  if (findings.IsUnread("listeners")) return;
  std::vector<std::string_view> names;
  names.reserve(config.listeners.size());
  for (const ListenerConfig& listener : config.listeners) names.push_back(listener.name);
  const auto& incoming = config.autoconfig.incoming;
  for (size_t i = 0; i < incoming.size(); ++i) {
    const std::string item = ItemPath(path, i);
    const auto found = std::find(names.begin(), names.end(), incoming[i].listener);
    if (found == names.end()) {
      findings.Error(item + ".listener", "unknown listener " + Quote(incoming[i].listener),
                     "the name of a listener in listeners",
                     std::string(NearestWord(incoming[i].listener, names)));
    } else {
      CheckPort(config.listeners[static_cast<size_t>(found - names.begin())], incoming[i].port,
                item + ".port", findings);
    }
  }
  if (!incoming.empty() || findings.IsUnread(path)) return;
  const std::vector<AutoconfigIncomingConfig> told = ToldListeners(config);
  if (told.empty())
    findings.Error("autoconfig", "no listener has TLS, so there is none to tell clients of",
                   "a listener with tls: implicit, or one in autoconfig.incoming");
  for (const AutoconfigIncomingConfig& each : told) {
    const auto found = std::find(names.begin(), names.end(), each.listener);
    CheckPort(config.listeners[static_cast<size_t>(found - names.begin())], 0, "autoconfig",
              findings);
  }
}

void CheckOutgoing(const AutoconfigConfig& autoconfig, Findings& findings) {
  if (autoconfig.outgoing.empty()) {
    findings.Warning("autoconfig.outgoing",
                     "Thunderbird and Apple's devices take no settings without an SMTP server",
                     "the server by which users send");
  }
  for (size_t i = 0; i < autoconfig.outgoing.size(); ++i) {
    const AutoconfigOutgoingConfig& server = autoconfig.outgoing[i];
    const std::string path = ItemPath("autoconfig.outgoing", i);
    if (!IsHostName(server.host))
      findings.Error(path + ".host", Quote(server.host) + " is not a host name",
                     "a name such as smtp.example.org");
    if (server.security == OutgoingSecurity::kNone && server.login)
      findings.Warning(path + ".security", "users' passwords cross the network in the clear",
                       "security: tls or starttls");
  }
}

}  // namespace

void CheckAutoconfig(const Config& config, Findings& findings) {
  const AutoconfigConfig& autoconfig = config.autoconfig;
  if (autoconfig.listen.empty() && autoconfig.domains.empty()) return;
  CheckListen(config, findings);
  CheckDomains(autoconfig, findings);
  CheckTexts(autoconfig, findings);
  CheckIncoming(config, findings);
  CheckOutgoing(autoconfig, findings);
}

void CheckAutoconfigNames(const AutoconfigConfig& autoconfig,
                          const std::vector<std::string>& certificate_names, Findings& findings) {
  if (autoconfig.listen.empty() && autoconfig.domains.empty()) return;
  if (autoconfig.server.empty() && FirstHostName(certificate_names).empty()) {
    findings.Error("autoconfig.server",
                   "no certificate says by which host name clients reach Poplar",
                   "a host name in autoconfig.server");
  }
  const bool covered =
      std::any_of(certificate_names.begin(), certificate_names.end(),
                  [&](const std::string& name) { return Covers(name, autoconfig.server); });
  if (!autoconfig.server.empty() && !certificate_names.empty() && !covered) {
    findings.Warning(
        "autoconfig.server",
        "no certificate has the name " + Quote(autoconfig.server) + ", which clients will be told",
        "a name of a certificate in tls.certificates");
  }
}

}  // namespace poplar::config
