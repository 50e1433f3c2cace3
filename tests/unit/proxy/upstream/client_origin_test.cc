#include "proxy/upstream/client_origin.h"

#include <gtest/gtest.h>

#include <string>

namespace poplar::upstream {
namespace {

ClientOrigin Origin(const char* client, const char* local) {
  return {.client = *io::Address::Parse(client, 50123),
          .local = *io::Address::Parse(local, 995),
          .session = 0x2a,
          .ttl = 7};
}

TEST(ClientOriginTest, ASessionsName) {
  EXPECT_EQ(SessionName(0), "0000000000000000");
  EXPECT_EQ(SessionName(0x2a), "000000000000002a");
  EXPECT_EQ(SessionName(~uint64_t{0}), "ffffffffffffffff");
}

TEST(ClientOriginTest, Xclient) {
  EXPECT_EQ(RenderXclient(Origin("192.0.2.200", "192.0.2.1")),
            "XCLIENT ADDR=192.0.2.200 PORT=50123 DESTADDR=192.0.2.1 DESTPORT=995 "
            "SESSION=000000000000002a TTL=7\r\n");
  EXPECT_EQ(RenderXclient(Origin("2001:db8::1", "::ffff:192.0.2.1")),
            "XCLIENT ADDR=2001:db8::1 PORT=50123 DESTADDR=192.0.2.1 DESTPORT=995 "
            "SESSION=000000000000002a TTL=7\r\n");
  EXPECT_EQ(RenderXclient({.session = 1, .ttl = 3}), "XCLIENT SESSION=0000000000000001 TTL=3\r\n");
  const char* longest = "2001:db8:1111:2222:3333:4444:5555:6666";
  EXPECT_LT(RenderXclient(Origin(longest, longest)).size(), 512u);
}

TEST(ClientOriginTest, ProxyHeader) {
  const ClientOrigin origin = Origin("192.0.2.200", "192.0.2.1");
  EXPECT_EQ(RenderProxyHeader(ProxyProtocol::kNone, &origin), "");
  EXPECT_EQ(RenderProxyHeader(ProxyProtocol::kNone, nullptr), "");
  EXPECT_EQ(RenderProxyHeader(ProxyProtocol::kV1, &origin),
            "PROXY TCP4 192.0.2.200 192.0.2.1 50123 995\r\n");
  EXPECT_EQ(RenderProxyHeader(ProxyProtocol::kV1, nullptr), "PROXY UNKNOWN\r\n");
  const std::string header = RenderProxyHeader(ProxyProtocol::kV2, &origin);
  const auto parsed = proxy_protocol::ParseHeader(header);
  ASSERT_EQ(parsed.kind, proxy_protocol::Parsed::Kind::kHeader);
  EXPECT_EQ(parsed.bytes, header.size());
  ASSERT_TRUE(parsed.endpoints.has_value());
  EXPECT_EQ(parsed.endpoints->source, origin.client);
  EXPECT_EQ(parsed.endpoints->destination, origin.local);
  EXPECT_EQ(RenderProxyHeader(ProxyProtocol::kV2, nullptr), proxy_protocol::RenderLocal());
}

}  // namespace
}  // namespace poplar::upstream
