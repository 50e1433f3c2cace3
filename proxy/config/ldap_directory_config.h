#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "proxy/config/field.h"

namespace poplar::config {

enum class LdapScope : uint8_t { kBase, kOne, kSubtree };
inline constexpr ChoiceName<LdapScope> kLdapScopeNames[] = {
    {LdapScope::kBase, "base"},
    {LdapScope::kOne, "one"},
    {LdapScope::kSubtree, "subtree"},
};

// An LDAP directory; it is asked for users, never told a password of theirs.
struct LdapDirectoryConfig {
  std::vector<std::string> urls;
  bool start_tls = false;
  std::string ca_file;
  std::string client_certificate;
  std::string client_key;
  std::string bind_dn;
  std::string password_file;
  std::string base;
  LdapScope scope = LdapScope::kSubtree;
  std::string filter = "(mail=%u)";
  std::string place = "mailHost";
  std::string login;
  int connections = 4;

  bool operator==(const LdapDirectoryConfig&) const = default;
};

template <class Visitor>
void Describe(Visitor& v, LdapDirectoryConfig& c) {
  v.Texts("urls", c.urls,
          {.help = "Where to ask: ldap://, ldaps:// or, for a Unix socket, ldapi:// with its path "
                   "(ldapi://%2frun%2fslapd%2fldapi). Each in turn while one doesn't answer."});
  v.Flag("start_tls", c.start_tls, {.help = "TLS by StartTLS with ldap:// servers, or no word."});
  v.Path("ca_file", c.ca_file,
         {.help = "PEM file with the CAs of the servers. Empty: the system's bundle."});
  v.Path("client_certificate", c.client_certificate,
         {.help = "PEM file with the certificate that Poplar shows. Empty: none."});
  v.Path("client_key", c.client_key,
         {.help = "PEM file with its private key. Empty: the certificate's file holds it too."});
  v.Text("bind_dn", c.bind_dn,
         {.help = "As whom to ask (simple bind). It needs to read entries, and no more. Empty: as "
                  "nobody."});
  v.Path("password_file", c.password_file,
         {.help = "The file whose first line is the password of bind_dn. It is read anew for each "
                  "new connection; while it can't be read, the password from before counts."});
  v.Text("base", c.base,
         {.help = "The entry below which users are, such as ou=people,dc=example,dc=org."});
  v.Choice("scope", c.scope, kLdapScopeNames,
           {.help = "How far below: everywhere (subtree), right below it (one), base alone."});
  v.Text("filter", c.filter,
         {.help = "Which entry is a user's. %u is the user's canonical name, %n what stands before "
                  "its last @, %d what stands behind it; %% is a percent sign."});
  v.Text("place", c.place,
         {.help = "The attribute that says where the user is: a cluster, cluster/node, a node's "
                  "address (host:port), or its host alone if no other node is on it. Host names "
                  "are compared with those of nodes, not looked up. Who has none is a matter of "
                  "the next rules."});
  v.Text("login", c.login,
         {.help = "The attribute with the user's name at the node; who has none logs in as typed. "
                  "Empty: everybody does."});
  v.Integer("connections", c.connections, {1, 64},
            {.help = "How many questions are asked at once, of all workers together: each has a "
                     "thread and a connection, which is kept."});
}

}  // namespace poplar::config
