#pragma once

#include <string>
#include <vector>

#include "proxy/config/field.h"

// What mail clients are told that set themselves up.
namespace poplar::config {

struct AutoconfigListenConfig {
  std::string address;
  bool tls = false;

  bool operator==(const AutoconfigListenConfig&) const = default;
};

template <class Visitor>
void Describe(Visitor& v, AutoconfigListenConfig& c) {
  v.Text("address", c.address,
         {.help = "IP address and port to listen on. Clients know 80 and 443 alone; [::] takes "
                  "IPv4 as well.",
          .required = true,
          .example = "[::]:80"});
  v.Flag("tls", c.tls,
         {.help = "HTTPS, with tls.certificates; those of autoconfig.DOMAIN and "
                  "autodiscover.DOMAIN stand there too. Without it HTTP."});
}

struct AutoconfigIncomingConfig {
  std::string listener;
  int port = 0;

  bool operator==(const AutoconfigIncomingConfig&) const = default;
};

template <class Visitor>
void Describe(Visitor& v, AutoconfigIncomingConfig& c) {
  v.Text("listener", c.listener,
         {.help = "The name of one of the listeners.", .required = true, .example = "pop3s"});
  v.Integer("port", c.port, {0, 65535},
            {.help = "The port that clients connect to, where something in front of Poplar has "
                     "another one. 0: the listener's own."});
}

enum class OutgoingSecurity { kTls, kStartTls, kNone };
inline constexpr ChoiceName<OutgoingSecurity> kOutgoingSecurityNames[] = {
    {OutgoingSecurity::kTls, "tls"},
    {OutgoingSecurity::kStartTls, "starttls"},
    {OutgoingSecurity::kNone, "none"}};

struct AutoconfigOutgoingConfig {
  std::string host;
  int port = 465;
  OutgoingSecurity security = OutgoingSecurity::kTls;
  bool login = true;

  bool operator==(const AutoconfigOutgoingConfig&) const = default;
};

template <class Visitor>
void Describe(Visitor& v, AutoconfigOutgoingConfig& c) {
  v.Text("host", c.host,
         {.help = "The server's host name.", .required = true, .example = "smtp.example.org"});
  v.Integer("port", c.port, {1, 65535}, {.help = "Mostly 465 with tls, 587 with starttls."});
  v.Choice("security", c.security, kOutgoingSecurityNames,
           {.help = "tls: TLS from the first byte. starttls: on the client's word. none: "
                    "everything in the clear, passwords too."});
  v.Flag("login", c.login,
         {.help = "Whether users log in there, by the same name and password as here."});
}

enum class AutoconfigUserName { kAddress, kLocalPart };
inline constexpr ChoiceName<AutoconfigUserName> kAutoconfigUserNameNames[] = {
    {AutoconfigUserName::kAddress, "address"}, {AutoconfigUserName::kLocalPart, "local_part"}};

struct AutoconfigConfig {
  std::vector<AutoconfigListenConfig> listen;
  std::vector<std::string> domains;
  std::string server;
  std::string display_name;
  AutoconfigUserName user_name = AutoconfigUserName::kAddress;
  std::vector<AutoconfigIncomingConfig> incoming;
  std::vector<AutoconfigOutgoingConfig> outgoing;
  int connections = 1000;

  bool operator==(const AutoconfigConfig&) const = default;
};

template <class Visitor>
void Describe(Visitor& v, AutoconfigConfig& c) {
  v.List("listen", c.listen, {.help = "Where. Empty: clients are told nothing.", .live = false});
  v.Texts("domains", c.domains,
          {.help = "Domains of the users' mail addresses, such as example.org; clients of others "
                   "are told nothing. `poplar autoconfig dns` prints the DNS records that they "
                   "need."});
  v.Text("server", c.server,
         {.help = "The host name by which clients reach Poplar. Empty: the first one in "
                  "tls.certificates that is no wildcard."});
  v.Text("display_name", c.display_name,
         {.help = "What clients call the account, 60 bytes at most. Empty: the first domain."});
  v.Choice("user_name", c.user_name, kAutoconfigUserNameNames,
           {.help = "What users log in by: their mail address, or what stands before its @."});
  v.List("incoming", c.incoming,
         {.help = "Which listeners clients are told of, the best first; port, TLS and logins are "
                  "the listener's. Empty: all with TLS, those with tls: implicit first. One in the "
                  "clear is told of only if it stands here."});
  v.List("outgoing", c.outgoing,
         {.help = "The SMTP servers by which users send, the best first. Without one Thunderbird "
                  "and Apple's devices take no settings at all."});
  v.Integer("connections", c.connections, {1, 1'000'000},
            {.help = "Connections at once; more are closed. They count in limits.sessions and "
                     "admission, too.",
             .live = false});
}

}  // namespace poplar::config
