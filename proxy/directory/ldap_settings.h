#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "proxy/directory/ldap_password.h"
#include "proxy/io/clock.h"

namespace poplar::directory {

enum class LdapScope : uint8_t { kBase, kOne, kSubtree };

struct LdapSettings {
  std::string name;                // the directory's, in texts for the log
  std::vector<std::string> urls;   // ldap://, ldaps://, ldapi://
  bool start_tls = false;          // with ldap:// servers
  std::string ca_file;             // PEM
  std::string client_certificate;  // PEM; empty: none
  std::string client_key;          // PEM
  // libldap's, made of them by LdapConnection::PrepareTls; null: no server has TLS.
  void* tls_context = nullptr;
  std::string bind_dn;                     // empty: as nobody
  std::unique_ptr<LdapPassword> password;  // of bind_dn; null: as nobody
  std::string base;
  LdapScope scope = LdapScope::kSubtree;
  std::string filter;  // with %u, %n and %d in its values
  std::string place_attribute;
  std::string login_attribute;  // empty: nobody has a name of his own at the node
  io::Duration timeout = std::chrono::seconds(5);
  size_t connections = 4;
};

}  // namespace poplar::directory
