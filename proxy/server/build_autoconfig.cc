#include "proxy/server/build_autoconfig.h"

#include <algorithm>
#include <utility>

#include "proxy/config/address_text.h"
#include "proxy/config/autoconfig_names.h"
#include "proxy/tls/certificate.h"

namespace poplar::server {
namespace {

using autoconfig::MailServer;
using autoconfig::Proof;
using autoconfig::Security;

Security SecurityOf(config::ListenerTls tls) {
  switch (tls) {
    case config::ListenerTls::kImplicit:
      return Security::kTls;
    case config::ListenerTls::kStls:
      return Security::kStartTls;
    case config::ListenerTls::kNone:
      return Security::kNone;
  }
  return Security::kNone;
}

Security SecurityOf(config::OutgoingSecurity security) {
  switch (security) {
    case config::OutgoingSecurity::kTls:
      return Security::kTls;
    case config::OutgoingSecurity::kStartTls:
      return Security::kStartTls;
    case config::OutgoingSecurity::kNone:
      return Security::kNone;
  }
  return Security::kNone;
}

// Passwords unless the listener takes none: what else is open by default needs more than a client
// can be told here.
std::vector<Proof> ProofsOf(const std::vector<std::string>& logins) {
  if (logins.empty()) return {Proof::kPassword};
  const auto any_of = [&](std::initializer_list<std::string_view> names) {
    return std::find_first_of(logins.begin(), logins.end(), names.begin(), names.end()) !=
           logins.end();
  };
  std::vector<Proof> proofs;
  if (any_of({"USER", "PLAIN", "LOGIN"})) proofs.push_back(Proof::kPassword);
  if (any_of({"SCRAM-SHA-256", "SCRAM-SHA-1"})) proofs.push_back(Proof::kChallengeResponse);
  if (any_of({"XOAUTH2", "OAUTHBEARER"})) proofs.push_back(Proof::kToken);
  if (any_of({"EXTERNAL"})) proofs.push_back(Proof::kCertificate);
  return proofs;
}

void AddIncoming(const config::Config& config, autoconfig::MailService& mail) {
  for (const config::AutoconfigIncomingConfig& told : config::ToldListeners(config)) {
    const auto found =
        std::find_if(config.listeners.begin(), config.listeners.end(),
                     [&](const auto& listener) { return listener.name == told.listener; });
    if (found == config.listeners.end()) continue;
    const auto address = config::ParseHostPort(found->address);
    const int own_port = address ? address->port : 0;
    mail.incoming.push_back({.host = mail.server,
                             .port = static_cast<uint16_t>(told.port != 0 ? told.port : own_port),
                             .security = SecurityOf(found->tls),
                             .proofs = ProofsOf(found->logins)});
  }
}

void AddOutgoing(const config::AutoconfigConfig& config, autoconfig::MailService& mail) {
  for (const config::AutoconfigOutgoingConfig& from : config.outgoing) {
    MailServer server{.host = from.host,
                      .port = static_cast<uint16_t>(from.port),
                      .security = SecurityOf(from.security)};
    if (!from.login) server.proofs.clear();
    mail.outgoing.push_back(std::move(server));
  }
}

bool ListensOnHttps(const config::AutoconfigConfig& config) {
  return std::any_of(config.listen.begin(), config.listen.end(),
                     [](const auto& listen) { return listen.tls; });
}

}  // namespace

tl::expected<autoconfig::MailService, std::string> BuildMailService(
    const config::Config& config, const std::vector<std::string>& certificate_names) {
  const config::AutoconfigConfig& from = config.autoconfig;
  autoconfig::MailService mail;
  for (const std::string& domain : from.domains) mail.domains.push_back(config::LowerCase(domain));
  if (mail.domains.empty())
    return tl::unexpected<std::string>(
        "autoconfig.domains: there is none: name those of the users' addresses");
  mail.server = from.server.empty() ? config::FirstHostName(certificate_names) : from.server;
  if (mail.server.empty())
    return tl::unexpected<std::string>(
        "autoconfig.server: no certificate says by which host name clients reach Poplar: name it");
  mail.display_name = from.display_name.empty() ? mail.domains.front() : from.display_name;
  mail.full_address = from.user_name == config::AutoconfigUserName::kAddress;
  mail.has_https = ListensOnHttps(from);
  AddIncoming(config, mail);
  if (mail.incoming.empty())
    return tl::unexpected<std::string>(
        "autoconfig: no listener has TLS, so there is none to tell clients of: name one in "
        "autoconfig.incoming");
  AddOutgoing(from, mail);
  return mail;
}

tl::expected<std::vector<std::string>, std::string> CertificateNames(
    const config::TlsConfig& config) {
  std::vector<std::string> names;
  for (const config::CertificateConfig& files : config.certificates) {
    const auto facts = tls::InspectCertificate(files.certificate,
                                               files.key.empty() ? files.certificate : files.key);
    if (!facts) return tl::unexpected("tls: " + facts.error());
    names.insert(names.end(), facts->dns_names.begin(), facts->dns_names.end());
  }
  return names;
}

tl::expected<std::shared_ptr<autoconfig::Service>, std::string> BuildAutoconfig(
    const config::Config& config) {
  if (config.autoconfig.listen.empty()) return nullptr;
  const auto names = CertificateNames(config.tls);
  if (!names) return tl::unexpected(names.error());
  auto mail = BuildMailService(config, *names);
  if (!mail) return tl::unexpected(mail.error());
  auto service = std::make_shared<autoconfig::Service>();
  service->mail = std::move(*mail);
  service->connections_max = config.autoconfig.connections;
  if (!ListensOnHttps(config.autoconfig)) return service;
  // One connection each: there is nothing to resume.
  tls::ServerSettings settings{.session_tickets = false, .alpn = "http/1.1"};
  for (const config::CertificateConfig& files : config.tls.certificates) {
    settings.certificates.push_back(
        {files.certificate, files.key.empty() ? files.certificate : files.key});
  }
  settings.version_min = config.tls.min_version == config::TlsVersion::k13 ? tls::Version::kTls13
                                                                           : tls::Version::kTls12;
  auto context = tls::ServerContext::Create(settings);
  if (!context) return tl::unexpected("tls: " + context.error());
  service->tls = std::move(*context);
  return service;
}

}  // namespace poplar::server
