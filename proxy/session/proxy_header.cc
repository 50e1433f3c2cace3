#include "proxy/session/proxy_header.h"

#include <string>
#include <utility>

#include "proxy/io/deadline.h"

namespace poplar::session {
namespace {

// Load balancers send it with the connection's first packet; a lost one comes again within it.
constexpr io::Duration kPatience = std::chrono::seconds(5);

ProxyHeader Fault(std::string_view text) { return {.fault = text, .endpoints = {}, .rest = {}}; }

}  // namespace

io::Task<ProxyHeader> ReadProxyHeader(io::Proactor& proactor, io::Stream& stream) {
  using Kind = proxy_protocol::Parsed::Kind;
  std::string gathered;
  io::Deadline deadline(proactor, kPatience, stream);
  for (;;) {
    io::Result<io::Buffer> more = co_await stream.Read();
    if (!more) co_return Fault(deadline.expired() ? "no PROXY header in time" : "connection lost");
    if (more->empty()) co_return Fault("closed without a PROXY header");
    const size_t before = gathered.size();
    gathered.append(more->bytes());
    const proxy_protocol::Parsed parsed = proxy_protocol::ParseHeader(gathered);
    switch (parsed.kind) {
      case Kind::kNeedMore:
        continue;
      case Kind::kHeader:
        more->Consume(parsed.bytes - before);
        co_return ProxyHeader{{}, parsed.endpoints, std::move(*more)};
      case Kind::kNone:
        co_return Fault("no PROXY header");
      case Kind::kMalformed:
        co_return Fault("malformed PROXY header");
    }
  }
}

}  // namespace poplar::session
