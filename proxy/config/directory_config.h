#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "proxy/config/field.h"

namespace poplar::config {

// A service that speaks nginx's auth_http.
struct HttpDirectoryConfig {
  std::vector<std::string> urls;
  std::string ca_file;
  std::string client_certificate;
  std::string client_key;
  std::vector<std::string> headers;
  int connections = 8;

  bool operator==(const HttpDirectoryConfig&) const = default;
};

template <class Visitor>
void Describe(Visitor& v, HttpDirectoryConfig& c) {
  v.Texts("urls", c.urls,
          {.help = "Where to ask, http:// or https://; each in turn while one doesn't answer."});
  v.Path("ca_file", c.ca_file,
         {.help = "PEM file with the CAs of https:// servers. Empty: the system's bundle."});
  v.Path("client_certificate", c.client_certificate,
         {.help = "PEM file with the certificate that Poplar shows. Empty: none."});
  v.Path("client_key", c.client_key,
         {.help = "PEM file with its private key. Empty: the certificate's file holds it too."});
  v.Texts("headers", c.headers,
          {.help = "Headers to send besides, such as `X-Auth-Key: secret` (nginx: "
                   "auth_http_header)."});
  v.Integer("connections", c.connections, {1, 1000},
            {.help = "Most connections to a server at once, of each worker; they are kept open."});
}

enum class LdapTls { kNone, kStartTls, kLdaps };
inline constexpr ChoiceName<LdapTls> kLdapTlsNames[] = {
    {LdapTls::kNone, "none"}, {LdapTls::kStartTls, "starttls"}, {LdapTls::kLdaps, "ldaps"}};

struct LdapDirectoryConfig {
  std::vector<std::string> servers;
  LdapTls tls = LdapTls::kStartTls;
  std::string ca_file;
  std::string bind_dn;
  std::string password_file;
  std::string base;
  std::string filter = "(mail=%u)";
  std::string place_attribute = "mailHost";
  std::string login_attribute;
  int connections = 4;

  bool operator==(const LdapDirectoryConfig&) const = default;
};

template <class Visitor>
void Describe(Visitor& v, LdapDirectoryConfig& c) {
  v.Texts("servers", c.servers,
          {.help = "Hosts and ports, such as ldap-1.internal:389; each in turn while one doesn't "
                   "answer."});
  v.Choice("tls", c.tls, kLdapTlsNames,
           {.help = "starttls: TLS on the plain port. ldaps: from the first byte, as on port 636. "
                    "none: in the clear. The server's name is verified."});
  v.Path("ca_file", c.ca_file,
         {.help = "PEM file with the CAs to trust. Empty: the system's bundle."});
  v.Text("bind_dn", c.bind_dn, {.help = "As whom to search. Empty: anonymously."});
  v.Path("password_file", c.password_file, {.help = "The file whose first line is its password."});
  v.Text("base", c.base, {.help = "Where in the tree to search, all below it included."});
  v.Text("filter", c.filter,
         {.help = "Whom to search: %u is the canonical name, %n its part before the @, %d its "
                  "domain."});
  v.Text("place_attribute", c.place_attribute,
         {.help = "Its value says where the user is: a cluster, cluster/node, or a node's "
                  "address."});
  v.Text("login_attribute", c.login_attribute,
         {.help = "Its value is the user's name at the node. Empty: as the client typed it."});
  v.Integer("connections", c.connections, {1, 64},
            {.help = "Searches at once; each has a thread and a connection that is kept."});
}

enum class DirectoryKind { kHttp, kLdap };
inline constexpr ChoiceName<DirectoryKind> kDirectoryKindNames[] = {{DirectoryKind::kHttp, "http"},
                                                                    {DirectoryKind::kLdap, "ldap"}};

struct DirectoryConfig {
  std::string name;
  DirectoryKind kind = DirectoryKind::kHttp;
  Duration timeout = std::chrono::seconds(5);
  Duration found_ttl = std::chrono::seconds(60);
  Duration unknown_ttl = std::chrono::seconds(5);
  Duration stale_ttl = std::chrono::hours(1);
  HttpDirectoryConfig http;
  LdapDirectoryConfig ldap;

  bool operator==(const DirectoryConfig&) const = default;
};

template <class Visitor>
void Describe(Visitor& v, DirectoryConfig& c) {
  v.Text("name", c.name,
         {.help = "The directory's name in logs, metrics and routes.",
          .required = true,
          .example = "auth"});
  v.Choice("kind", c.kind, kDirectoryKindNames,
           {.help = "http: a service that speaks nginx's auth_http. ldap: an LDAP server."});
  v.Time("timeout", c.timeout, {std::chrono::milliseconds(10), std::chrono::minutes(1)},
         {.help = "For one answer, all servers together; then what was known before counts, or "
                  "the login is told to try again later."});
  v.Time("found_ttl", c.found_ttl, {Duration(0), std::chrono::hours(24)},
         {.help = "How long an answer counts that says where a user is. An http directory's "
                  "counts for the very password only."});
  v.Time("unknown_ttl", c.unknown_ttl, {Duration(0), std::chrono::hours(1)},
         {.help = "How long an answer counts that says no."});
  v.Time("stale_ttl", c.stale_ttl, {Duration(0), std::chrono::hours(24 * 7)},
         {.help = "How long the last answer still counts while the directory can't be reached. "
                  "0: not at all."});
  v.Section("http", c.http, {.help = "With kind: http."});
  v.Section("ldap", c.ldap, {.help = "With kind: ldap."});
}

}  // namespace poplar::config
