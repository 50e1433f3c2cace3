#include "proxy/directory/ldap_servers.h"

namespace poplar::directory {

std::vector<size_t> LdapServers::InTurn(io::Time now) const {
  const std::lock_guard lock(mutex_);
  std::vector<size_t> order;
  order.reserve(servers_.size());
  for (const bool avoided : {false, true}) {
    for (size_t i = 0; i < servers_.size(); ++i) {
      const Server& server = servers_[i];
      if ((server.failed && now < server.avoided_until) == avoided) order.push_back(i);
    }
  }
  return order;
}

bool LdapServers::MayAsk(size_t server, io::Time now) {
  const std::lock_guard lock(mutex_);
  Server& asked = servers_[server];
  if (!asked.failed) return true;
  if (now < asked.avoided_until) return asked.failure == Failure::kBroken;
  // This question tries it; the next ones wait for what comes of that.
  asked.avoided_until = now + kAvoidance;
  return true;
}

std::string LdapServers::LastTrouble() const {
  const std::lock_guard lock(mutex_);
  return last_trouble_;
}

void LdapServers::Answered(size_t server) {
  const std::lock_guard lock(mutex_);
  servers_[server].failed = false;
}

void LdapServers::Failed(size_t server, Failure failure, const std::string& text, io::Time now) {
  const std::lock_guard lock(mutex_);
  servers_[server] = {true, failure, now + kAvoidance};
  last_trouble_ = text;
}

}  // namespace poplar::directory
