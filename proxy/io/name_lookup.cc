#include "proxy/io/name_lookup.h"

#include <netdb.h>
#include <netinet/in.h>
#include <resolv.h>

namespace poplar::io {

tl::expected<Address, std::string> LookUpName(const std::string& host, uint16_t port) {
  if (const auto address = Address::Parse(host, port)) return *address;
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_ADDRCONFIG;
  addrinfo* found = nullptr;
  const int fault = getaddrinfo(host.c_str(), nullptr, &hints, &found);
  if (fault != 0 || found == nullptr) {
    return tl::unexpected("cannot look up the host name " + host + ": " + gai_strerror(fault));
  }
  Address address = Address::FromSockaddr(found->ai_addr);
  freeaddrinfo(found);
  address.set_port(port);
  return address;
}

void LimitNameLookUps() {
  res_init();
  _res.retrans = 2;
  _res.retry = 1;
}

}  // namespace poplar::io
