// What a load balancer says ahead of a client.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "proxy/pop3/reply.h"
#include "proxy/proxy_protocol/header.h"
#include "tests/unit/proxy/session/session_bench.h"

namespace poplar::session {
namespace {

using PeerEnd = upstream::DrivenPeer::End;

constexpr std::string_view kBalancer = "192.0.2.200";  // where the bench's clients come from

SessionBench::Options Behind(std::string_view balancer) {
  SessionBench::Options options;
  options.listener.proxy_protocol_from.Add(*io::Network::Parse(balancer));
  return options;
}

proxy_protocol::Endpoints OfClient() {
  return {*io::Address::Parse("198.51.100.7", 50123), *io::Address::Parse("192.0.2.1", 110)};
}

TEST(SessionProxyHeaderTest, NamesTheClient) {
  for (const std::string& header :
       {proxy_protocol::RenderV1(OfClient()), proxy_protocol::RenderV2(OfClient())}) {
    SessionBench bench(Behind(kBalancer));
    upstream::DrivenPeer& client = bench.ConnectAndSay(header + "NOOP\r\nQUIT\r\n");
    EXPECT_EQ(client.received(), std::string(pop3::kGreeting) + std::string(pop3::kReplyNoop) +
                                     std::string(pop3::kReplyQuit));
    const Record& record = bench.RunToEnd();
    EXPECT_EQ(record.client, OfClient().source);
    ASSERT_TRUE(record.balancer.has_value());
    EXPECT_EQ(record.balancer->Host(), kBalancer);
    EXPECT_EQ(record.reason, EndReason::kQuit);
  }
}

TEST(SessionProxyHeaderTest, InAnyPieces) {
  const std::string header = proxy_protocol::RenderV2(OfClient());
  const std::string all = header + "QUIT\r\n";
  for (size_t cut = 1; cut < all.size(); ++cut) {
    SCOPED_TRACE(cut);
    SessionBench bench(Behind(kBalancer));
    upstream::DrivenPeer& client = bench.ConnectAndSay(all.substr(0, cut));
    EXPECT_EQ(client.received().empty(), cut < header.size());
    client.Send(all.substr(cut));
    EXPECT_EQ(bench.RunToEnd().client, OfClient().source);
  }
}

TEST(SessionProxyHeaderTest, TheBalancersOwnConnectionIsItsOwn) {
  SessionBench bench(Behind(kBalancer));
  bench.ConnectAndSay(proxy_protocol::RenderLocal() + "QUIT\r\n");
  const Record& record = bench.RunToEnd();
  EXPECT_EQ(record.client.Host(), kBalancer);
  EXPECT_FALSE(record.balancer.has_value());
}

TEST(SessionProxyHeaderTest, ABadOneOrNoneEndsTheConnectionUnanswered) {
  const std::pair<std::string, std::string> cases[] = {
      {"PROXY TCP4 1.2.3.4\r\n", "malformed PROXY header"},
      {"PROXY TCP4 198.51.100.7 192.0.2.1 65536 110\r\nQUIT\r\n", "malformed PROXY header"},
      {"QUIT\r\n", "no PROXY header"},
      {"\x16\x03\x01", "no PROXY header"},
  };
  for (const auto& [said, failure] : cases) {
    SCOPED_TRACE(said);
    SessionBench bench(Behind(kBalancer));
    upstream::DrivenPeer& client = bench.ConnectAndSay(said);
    const Record& record = bench.RunToEnd();
    EXPECT_EQ(client.received(), "");
    EXPECT_EQ(record.reason, EndReason::kProxyHeader);
    EXPECT_EQ(record.failure, failure);
  }
}

TEST(SessionProxyHeaderTest, ItHasToComeSoon) {
  SessionBench bench(Behind(kBalancer));
  bench.ConnectAndSay("PROXY ");
  EXPECT_TRUE(bench.log.records.empty());
  const Record& record = bench.RunToEnd(std::chrono::seconds(6));
  EXPECT_EQ(record.reason, EndReason::kProxyHeader);
  EXPECT_EQ(record.failure, "no PROXY header in time");
}

// Anybody could name any address.
TEST(SessionProxyHeaderTest, FromElsewhereItIsOnlyABadCommand) {
  SessionBench bench(Behind("192.0.2.201"));
  upstream::DrivenPeer& client =
      bench.ConnectAndSay(proxy_protocol::RenderV1(OfClient()) + "QUIT\r\n");
  EXPECT_EQ(client.received(), std::string(pop3::kGreeting) + std::string(pop3::kReplyBadCommand) +
                                   std::string(pop3::kReplyQuit));
  EXPECT_EQ(bench.RunToEnd().client.Host(), kBalancer);
}

}  // namespace
}  // namespace poplar::session
