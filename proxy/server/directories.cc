#include "proxy/server/directories.h"

#include <utility>

#include "proxy/config/http_url.h"
#include "proxy/io/name_lookup.h"

namespace poplar::server {
namespace {

template <class T>
using Built = tl::expected<T, std::string>;

Built<directory::HttpServer> BuildServer(const std::string& text,
                                         const std::shared_ptr<const tls::ClientContext>& tls) {
  const auto url = config::ParseHttpUrl(text);
  if (!url) return tl::unexpected(text + " " + url.error());
  auto addresses = io::LookUpNames(url->host, url->port);
  if (!addresses) return tl::unexpected(addresses.error());
  return directory::HttpServer{.url = text,
                               .authority = url->authority,
                               .target = url->target,
                               .host = url->host,
                               .addresses = std::move(*addresses),
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

}  // namespace

Built<std::unique_ptr<Directories>> Directories::Build(const config::Config& config) {
  auto directories = std::make_unique<Directories>();
  for (const config::DirectoryConfig& from : config.directories) {
    auto http = BuildHttp(from);
    if (!http) return tl::unexpected("directory " + from.name + ": " + http.error());
    // What the service says of one password holds for no other.
    const directory::CacheRules rules{.found_ttl = from.found_ttl,
                                      .unknown_ttl = from.unknown_ttl,
                                      .stale_ttl = from.stale_ttl,
                                      .by_credential = true};
    directories->all_.push_back(std::make_unique<Directory>(std::move(*http), rules));
  }
  return directories;
}

std::unique_ptr<directory::Source> Directories::MakeSource(size_t index,
                                                           io::Proactor& proactor) const {
  return std::make_unique<directory::HttpSource>(proactor, all_[index]->settings);
}

}  // namespace poplar::server
