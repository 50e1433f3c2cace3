#include "proxy/server/build_ldap.h"

#include <memory>
#include <utility>

#include "proxy/config/password_file.h"
#include "proxy/config/quote.h"
#include "proxy/directory/ldap_connection.h"
#include "proxy/directory/ldap_password.h"

namespace poplar::server {
namespace {

directory::LdapScope ScopeOf(config::LdapScope scope) {
  switch (scope) {
    case config::LdapScope::kBase:
      return directory::LdapScope::kBase;
    case config::LdapScope::kOne:
      return directory::LdapScope::kOne;
    case config::LdapScope::kSubtree:
      break;
  }
  return directory::LdapScope::kSubtree;
}

tl::expected<pop3::Secret, std::string> ReadPassword(const std::string& file) {
  auto password = config::ReadPasswordFile(file);
  if (!password)
    return tl::unexpected("password_file " + config::Quote(file) + " " + password.error());
  pop3::Secret secret(*password);
  pop3::Wipe(password->data(), password->size());
  return secret;
}

}  // namespace

tl::expected<directory::LdapSettings, std::string> BuildLdap(const config::DirectoryConfig& from) {
  const config::LdapDirectoryConfig& ldap = from.ldap;
  directory::LdapSettings settings{.name = from.name,
                                   .urls = ldap.urls,
                                   .start_tls = ldap.start_tls,
                                   .ca_file = ldap.ca_file,
                                   .client_certificate = ldap.client_certificate,
                                   .client_key = ldap.client_key,
                                   .bind_dn = ldap.bind_dn,
                                   .base = ldap.base,
                                   .scope = ScopeOf(ldap.scope),
                                   .filter = ldap.filter,
                                   .place_attribute = ldap.place,
                                   .login_attribute = ldap.login,
                                   .timeout = from.timeout,
                                   .connections = static_cast<size_t>(ldap.connections)};
  if (!ldap.password_file.empty()) {
    auto password = ReadPassword(ldap.password_file);
    if (!password) return tl::unexpected(password.error());
    settings.password = std::make_unique<directory::LdapPassword>(
        [file = ldap.password_file] { return ReadPassword(file); }, std::move(*password));
  }
  directory::LdapConnection::PrepareLibrary();
  if (const std::string why = directory::LdapConnection::PrepareTls(settings); !why.empty())
    return tl::unexpected(why);
  return settings;
}

}  // namespace poplar::server
