#include "proxy/upstream/client_origin.h"

#include <array>
#include <cinttypes>
#include <cstdio>
#include <string_view>

namespace poplar::upstream {
namespace {

void AppendAddress(std::string& line, std::string_view host, std::string_view port,
                   const io::Address& address) {
  const bool is_ip = address.family() == AF_INET || address.family() == AF_INET6;
  if (!is_ip) return;
  line.append(" ").append(host).append("=").append(address.Host());
  line.append(" ").append(port).append("=").append(std::to_string(address.port()));
}

}  // namespace

std::string SessionName(uint64_t session) {
  std::array<char, 17> text{};
  std::snprintf(text.data(), text.size(), "%016" PRIx64, session);
  return text.data();
}

std::string RenderXclient(const ClientOrigin& origin) {
  std::string line = "XCLIENT";
  AppendAddress(line, "ADDR", "PORT", origin.client);
  AppendAddress(line, "DESTADDR", "DESTPORT", origin.local);
  line += " SESSION=" + SessionName(origin.session) + " TTL=" + std::to_string(origin.ttl);
  return line + "\r\n";
}

std::string RenderProxyHeader(ProxyProtocol version, const ClientOrigin* origin) {
  switch (version) {
    case ProxyProtocol::kNone:
      return {};
    case ProxyProtocol::kV1:
      return proxy_protocol::RenderV1(
          origin == nullptr ? proxy_protocol::Endpoints{}
                            : proxy_protocol::Endpoints{origin->client, origin->local});
    case ProxyProtocol::kV2:
      return origin == nullptr ? proxy_protocol::RenderLocal()
                               : proxy_protocol::RenderV2({origin->client, origin->local});
  }
  return {};
}

}  // namespace poplar::upstream
