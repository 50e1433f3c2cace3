#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "proxy/account_probe/account_steps.h"
#include "proxy/account_probe/shown_text.h"
#include "proxy/io/proactor.h"
#include "proxy/io/resolver.h"

namespace poplar::account_probe {

// Whom a probe is asked to try. Without a port a name is a mail domain's or a server's: RFC 6186's
// SRV record says, where there is one.
struct Target {
  std::string host;  // a name, or an address without brackets
  std::optional<uint16_t> port = {};
};

// One place to connect to.
struct Server {
  std::string host;  // what its certificate must bear
  io::Address address;
};

struct FoundServers {
  StepResult step;  // kResolve, without its time
  std::vector<Server> servers;
};

// `service`: "_pop3s._tcp" or "_pop3._tcp"; `default_port`: where no SRV record says one. The
// servers come in the order in which they are to be tried, kAddressesTriedMax at most.
io::Task<FoundServers> FindServers(io::Proactor& proactor, io::Resolver& resolver, Target target,
                                   std::string service, uint16_t default_port,
                                   const ShownText& shown);

}  // namespace poplar::account_probe
