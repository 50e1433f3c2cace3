#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "proxy/config/field.h"
#include "proxy/config/ldap_directory_config.h"

namespace poplar::config {

// A service that speaks nginx's auth_http.
struct HttpDirectoryConfig {
  std::vector<std::string> urls;
  std::string ca_file;
  std::string client_certificate;
  std::string client_key;
  std::vector<std::string> headers;
  int connections = 8;
  std::vector<std::string> name_servers;
  Duration ttl_min = std::chrono::seconds(5);
  Duration ttl_max = std::chrono::minutes(5);

  bool operator==(const HttpDirectoryConfig&) const = default;
};

template <class Visitor>
void Describe(Visitor& v, HttpDirectoryConfig& c) {
  v.Texts(
      "urls", c.urls,
      {.help = "Where to ask, http:// or https://; each in turn while one doesn't answer. A host "
               "name is looked up while Poplar runs, and its addresses are tried in turn, IPv4 "
               "first; a server whose name can't be found counts as down."});
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
  constexpr Bounds<Duration> kTtl = {std::chrono::milliseconds(100), std::chrono::hours(24)};
  v.Texts("name_servers", c.name_servers,
          {.help = "Whom to ask for host names in urls, as IP addresses, with or without a port. "
                   "Empty: as every program does, /etc/hosts first, then those of "
                   "/etc/resolv.conf."});
  v.Time("ttl_min", c.ttl_min, kTtl,
         {.help = "A name's addresses count for as long as their TTL says, but no shorter; and "
                  "after a failure it is asked for again no sooner. Without a good answer the "
                  "addresses known stay."});
  v.Time("ttl_max", c.ttl_max, kTtl, {.help = "And no longer."});
}

struct DirectoryConfig {
  std::string name;
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
  v.Time("timeout", c.timeout, {std::chrono::milliseconds(10), std::chrono::minutes(1)},
         {.help = "For one answer, all servers together, of which each may take an equal part of "
                  "what is left; then what was known before counts, or the login is told to try "
                  "again later."});
  v.Time("found_ttl", c.found_ttl, {Duration(0), std::chrono::hours(24)},
         {.help = "How long an answer counts that says where a user is; one of http for the same "
                  "password only."});
  v.Time("unknown_ttl", c.unknown_ttl, {Duration(0), std::chrono::hours(1)},
         {.help = "How long an answer counts that says no."});
  v.Time("stale_ttl", c.stale_ttl, {Duration(0), std::chrono::hours(24 * 7)},
         {.help = "How long the last answer still counts while the directory can't be reached. "
                  "0: not at all."});
  v.Section(
      "http", c.http,
      {.help = "A service that speaks the protocol of nginx's auth_http. It is told the password, "
               "and may check it. Where the user is it says by Auth-Server and Auth-Port: a node's "
               "address, "
               "or its host without a port if no other node is on it (host names are compared with "
               "those of nodes, not looked up); or by Auth-Cluster: a cluster, or cluster/node."});
  v.Section("ldap", c.ldap, {.help = "Or, instead of it, an LDAP directory (LDAPv3)."});
}

}  // namespace poplar::config
