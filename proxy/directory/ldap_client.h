#pragma once

#include <memory>
#include <string>

#include "proxy/directory/ldap_asker.h"
#include "proxy/directory/ldap_connection.h"
#include "proxy/directory/ldap_servers.h"
#include "proxy/directory/ldap_settings.h"

namespace poplar::directory {

// Asks real servers, in turn while one doesn't answer, over one connection that is kept.
class LdapClient final : public LdapAsker {
 public:
  // All outlive it; `servers` may be others' too.
  LdapClient(const LdapSettings& settings, LdapServers& servers, const io::Clock& clock)
      : settings_(settings), servers_(servers), clock_(clock) {}

  Answer Ask(const std::string& user, io::Time deadline, const std::atomic<bool>& stop) override;

 private:
  using Entries = LdapConnection::Outcome<std::vector<LdapEntry>>;

  Entries AskServer(size_t server, const std::string& filter, const LdapPatience& patience);
  std::string Where(std::string_view what) const;

  const LdapSettings& settings_;
  LdapServers& servers_;
  const io::Clock& clock_;
  std::unique_ptr<LdapConnection> connection_;  // null: none
  size_t connected_to_ = 0;
};

}  // namespace poplar::directory
