#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "proxy/config/admission_config.h"
#include "proxy/config/field.h"

namespace poplar::config {

enum class ListenerTls { kImplicit, kStls, kNone };
inline constexpr ChoiceName<ListenerTls> kListenerTlsNames[] = {
    {ListenerTls::kImplicit, "implicit"},
    {ListenerTls::kStls, "stls"},
    {ListenerTls::kNone, "none"}};

// The ways to log in, as `logins` names them: USER is USER and PASS, all others are SASL's.
inline constexpr std::string_view kLoginNames[] = {
    "USER", "PLAIN", "LOGIN", "XOAUTH2", "OAUTHBEARER", "EXTERNAL", "SCRAM-SHA-256", "SCRAM-SHA-1"};

// What CAPA says is made from what the nodes offer and what the listener allows; this changes it.
struct CapabilitiesConfig {
  std::vector<std::string> add;
  std::vector<std::string> remove;

  bool operator==(const CapabilitiesConfig&) const = default;
};

template <class Visitor>
void Describe(Visitor& v, CapabilitiesConfig& c) {
  v.Texts("add", c.add,
          {.help = "Lines that CAPA says in addition, such as EXPIRE NEVER; each of at most 61 "
                   "bytes, since there are clients that take no more."});
  v.Texts("remove", c.remove,
          {.help = "Keywords whose lines CAPA leaves out, such as IMPLEMENTATION. What Poplar does "
                   "is not changed by it, but for UTF8 and LANG, which it then refuses."});
}

enum class UnknownCommands { kPass, kRefuse };
inline constexpr ChoiceName<UnknownCommands> kUnknownCommandsNames[] = {
    {UnknownCommands::kPass, "pass"}, {UnknownCommands::kRefuse, "refuse"}};

struct ListenerConfig {
  std::string name;
  std::string address;
  ListenerTls tls = ListenerTls::kImplicit;
  bool require_tls = true;
  std::vector<std::string> logins;  // empty: all
  std::vector<std::string> proxy_protocol_from;
  std::vector<std::string> xclient_from;
  UnknownCommands unknown_commands = UnknownCommands::kPass;
  CapabilitiesConfig capabilities;
  std::string cluster;
  std::string default_domain = {};
  AccessConfig access = {};

  bool operator==(const ListenerConfig&) const = default;
};

template <class Visitor>
void Describe(Visitor& v, ListenerConfig& c) {
  v.Text(
      "name", c.name,
      {.help = "The listener's name in logs and metrics.", .required = true, .example = "pop3s"});
  v.Text(
      "address", c.address,
      {.help =
           "IP address and port to listen on. [::] takes IPv4 as well; port 0 takes any free port.",
       .required = true,
       .example = "[::]:995",
       .live = false});
  v.Choice("tls", c.tls, kListenerTlsNames,
           {.help = "implicit: TLS from the first byte, as on port 995. stls: TLS on the client's "
                    "word (STLS), as on port 110. none: everything in the clear, passwords too."});
  v.Flag("require_tls", c.require_tls,
         {.help = "Whether nobody may log in before TLS is up. Must be no for a listener with tls: "
                  "none, which would otherwise invite passwords in the clear unnoticed."});
  v.Texts("logins", c.logins,
          {.help = "The ways to log in that are open to clients, where the nodes have them too. "
                   "Empty: all of "
                   "USER (USER and PASS), PLAIN, LOGIN, XOAUTH2, OAUTHBEARER, EXTERNAL (a client "
                   "certificate; needs tls.client_certificates and a cluster's master_user), "
                   "SCRAM-SHA-256, SCRAM-SHA-1. APOP, CRAM-MD5 and NTLM are impossible: the "
                   "server's part of them needs the password, or comes before the user's name."});
  v.Texts("proxy_protocol_from", c.proxy_protocol_from,
          {.help = "Networks of load balancers, such as 192.0.2.0/24, whose connections begin with "
                   "a PROXY protocol header (version 1 or 2) that names the client. They must send "
                   "it; connections from elsewhere have none."});
  v.Texts("xclient_from", c.xclient_from,
          {.help = "Networks of other proxies, Dovecot's or Poplar's, that may say by XCLIENT for "
                   "which client they speak. A login that has come through too many of them (a "
                   "loop) is refused."});
  v.Choice("unknown_commands", c.unknown_commands, kUnknownCommandsNames,
           {.help = "What becomes of commands after login that Poplar doesn't know. pass: they are "
                    "relayed, and from there on the session is relayed blind: not measured, parked "
                    "or resumed. refuse: -ERR, and the session stays understood."});
  v.Section("capabilities", c.capabilities, {.help = "Changes to what CAPA says."});
  v.Text("cluster", c.cluster,
         {.help = "The cluster of this listener's users whom no route fits. Empty: the first "
                  "one."});
  v.Text("default_domain", c.default_domain,
         {.help = "Completes names without a domain instead of user_names.default_domain. Empty: "
                  "that one does."});
  v.Section("access", c.access, {.help = "Clients of this listener, besides admission.access."});
}

struct CertificateConfig {
  std::string certificate;
  std::string key;

