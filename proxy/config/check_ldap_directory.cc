#include "proxy/config/check_ldap_directory.h"

#include "proxy/config/ldap_filter_check.h"
#include "proxy/config/ldap_url.h"
#include "proxy/config/quote.h"

namespace poplar::config {
namespace {

using Scheme = LdapUrl::Scheme;

bool IsLoopback(const std::string& host) {
  return host == "localhost" || host == "::1" || host.starts_with("127.");
}

// Which kinds of URLs there are.
struct Schemes {
  bool ldap = false;
  bool ldaps = false;
};

Schemes CheckUrls(const LdapDirectoryConfig& ldap, const std::string& path, Findings& findings) {
  Schemes schemes;
  if (ldap.urls.empty()) findings.Error(path, "there is nobody to ask", "one URL at least");
  for (const std::string& text : ldap.urls) {
    const auto url = ParseLdapUrl(text);
    if (!url) {
      findings.Error(path, Quote(text) + " " + url.error(),
                     "a URL such as ldaps://ldap-1.example.org");
      continue;
    }
    schemes.ldap = schemes.ldap || url->scheme == Scheme::kLdap;
    schemes.ldaps = schemes.ldaps || url->scheme == Scheme::kLdaps;
    const bool tls = url->scheme == Scheme::kLdaps || ldap.start_tls;
    if (tls && url->host == "localhost") {
      findings.Warning(path,
                       Quote(text) +
                           ": libldap takes localhost for this machine's own name, "
                           "which the certificate must bear",
                       "127.0.0.1 or the machine's name");
    }
    const bool clear = url->scheme == Scheme::kLdap && !ldap.start_tls && !IsLoopback(url->host);
    if (clear && !ldap.password_file.empty()) {
      findings.Warning(path,
                       Quote(text) +
                           ": the password of bind_dn crosses the network in the "
                           "clear",
                       "ldaps://, or start_tls: yes");
    }
  }
  return schemes;
}

void CheckTls(const LdapDirectoryConfig& ldap, const Schemes& schemes, const std::string& path,
              Findings& findings) {
  if (ldap.start_tls && schemes.ldaps) {
    findings.Error(path + ".start_tls", "ldaps:// begins with TLS; there is nothing to start",
                   "ldap:// with start_tls: yes, or ldaps:// without");
  } else if (ldap.start_tls && !schemes.ldap) {
    findings.Warning(path + ".start_tls", "has no effect without ldap://");
  }
  const bool any_tls = schemes.ldaps || (ldap.start_tls && schemes.ldap);
  if (!any_tls && !ldap.ca_file.empty())
    findings.Warning(path + ".ca_file", "has no effect without ldaps:// or start_tls");
  if (ldap.client_certificate.empty() && !ldap.client_key.empty())
    findings.Error(path + ".client_key", "there is a key, but no client_certificate",
                   "both, or client_certificate alone with the key in its file");
}

void CheckBind(const LdapDirectoryConfig& ldap, const std::string& path, Findings& findings) {
  // A name with an empty password would be let in as nobody, without a word.
  if (!ldap.bind_dn.empty() && ldap.password_file.empty())
    findings.Error(path + ".bind_dn", "has no password", "password_file beside it, or neither");
  if (ldap.bind_dn.empty() && !ldap.password_file.empty())
    findings.Error(path + ".password_file", "there is a password, but no bind_dn",
                   "bind_dn beside it, or neither");
}

void CheckSearch(const LdapDirectoryConfig& ldap, const std::string& path, Findings& findings) {
  if (ldap.base.empty())
    findings.Error(path + ".base", "there is nowhere to look",
                   "an entry such as ou=people,dc=example,dc=org");
  if (const std::string why = WhyBadLdapFilter(ldap.filter); !why.empty())
    findings.Error(path + ".filter", Quote(ldap.filter) + " " + why,
                   "a filter such as (&(objectClass=inetOrgPerson)(mail=%u))");
  if (!IsLdapAttribute(ldap.place))
    findings.Error(path + ".place", Quote(ldap.place) + " is no attribute",
                   "a name such as mailHost");
  if (!ldap.login.empty() && !IsLdapAttribute(ldap.login))
    findings.Error(path + ".login", Quote(ldap.login) + " is no attribute", "a name such as uid");
}

}  // namespace

void CheckLdapDirectory(const LdapDirectoryConfig& ldap, const std::string& path,
                        Findings& findings) {
  if (findings.IsUnread(path + ".urls")) return;
  CheckTls(ldap, CheckUrls(ldap, path + ".urls", findings), path, findings);
  CheckBind(ldap, path, findings);
  CheckSearch(ldap, path, findings);
}

}  // namespace poplar::config
