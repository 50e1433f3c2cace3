#include "proxy/config/check_discovery.h"

#include <string_view>

#include "proxy/config/address_text.h"
#include "proxy/config/check_lookups.h"
#include "proxy/config/check_node_tls.h"
#include "proxy/config/quote.h"

namespace poplar::config {
namespace {

constexpr std::string_view kDnsForm = "a name and a port, such as mail.mail-ns.svc:110";
constexpr std::string_view kSrvForm = "a name such as _pop3._tcp.mail.example.org, without a port";

void CheckDns(const std::string& text, const std::string& path, Findings& findings) {
  if (text.empty() || findings.IsUnread(path)) return;
  const auto address = ParseHostPort(text);
  if (!address) {
    findings.Error(path, address.error(), std::string(kDnsForm));
  } else if (address->kind != HostPort::Kind::kName) {
    findings.Error(path, Quote(address->host) + " is an address: there is nothing to ask for",
                   "a name and a port, or nodes instead of discovery");
  } else if (address->port == 0) {
    findings.Error(path, Quote(text) + " cannot be connected to", std::string(kDnsForm));
  }
}

void CheckWhatIsAsked(const DiscoveryConfig& discovery, const std::string& path,
                      Findings& findings) {
  CheckDns(discovery.dns, path + ".dns", findings);
  if (!discovery.srv.empty() && !IsHostName(discovery.srv))
    findings.Error(path + ".srv", Quote(discovery.srv) + " is no name of a service",
                   std::string(kSrvForm));
  if (findings.IsUnread(path + ".dns") || findings.IsUnread(path + ".srv")) return;
  if (!discovery.enabled()) findings.Error(path, "there is nothing to ask for", "dns or srv");
  if (!discovery.dns.empty() && !discovery.srv.empty())
    findings.Error(path + ".srv", "dns asks for the nodes already", "one of dns and srv");
}

}  // namespace

void CheckDiscovery(const ClusterConfig& cluster, const std::string& cluster_path,
                    Findings& findings) {
  const std::string path = cluster_path + ".discovery";
  if (!findings.IsInFile(path) || findings.IsUnread(path)) return;
  const DiscoveryConfig& discovery = cluster.discovery;
  // As `poplar config` prints it.
  if (discovery == DiscoveryConfig() && !cluster.nodes.empty()) return;
  CheckWhatIsAsked(discovery, path, findings);
  CheckLookups({discovery.name_servers, discovery.ttl_min, discovery.ttl_max}, path, findings);
  if (!cluster.nodes.empty())
    findings.Error(path,
                   "the cluster has a list of nodes" + findings.AtLine(cluster_path + ".nodes"),
                   "nodes or discovery, not both");
  if (!cluster.shared_storage && !findings.IsUnread(cluster_path + ".shared_storage"))
    findings.Error(path,
                   "users of a node that leaves would find an empty mailbox at another, as "
                   "shared_storage is no",
                   "shared_storage: yes, or nodes");
  CheckNodeTls(discovery.node.all, path + ".node", findings);
}

}  // namespace poplar::config
