#include "proxy/cli/route_directory.h"

#include "proxy/directory/ldap_client.h"
#include "proxy/io/system_clock.h"
#include "proxy/server/build_ldap.h"

namespace poplar::cli {

directory::Answer AskLdap(const config::DirectoryConfig& config, const std::string& user) {
  const auto settings = server::BuildLdap(config);
  if (!settings) return {.text = "directory " + config.name + ": " + settings.error()};
  const io::SystemClock clock;
  const std::atomic<bool> stop = false;
  directory::LdapServers servers(settings->urls.size());
  directory::LdapClient client(*settings, servers, clock);
  return client.Ask(user, clock.Now() + settings->timeout, stop);
}

}  // namespace poplar::cli
