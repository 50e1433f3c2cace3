#include "proxy/io/name_lookup.h"

#include <netdb.h>
#include <netinet/in.h>
#include <resolv.h>

#include <algorithm>
#include <utility>

namespace poplar::io {

tl::expected<std::vector<Address>, std::string> LookUpNames(const std::string& host,
                                                            uint16_t port) {
  if (const auto address = Address::Parse(host, port)) return std::vector{*address};
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_ADDRCONFIG;
  addrinfo* found = nullptr;
  const int fault = getaddrinfo(host.c_str(), nullptr, &hints, &found);
  if (fault != 0 || found == nullptr) {
    return tl::unexpected("cannot look up the host name " + host + ": " + gai_strerror(fault));
  }
  std::vector<Address> addresses;
  for (const addrinfo* each = found; each != nullptr; each = each->ai_next) {
    Address address = Address::FromSockaddr(each->ai_addr);
    address.set_port(port);
    if (std::find(addresses.begin(), addresses.end(), address) == addresses.end())
      addresses.push_back(address);
  }
  freeaddrinfo(found);
  return addresses;
}

tl::expected<Address, std::string> LookUpName(const std::string& host, uint16_t port) {
  auto addresses = LookUpNames(host, port);
  if (!addresses) return tl::unexpected(std::move(addresses.error()));
  return addresses->front();
}

void LimitNameLookUps() {
  res_init();
  _res.retrans = 2;
  _res.retry = 1;
}

}  // namespace poplar::io
