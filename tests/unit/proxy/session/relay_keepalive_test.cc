// A node with less patience than the client's idle time is kept awake, and nobody notices.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "proxy/pop3/reply.h"
#include "tests/unit/proxy/session/relay_bench.h"

namespace poplar::session {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;

RelayBench::Options Awake(io::Duration keepalive = minutes(4)) { return {.keepalive = keepalive}; }

std::string SaysOk(std::string_view) { return "+OK\r\n"; }

TEST(RelayKeepaliveTest, TheNodeIsAskedAndTheClientHearsNothing) {
  RelayBench bench(Awake());
  bench.AnswerBy(SaysOk);
  bench.client().Send("STAT\r\n");
  bench.Settle(minutes(3));
  EXPECT_EQ(bench.NodeGot(), "STAT\r\n");
  bench.Settle(minutes(6));
  EXPECT_EQ(bench.NodeGot(), "NOOP\r\nNOOP\r\n");
  EXPECT_EQ(bench.ClientGot(), "+OK\r\n");
  bench.client().Send("NOOP\r\n");
  bench.Settle();
  EXPECT_EQ(bench.ClientGot(), "+OK\r\n");
  EXPECT_EQ(bench.record.commands, 2u);
}

// RFC 1939 section 3: it is the client's own silence that ends the session.
TEST(RelayKeepaliveTest, TheClientsIdleTimeGoesOn) {
  RelayBench bench(Awake());
  bench.AnswerBy(SaysOk);
  const io::Time begun = bench.Now();
  EXPECT_EQ(bench.RunToEnd(minutes(15)).reason, EndReason::kClientIdle);
  EXPECT_GE(bench.Now() - begun, minutes(10));
  EXPECT_LE(bench.Now() - begun, minutes(10) + seconds(1));
  EXPECT_EQ(bench.NodeGot(), "NOOP\r\nNOOP\r\n");
}

TEST(RelayKeepaliveTest, OffByZero) {
  RelayBench bench(Awake(io::Duration::zero()));
  bench.AnswerBy(SaysOk);
  bench.Settle(minutes(9));
  EXPECT_EQ(bench.NodeGot(), "");
}

TEST(RelayKeepaliveTest, OpaqueSessionsAreLeftAlone) {
  RelayBench bench(Awake());
  bench.AnswerBy(SaysOk);
  bench.client().Send("XTND XLST\r\n");
  bench.Settle(minutes(9));
  EXPECT_EQ(bench.NodeGot(), "XTND XLST\r\n");
}

TEST(RelayKeepaliveTest, ACommandBehindItIsAnsweredInTurn) {
  RelayBench bench(Awake());
  bench.Settle(minutes(4) + seconds(1));
  EXPECT_EQ(bench.NodeGot(), "NOOP\r\n");
  bench.client().Send("STAT\r\n");
  bench.Settle();
  bench.node().Send("-ERR not now\r\n+OK 2 320\r\n");
  bench.Settle();
  EXPECT_EQ(bench.ClientGot(), "+OK 2 320\r\n");
}

// As when the node goes while nobody asks it anything: the next command is told.
TEST(RelayKeepaliveTest, ANodeThatDiesOfItIsToldWithTheNextCommand) {
  RelayBench bench(Awake());
  bench.Settle(minutes(4) + seconds(1));
  bench.node().HalfClose();
  bench.Settle();
  EXPECT_EQ(bench.ClientGot(), "");
  EXPECT_FALSE(bench.ended());
  bench.client().Send("STAT\r\n");
  const RelayEnd end = bench.RunToEnd();
  EXPECT_EQ(bench.ClientGot(), pop3::kReplyNodeLost);
  EXPECT_TRUE(end.node_failed);
}

TEST(RelayKeepaliveTest, ANodeThatNoLongerAnswersIsFoundOut) {
  RelayBench bench(Awake());
  bench.Settle(minutes(4) + seconds(30));
  bench.client().Send("STAT\r\n");
  bench.RunToEnd();
  EXPECT_EQ(bench.ClientGot(), pop3::kReplyNodeLost);
}

TEST(RelayKeepaliveTest, DrainWaitsForItsAnswerAlone) {
  RelayBench bench(Awake());
  bench.Settle(minutes(4) + seconds(1));
  bench.relay().Drain();
  bench.Settle();
  EXPECT_FALSE(bench.ended());
  bench.node().Send("+OK\r\n");
  const RelayEnd end = bench.RunToEnd();
  EXPECT_EQ(end.reason, EndReason::kDraining);
  EXPECT_EQ(end.farewell, pop3::kReplyDraining);
}

}  // namespace
}  // namespace poplar::session
