#include "proxy/config/check_node_tls.h"

#include "proxy/config/address_text.h"
#include "proxy/config/quote.h"

namespace poplar::config {
namespace {

void CheckTrust(const NodeConfig& node, const std::string& path, Findings& findings) {
  if (findings.IsUnread(path + ".tls")) return;
  if (!node.ca_file.empty() && node.tls != NodeTls::kVerify) {
    findings.Warning(path + ".ca_file", "has no effect without tls: verify");
  }
  if (node.host_name.empty()) return;
  if (node.tls == NodeTls::kNone) {
    findings.Warning(path + ".host_name", "has no effect with tls: none");
  }
  if (!IsHostName(node.host_name) && !IsIpAddress(node.host_name)) {
    findings.Error(path + ".host_name", Quote(node.host_name) + " is not a host name",
                   "a name such as mail-1.example.org, without a port");
  }
}

void CheckStart(const NodeConfig& node, const std::string& path, Findings& findings) {
  if (findings.IsUnread(path + ".tls")) return;
  const bool secure = node.tls != NodeTls::kNone;
  if (!secure && node.tls_start != NodeTlsStart::kImplicit)
    findings.Error(path + ".tls_start", "tls_start: stls with tls: none starts nothing",
                   "tls: verify, or no tls_start");
  if (!secure && !node.client_certificate.empty())
    findings.Warning(path + ".client_certificate", "has no effect with tls: none",
                     "tls: verify, or no client_certificate");
  if (node.client_certificate.empty() && !node.client_key.empty() &&
      !findings.IsUnread(path + ".client_certificate"))
    findings.Error(path + ".client_key", "there is a key, but no client_certificate",
                   "both, or client_certificate alone with the key in its file");
}

}  // namespace

void CheckNodeTls(const NodeConfig& node, const std::string& path, Findings& findings) {
  CheckTrust(node, path, findings);
  CheckStart(node, path, findings);
}

}  // namespace poplar::config
