#pragma once

#include <string>
#include <vector>

#include "proxy/config/admission_config.h"
#include "proxy/config/field.h"

namespace poplar::config {

enum class ListenerTls { kImplicit, kNone };
inline constexpr ChoiceName<ListenerTls> kListenerTlsNames[] = {
    {ListenerTls::kImplicit, "implicit"}, {ListenerTls::kNone, "none"}};

struct ListenerConfig {
  std::string name;
  std::string address;
  ListenerTls tls = ListenerTls::kImplicit;
  bool allow_cleartext_passwords = false;
  std::string cluster;
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
       .example = "[::]:995"});
  v.Choice("tls", c.tls, kListenerTlsNames,
           {.help = "implicit: TLS from the first byte, as on port 995. none: everything in the "
                    "clear, passwords too."});
  v.Flag("allow_cleartext_passwords", c.allow_cleartext_passwords,
         {.help = "Must be yes for a listener with tls: none, which would otherwise invite "
                  "passwords in the clear "
                  "unnoticed."});
  v.Text("cluster", c.cluster,
         {.help = "The cluster that serves this listener's users. Empty: the first one."});
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

// TLS towards clients.
struct TlsConfig {
  std::vector<CertificateConfig> certificates;
  TlsVersion min_version = TlsVersion::k12;
  bool session_tickets = true;

  bool operator==(const TlsConfig&) const = default;
};

template <class Visitor>
void Describe(Visitor& v, TlsConfig& c) {
  v.List("certificates", c.certificates,
         {.help = "Chosen by the name that the client asks for (SNI) and by what it can verify, so "
                  "ECDSA and RSA "
                  "certificates may stand side by side. The first serves clients that ask for no "
                  "known name."});
  v.Choice("min_version", c.min_version, kTlsVersionNames,
           {.help = "The oldest TLS version that clients may use."});
  v.Flag("session_tickets", c.session_tickets,
         {.help = "Lets a returning client resume its TLS session: a cheaper handshake."});
}

}  // namespace poplar::config
