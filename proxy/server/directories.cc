#include "proxy/server/directories.h"

#include <algorithm>
#include <utility>

#include "proxy/config/address_text.h"
#include "proxy/config/http_url.h"
#include "proxy/directory/ldap_client.h"
#include "proxy/directory/ldap_source.h"
#include "proxy/server/build_ldap.h"
#include "proxy/server/build_nodes.h"

namespace poplar::server {
namespace {

template <class T>
using Built = tl::expected<T, std::string>;

Built<directory::HttpServer> BuildServer(const std::string& text,
                                         const std::shared_ptr<const tls::ClientContext>& tls) {
  const auto url = config::ParseHttpUrl(text);
  if (!url) return tl::unexpected(text + " " + url.error());
  return directory::HttpServer{.url = text,
                               .authority = url->authority,
                               .target = url->target,
                               .host = url->host,
                               .port = url->port,
                               .tls = url->tls ? tls : nullptr};
}

Built<directory::HttpSettings> BuildHttp(const config::DirectoryConfig& from) {
  directory::HttpSettings settings{.name = from.name,
                                   .timeout = from.timeout,
                                   .connections = static_cast<size_t>(from.http.connections)};
  for (const std::string& header : from.http.headers) settings.headers.append(header) += "\r\n";
  const auto tls = tls::ClientContext::Create(
      {.ca_file = from.http.ca_file,
       .certificate = {from.http.client_certificate, from.http.client_key},
       .alpn = "http/1.1"});
  for (const std::string& url : from.http.urls) {
    const bool secure = url.starts_with("https:");
    if (secure && !tls) return tl::unexpected(tls.error());
    auto server = BuildServer(url, secure ? *tls : nullptr);
    if (!server) return tl::unexpected(server.error());
    settings.servers.push_back(std::move(*server));
  }
  return settings;
}

bool IsByName(const std::string& url) {
  return !config::IsIpAddress(config::ParseHttpUrl(url)->host);
}

// Passwords are read anew by whoever needs them.
std::string FilesOf(const config::Config& config) {
  std::string digests;
  for (const config::DirectoryConfig& each : config.directories) {
    for (const std::string* file :
         {&each.http.ca_file, &each.http.client_certificate, &each.http.client_key,
          &each.ldap.ca_file, &each.ldap.client_certificate, &each.ldap.client_key})
      digests.append(FileDigest(*file)).append(1, '\0');
  }
  return digests;
}

}  // namespace

void Directories::NameTroubles::Note(const std::string& directory, const std::string& host,
                                     const std::string& trouble, bool known) {
  {
    const std::lock_guard lock(mutex_);
    std::string& told = told_[directory + "/" + host];
    if (told == trouble) return;
    told = trouble;
  }
  const std::string where = "directory " + directory + ": ";
  if (trouble.empty()) {
    log_.Info(where + "the trouble with the name " + host + " is over");
  } else if (known) {
    log_.Warning(where + trouble + "; the addresses known before stay in force");
  } else {
    log_.Warning(where + trouble +
                 "; until it is found, that server counts as down. Look at the name in http.urls, "
                 "and at the name servers (http.name_servers)");
  }
}

void Directories::Leave() {
  if (--workers_ == 0) resolvers_.Stop();
}

Built<directory::NameLookups> Directories::LookupsOf(const config::DirectoryConfig& from) {
  directory::NameLookups lookups{.ttl_min = from.http.ttl_min, .ttl_max = from.http.ttl_max};
  const auto& urls = from.http.urls;
  if (std::none_of(urls.begin(), urls.end(), IsByName)) return lookups;
  auto resolver = resolvers_.For(from.http.name_servers);
  if (!resolver) return tl::unexpected(resolver.error());
  lookups.resolver = *resolver;
  lookups.note = [this, name = from.name](const std::string& host, const std::string& trouble,
                                          bool known) {
    name_troubles_.Note(name, host, trouble, known);
  };
  return lookups;
}

Built<std::unique_ptr<Directories::Ldap>> Directories::StartLdap(
    const config::DirectoryConfig& from, const io::Clock& clock) {
  auto settings = BuildLdap(from);
  if (!settings) return tl::unexpected(settings.error());
  auto ldap = std::make_unique<Ldap>(std::move(*settings));
  std::vector<std::unique_ptr<directory::LdapAsker>> askers;
  askers.reserve(ldap->settings.connections);
  for (size_t i = 0; i < ldap->settings.connections; ++i)
    askers.push_back(std::make_unique<directory::LdapClient>(ldap->settings, ldap->servers, clock));
  auto pool = directory::LdapPool::Start(clock, std::move(askers));
  if (!pool) return tl::unexpected(pool.error());
  ldap->pool = std::move(*pool);
  return ldap;
}

Directories::Directories(const config::Config& config, Log& log)
    : made_of_(config.directories), files_(FilesOf(config)), name_troubles_(log) {}

bool Directories::FitTo(const config::Config& config) const {
  return config.directories == made_of_ && FilesOf(config) == files_;
}

Built<std::shared_ptr<Directories>> Directories::Build(const config::Config& config,
                                                       const io::Clock& clock, Log& log) {
  auto directories = std::make_shared<Directories>(config, log);
  for (const config::DirectoryConfig& from : config.directories) {
    const auto fault = [&](const std::string& text) {
      return tl::unexpected("directory " + from.name + ": " + text);
    };
    directory::CacheRules rules{
        .found_ttl = from.found_ttl, .unknown_ttl = from.unknown_ttl, .stale_ttl = from.stale_ttl};
    if (!from.ldap.urls.empty()) {
      auto ldap = StartLdap(from, clock);
      if (!ldap) return fault(ldap.error());
      directories->all_.push_back(std::make_unique<Directory>(std::move(*ldap), rules));
      continue;
    }
    auto http = BuildHttp(from);
    if (!http) return fault(http.error());
    auto names = directories->LookupsOf(from);
    if (!names) return fault(names.error());
    http->names = std::move(*names);
    // What the service says of one password holds for no other.
    rules.by_credential = true;
    directories->all_.push_back(std::make_unique<Directory>(std::move(*http), rules));
  }
  return directories;
}

std::unique_ptr<directory::Source> Directories::MakeSource(size_t index, io::Proactor& proactor,
                                                           io::TaskScope& scope) const {
  const Directory& of = *all_[index];
  if (of.ldap != nullptr)
    return std::make_unique<directory::LdapSource>(proactor, of.ldap->settings, *of.ldap->pool);
  return std::make_unique<directory::HttpSource>(proactor, scope, of.settings);
}

}  // namespace poplar::server
