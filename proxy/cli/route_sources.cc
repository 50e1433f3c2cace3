#include "proxy/cli/route_sources.h"

#include <atomic>
#include <string_view>

#include "proxy/config/named_item.h"
#include "proxy/config/quote.h"
#include "proxy/directory/ldap_client.h"
#include "proxy/directory/user_map.h"
#include "proxy/io/system_clock.h"
#include "proxy/server/build_ldap.h"

namespace poplar::cli {
namespace {

directory::Answer AskLdap(const config::DirectoryConfig& config, const std::string& user) {
  const auto settings = server::BuildLdap(config);
  if (!settings) return {.text = "directory " + config.name + ": " + settings.error()};
  const io::SystemClock clock;
  const std::atomic<bool> stop = false;
  directory::LdapServers servers(settings->urls.size());
  directory::LdapClient client(*settings, servers, clock);
  return client.Ask(user, clock.Now() + settings->timeout, stop);
}

std::optional<directory::Answer> Ask(const config::Config& config, const std::string& name,
                                     const balancer::CanonicalUser& user) {
  const config::DirectoryConfig& directory =
      config.directories[config::NumberOf(config.directories, name)];
  if (directory.ldap.urls.empty()) return std::nullopt;
  return AskLdap(directory, user.text());
}

tl::expected<std::optional<directory::Found>, std::string> LookUp(
    const std::string& file, const balancer::CanonicalUser& user) {
  const auto map = directory::UserMap::Load(file);
  if (!map) return tl::unexpected("user map " + config::Quote(file) + " " + map.error());
  const auto entry = (*map)->Find(user.text());
  if (!entry) return std::nullopt;
  return directory::Found{.place = std::string(entry->place), .login = std::string(entry->login)};
}

}  // namespace

server::RouteSources SourcesOf(const config::Config& config) {
  return {.in_map =
              [&config](size_t rule, const balancer::CanonicalUser& user) {
                return LookUp(config.routes[rule].user_map, user);
              },
          .ask =
              [&config](size_t rule, const balancer::CanonicalUser& user) {
                return Ask(config, config.routes[rule].directory, user);
              },
          .find_place = [&config](std::string_view name) { return server::PlaceIn(config, name); }};
}

}  // namespace poplar::cli
