// Nodes that come and go while sessions run: logins go by the newest settings, sessions stay.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "proxy/pop3/reply.h"
#include "tests/unit/proxy/session/resume_test.h"

namespace poplar::session {
namespace {

using std::chrono::seconds;
using testing::HasSubstr;
using PeerEnd = upstream::DrivenPeer::End;

// The bench's settings with these of its nodes alone; what the bench publishes.
std::shared_ptr<const Settings> With(const SessionBench& bench, const std::vector<size_t>& nodes) {
  auto settings = std::make_shared<Settings>(bench.settings());
  balancer::Cluster cluster{.name = "mail", .shared_storage = true, .nodes = {}};
  for (const size_t node : nodes) cluster.nodes.push_back({.name = "n" + std::to_string(node)});
  if (nodes.empty()) cluster.seats = 1;
  settings->nodes = *balancer::NodeTable::Build({cluster}, bench.settings().nodes.get());
  return settings;
}

TEST(SessionDiscoveryTest, BeforeAnyNodeIsKnownUsersAreToldToTryAgain) {
  SessionBench bench;
  const auto newest = With(bench, {});
  bench.environment().newest = &newest;
  upstream::DrivenPeer& client = bench.Connect();
  EXPECT_EQ(bench.LogIn(client), pop3::kReplyTemporary);
  client.HalfClose();
  const Record& record = bench.RunToEnd();
  EXPECT_EQ(record.failure, "no_nodes: none is known yet");
  EXPECT_EQ(record.reason, EndReason::kNodeUnavailable);
}

TEST(SessionDiscoveryTest, ALoginGoesByTheNodesOfItsOwnTime) {
  SessionBench bench({.nodes = 2, .shared_storage = true});
  auto newest = With(bench, {0});
  bench.environment().newest = &newest;
  upstream::DrivenPeer& client = bench.Connect();
  newest = With(bench, {1});  // the session has begun, its login hasn't
  EXPECT_EQ(bench.LogIn(client), kLoggedIn);
  EXPECT_EQ(bench.OpenAtNode(0), 0u);
  EXPECT_EQ(bench.OpenAtNode(1), 1u);
  newest = With(bench, {0});
  bench.node(1).set_answer("STAT", {"+OK 7 700\r\n"});
  EXPECT_EQ(bench.Ask(client, "STAT\r\n"), "+OK 7 700\r\n");
  client.HalfClose();
  EXPECT_EQ(bench.RunToEnd().node, "mail/n1");
}

// The node has moved: what leads to where it was serves nobody, whoever still answers there.
TEST(SessionDiscoveryTest, AParkedSessionAtTheOldAddressServesNobody) {
  SessionBench bench({.pool = {.warm = 0, .max_snapshot_age = seconds(10)}});
  const auto visit = [&bench] {
    upstream::DrivenPeer& client = bench.Connect();
    EXPECT_EQ(bench.LogIn(client), kLoggedIn);
    EXPECT_EQ(bench.Ask(client, "QUIT\r\n"), pop3::kReplyQuit);
    client.HalfClose();
    bench.Settle();
  };
  visit();
  EXPECT_TRUE(bench.log.records.back().parked);
  upstream::Node& node = bench.pool_of(0);
  node.set_endpoint(std::make_shared<upstream::Endpoint>(*node.endpoint()));
  visit();
  EXPECT_EQ(bench.log.records.back().lease, "new");
  EXPECT_THAT(bench.node(0).received(), HasSubstr("QUIT\r\n"));
  EXPECT_EQ(bench.OpenAtNode(0), 1u);
}

TEST(SessionDiscoveryTest, NorDoesAWarmConnection) {
  SessionBench bench({.pool = {.warm = 1, .max_snapshot_age = io::Duration(0)}, .keepers = true});
  bench.Settle(seconds(2));
  upstream::DrivenPeer& first = bench.Connect();
  bench.LogIn(first);
  EXPECT_TRUE(bench.Run([&] { return bench.pool_of(0).pool.counts().warm > 0; }, seconds(5)));
  upstream::Node& node = bench.pool_of(0);
  node.set_endpoint(std::make_shared<upstream::Endpoint>(*node.endpoint()));
  upstream::DrivenPeer& second = bench.Connect();
  EXPECT_EQ(bench.LogIn(second, "bob"), kLoggedIn);
  second.HalfClose();
  bench.Settle();
  EXPECT_EQ(bench.log.records.back().lease, "new");
  first.HalfClose();
}

class ResumeDiscoveryTest : public ResumeTest {};

TEST_F(ResumeDiscoveryTest, ASessionGoesOnWithTheNodesThatThereAreThen) {
  auto newest = With(bench_, {first_});
  bench_.environment().newest = &newest;
  EXPECT_EQ(Ask("UIDL\r\n"), kListing);
  Kill();
  newest = With(bench_, {second_});
  EXPECT_EQ(Ask("RETR 2\r\n"), kMail);
  EXPECT_EQ(End().node, "mail/n" + std::to_string(second_));
}

}  // namespace
}  // namespace poplar::session
