#include "proxy/config/check_directories.h"

#include <algorithm>
#include <string>

#include "proxy/config/address_text.h"
#include "proxy/config/check_ldap_directory.h"
#include "proxy/config/check_lookups.h"
#include "proxy/config/http_url.h"
#include "proxy/config/positions.h"
#include "proxy/config/quote.h"

namespace poplar::config {
namespace {

bool IsLoopback(const std::string& host) {
  return host == "localhost" || host == "::1" || host.starts_with("127.");
}

void CheckHttp(const HttpDirectoryConfig& http, const std::string& path, Findings& findings) {
  const std::string urls_path = path + ".urls";
  if (findings.IsUnread(urls_path)) return;
  if (http.urls.empty()) findings.Error(urls_path, "there is nobody to ask", "one URL at least");
  bool any_tls = false;
  bool any_name = false;
  for (const std::string& text : http.urls) {
    const auto url = ParseHttpUrl(text);
    if (!url) {
      findings.Error(urls_path, Quote(text) + " " + url.error(),
                     "a URL such as http://127.0.0.1:8080/auth");
      continue;
    }
    any_tls = any_tls || url->tls;
    any_name = any_name || !IsIpAddress(url->host);
    if (!url->tls && !IsLoopback(url->host)) {
      findings.Warning(urls_path, Quote(text) + ": passwords cross the network in the clear",
                       "https://");
    }
  }
  if (!any_name && !http.name_servers.empty())
    findings.Warning(path + ".name_servers", "has no effect: no URL has a host name");
  if (!any_tls && !http.ca_file.empty())
    findings.Warning(path + ".ca_file", "has no effect without https://");
  CheckLookups({http.name_servers, http.ttl_min, http.ttl_max}, path, findings);
  if (http.client_certificate.empty() && !http.client_key.empty())
    findings.Error(path + ".client_key", "there is a key, but no client_certificate",
                   "both, or client_certificate alone with the key in its file");
  for (const std::string& header : http.headers) {
    if (!IsHeaderLine(header))
      findings.Error(path + ".headers", Quote(header) + " is no header",
                     "a line such as `X-Auth-Key: secret`");
  }
}

// Who has URLs is meant: `poplar config` prints the section without them too.
void CheckDirectory(const DirectoryConfig& directory, const std::string& path, Findings& findings) {
  const bool has_http = !directory.http.urls.empty();
  const bool has_ldap = !directory.ldap.urls.empty();
  const bool http_in_file = findings.IsInFile(path + ".http");
  const bool ldap_in_file = findings.IsInFile(path + ".ldap");
  if (has_http && has_ldap) findings.Error(path, "is of two kinds", "one of http and ldap");
  if (!http_in_file && !ldap_in_file)
    findings.Error(path, "says nothing of how to ask", "one of http and ldap");
  if (has_http || (http_in_file && !ldap_in_file))
    CheckHttp(directory.http, path + ".http", findings);
  if (has_ldap || (ldap_in_file && !has_http))
    CheckLdapDirectory(directory.ldap, path + ".ldap", findings);
}

}  // namespace

bool IsHeaderLine(std::string_view text) {
  const size_t colon = text.find(':');
  if (colon == text.npos || colon == 0) return false;
  const auto name = text.substr(0, colon);
  return std::all_of(name.begin(), name.end(),
                     [](char c) {
                       return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                              (c >= '0' && c <= '9') || c == '-' || c == '_';
                     }) &&
         std::all_of(text.begin(), text.end(), [](char c) {
           const auto byte = static_cast<unsigned char>(c);
           return byte >= 0x20 && byte != 0x7f;
         });
}

void CheckDirectories(const Config& config, Findings& findings) {
  for (size_t i = 0; i < config.directories.size(); ++i)
    CheckDirectory(config.directories[i], ItemPath("directories", i), findings);
}

}  // namespace poplar::config