  bool operator==(const CertificateConfig&) const = default;
};

template <class Visitor>
void Describe(Visitor& v, CertificateConfig& c) {
  v.Path("certificate", c.certificate,
         {.help = "PEM file: the certificate, then its chain.",
          .required = true,
          .example = "/etc/poplar/tls/fullchain.pem"});
  v.Path("key", c.key,
         {.help = "PEM file with the private key. Empty: the certificate's file holds it too.",
          .example = "/etc/poplar/tls/key.pem"});
}

enum class TlsVersion { k12, k13 };
inline constexpr ChoiceName<TlsVersion> kTlsVersionNames[] = {{TlsVersion::k12, "1.2"},
                                                              {TlsVersion::k13, "1.3"}};

enum class ClientCertificates { kOff, kOptional, kRequired };
inline constexpr ChoiceName<ClientCertificates> kClientCertificatesNames[] = {
    {ClientCertificates::kOff, "off"},
    {ClientCertificates::kOptional, "optional"},
    {ClientCertificates::kRequired, "required"}};

enum class ClientName { kEmail, kCommonName };
inline constexpr ChoiceName<ClientName> kClientNameNames[] = {
    {ClientName::kEmail, "email"}, {ClientName::kCommonName, "common_name"}};

// TLS towards clients.
struct TlsConfig {
  std::vector<CertificateConfig> certificates;
  TlsVersion min_version = TlsVersion::k12;
  bool session_tickets = true;
  std::string ticket_key_file;
  ClientCertificates client_certificates = ClientCertificates::kOff;
  std::string client_ca_file;
  ClientName client_name = ClientName::kEmail;

  bool operator==(const TlsConfig&) const = default;
};

template <class Visitor>
void Describe(Visitor& v, TlsConfig& c) {
  v.List("certificates", c.certificates,
         {.help = "Chosen by the name that the client asks for (SNI) and by what it can verify, so "
                  "ECDSA and RSA "
                  "certificates may stand side by side. The first serves clients that ask for no "
                  "known name.",
          .in_example = true});
  v.Choice("min_version", c.min_version, kTlsVersionNames,
           {.help = "The oldest TLS version that clients may use."});
  v.Flag("session_tickets", c.session_tickets,
         {.help = "Lets a returning client resume its TLS session: a cheaper handshake. Without "
                  "effect where clients are asked for certificates."});
  v.Path("ticket_key_file", c.ticket_key_file,
         {.help = "The file with the keys that seal these sessions, the same for all replicas, so "
                  "that a client resumes at whichever it lands. As HAProxy's tls-ticket-keys: a "
                  "line a key, base64 of 48 or 80 random bytes (openssl rand -base64 80), the "
                  "oldest first. The last but one seals, all open: to rotate, drop the first line "
                  "and append a new one. Read anew when it changes. Whoever has it can read "
                  "recorded sessions: only Poplar's user should. Empty: a key of this process's "
                  "own."});
  v.Choice("client_certificates", c.client_certificates, kClientCertificatesNames,
           {.help = "Whether clients are asked for a certificate. optional: those that show one "
                    "may log in with AUTH EXTERNAL. required: nobody else gets in."});
  v.Path("client_ca_file", c.client_ca_file,
         {.help = "PEM file with the CAs whose certificates clients may show. Needed unless "
                  "client_certificates is off."});
  v.Choice("client_name", c.client_name, kClientNameNames,
           {.help = "What in a client's certificate is its user: email (subjectAltName's, else the "
                    "subject's) or the subject's common_name."});
}

}  // namespace poplar::config
