// The relay and its client: QUIT, the ways to leave, idling, a reader that reads nothing.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "proxy/pop3/reply.h"
#include "tests/unit/proxy/session/relay_bench.h"

namespace poplar::session {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;
using testing::ElementsAre;
using PeerEnd = upstream::DrivenPeer::End;

std::string SaysOk(std::string_view) { return "+OK\r\n"; }

// --- QUIT

TEST(RelayClientTest, WhatIsBehindQuitIsDiscarded) {
  for (const bool one_packet : {true, false}) {
    SCOPED_TRACE(one_packet);
    RelayBench bench;
    bench.client().Send("DELE 1\r\nQUIT\r\n");
    if (!one_packet) bench.Settle();
    bench.client().Send("DELE 2\r\nQUIT\r\nXFOO\r\n");
    bench.Settle();
    EXPECT_EQ(bench.NodeGot(), "DELE 1\r\nQUIT\r\n");
    bench.node().Send("+OK marked\r\n+OK bye\r\n+OK what is this?\r\n");
    const RelayEnd end = bench.RunToEnd();
    EXPECT_EQ(bench.ClientGot(), "+OK marked\r\n+OK bye\r\n");
    EXPECT_EQ(bench.NodeGot(), "");
    EXPECT_EQ(end.reason, EndReason::kQuit);
    EXPECT_FALSE(end.abrupt);
    EXPECT_EQ(bench.record.deletes, 1u);
  }
}

TEST(RelayClientTest, QuitRefusedByTheNode) {
  RelayBench bench;
  bench.AnswerBy([](std::string_view line) {
    return line == "QUIT" ? "-ERR some messages not removed\r\n" : "+OK\r\n";
  });
  bench.client().Send("DELE 1\r\nQUIT\r\n");
  const RelayEnd end = bench.RunToEnd();
  EXPECT_EQ(bench.ClientGot(), "+OK\r\n-ERR some messages not removed\r\n");
  EXPECT_EQ(end.reason, EndReason::kQuit);
  EXPECT_EQ(bench.record.deletes, 0u);
}

struct DeleteCase {
  const char* commands;
  uint64_t deletes;
};

TEST(RelayClientTest, CountsCommittedDeletesOnly) {
  for (const auto& [commands, deletes] :
       {DeleteCase{"QUIT\r\n", 0}, DeleteCase{"DELE 1\r\nDELE 2\r\nQUIT\r\n", 2},
        DeleteCase{"DELE 1\r\nDELE 99\r\nQUIT\r\n", 1}, DeleteCase{"DELE 1\r\nRSET\r\nQUIT\r\n", 0},
        DeleteCase{"DELE 1\r\nRSET\r\nDELE 2\r\nQUIT\r\n", 1}}) {
    SCOPED_TRACE(commands);
    RelayBench bench;
    bench.AnswerBy([](std::string_view line) {
      return line == "DELE 99" ? "-ERR no such message\r\n" : "+OK\r\n";
    });
    bench.client().Send(commands);
    bench.RunToEnd();
    EXPECT_EQ(bench.record.deletes, deletes);
  }
}

TEST(RelayClientTest, RefusedRsetUndoesNothing) {
  RelayBench bench;
  bench.AnswerBy([](std::string_view line) { return line == "RSET" ? "-ERR\r\n" : "+OK\r\n"; });
  bench.client().Send("DELE 1\r\nRSET\r\nQUIT\r\n");
  bench.RunToEnd();
  EXPECT_EQ(bench.record.deletes, 1u);
}

// QUIT in the middle of a download: the message still comes whole, then the node's answer.
TEST(RelayClientTest, QuitDuringADownload) {
  RelayBench bench;
  bench.client().Send("RETR 1\r\n");
  bench.Settle();
  bench.node().Send("+OK\r\nhalf ");
  bench.Settle();
  bench.client().Send("QUIT\r\n");
  bench.Settle();
  bench.node().Send("mail\r\n.\r\n+OK bye\r\n");
  EXPECT_EQ(bench.RunToEnd().reason, EndReason::kQuit);
  EXPECT_EQ(bench.ClientGot(), "+OK\r\nhalf mail\r\n.\r\n+OK bye\r\n");
}

// --- the client leaves

TEST(RelayClientTest, HalfCloseStillBringsAllAnswers) {
  RelayBench bench;
  bench.client().Send("DELE 1\r\nRETR 2\r\nSTLS\r\n");
  bench.client().HalfClose();
  bench.Settle(seconds(5));
  EXPECT_FALSE(bench.ended());
  bench.node().Send("+OK\r\n");
  bench.Settle(seconds(5));
  EXPECT_FALSE(bench.ended());
  bench.node().Send("+OK\r\nmail\r\n.\r\n");
  const RelayEnd end = bench.RunToEnd();
  EXPECT_EQ(bench.ClientGot(),
            "+OK\r\n+OK\r\nmail\r\n.\r\n" + std::string(pop3::kReplyAlreadyLoggedIn));
  EXPECT_EQ(bench.NodeGot(), "DELE 1\r\nRETR 2\r\n");  // and no QUIT
  EXPECT_EQ(end.reason, EndReason::kClientEof);
  EXPECT_FALSE(end.abrupt);
  EXPECT_EQ(bench.record.deletes, 0u);
}

TEST(RelayClientTest, HalfCloseBehindQuit) {
  RelayBench bench;
  bench.AnswerBy(SaysOk);
  bench.client().Send("DELE 1\r\nQUIT\r\n");
  bench.client().HalfClose();
  EXPECT_EQ(bench.RunToEnd().reason, EndReason::kQuit);
  EXPECT_EQ(bench.ClientGot(), "+OK\r\n+OK\r\n");
  EXPECT_EQ(bench.record.deletes, 1u);
}

TEST(RelayClientTest, ALineWithoutItsEndIsNoCommand) {
  RelayBench bench;
  bench.AnswerBy(SaysOk);
  bench.client().Send("DELE 1\r\nQUIT");
  bench.client().HalfClose();
  EXPECT_EQ(bench.RunToEnd().reason, EndReason::kClientEof);
  EXPECT_EQ(bench.NodeGot(), "DELE 1\r\n");
  EXPECT_EQ(bench.record.deletes, 0u);
}

TEST(RelayClientTest, EndOfFileBetweenCommands) {
  RelayBench bench;
  bench.AnswerBy(SaysOk);
  bench.client().Send("DELE 1\r\n");
  bench.Settle();
  bench.client().HalfClose();
  const RelayEnd end = bench.RunToEnd();
  EXPECT_EQ(end.reason, EndReason::kClientEof);
  EXPECT_FALSE(end.abrupt);
  EXPECT_EQ(bench.NodeGot(), "DELE 1\r\n");
  EXPECT_NE(bench.node().end(), PeerEnd::kOpen);
}

TEST(RelayClientTest, ResetBetweenCommands) {
  RelayBench bench;
  bench.AnswerBy(SaysOk);
  bench.client().Send("DELE 1\r\n");
  bench.Settle();
  bench.client().Reset();
  const RelayEnd end = bench.RunToEnd();
  EXPECT_EQ(end.reason, EndReason::kClientReset);
  EXPECT_TRUE(end.abrupt);
  EXPECT_EQ(bench.NodeGot(), "DELE 1\r\n");
  EXPECT_EQ(bench.record.deletes, 0u);
  EXPECT_NE(bench.node().end(), PeerEnd::kOpen);
}

TEST(RelayClientTest, ResetDuringADownload) {
  RelayBench bench;
  bench.client().Send("DELE 1\r\nRETR 2\r\n");
  bench.Settle();
  bench.node().Send("+OK\r\n+OK\r\n" + std::string(500'000, 'x'));
  bench.client().Reset();
  EXPECT_EQ(bench.RunToEnd().reason, EndReason::kClientReset);
  EXPECT_EQ(bench.NodeGot(), "DELE 1\r\nRETR 2\r\n");
  EXPECT_EQ(bench.record.messages, 0u);
}

// --- opaque

TEST(RelayClientTest, UnknownCommandMakesTheSessionOpaque) {
  RelayBench bench;
  bench.client().Send("NOOP\r\nXFOO bar\r\nany\nthing\x01\x02");
  bench.Settle();
  EXPECT_EQ(bench.NodeGot(), "NOOP\r\nXFOO bar\r\nany\nthing\x01\x02");
  bench.node().Send("+OK noop\r\n250 what\r\n\r\n.\r\n");
  bench.Settle();
  EXPECT_EQ(bench.ClientGot(), "+OK noop\r\n250 what\r\n\r\n.\r\n");
  bench.client().Send("QUIT\r\nQUIT\r\n?\r\n");
  bench.node().Send("unasked");
  bench.Settle();
  EXPECT_EQ(bench.NodeGot(), "QUIT\r\nQUIT\r\n?\r\n");
  EXPECT_EQ(bench.ClientGot(), "unasked");
  EXPECT_TRUE(bench.record.opaque);
  EXPECT_EQ(bench.record.bytes_to_node, bench.record.bytes_from_client);
  EXPECT_THAT(bench.meter.calls, ElementsAre("NOOP ok"));
  bench.node().HalfClose();
  const RelayEnd end = bench.RunToEnd();
  EXPECT_EQ(end.reason, EndReason::kOpaqueEnded);
  EXPECT_EQ(end.farewell, "");
}

TEST(RelayClientTest, OpaqueBehindAnAnswerOfOurOwn) {
  RelayBench bench;
  bench.client().Send("RETR 1\r\nSTLS\r\nXFOO\r\nXBAR\r\n");
  bench.Settle();
  EXPECT_EQ(bench.NodeGot(), "RETR 1\r\nXFOO\r\nXBAR\r\n");
  bench.node().Send("+OK\r\n\r\n.\r\nfoo\r\nbar\r\n");
  bench.Settle();
  EXPECT_EQ(bench.ClientGot(),
            "+OK\r\n\r\n.\r\n" + std::string(pop3::kReplyAlreadyLoggedIn) + "foo\r\nbar\r\n");
}

// Its half-close reaches the node, whose last words reach the client.
TEST(RelayClientTest, OpaqueClientHalfCloses) {
  RelayBench bench;
  bench.client().Send("XFOO\r\nQUIT\r\n");
  bench.client().HalfClose();
  bench.Settle(seconds(5));
  EXPECT_EQ(bench.node().end(), PeerEnd::kOrderly);
  EXPECT_EQ(bench.NodeGot(), "XFOO\r\nQUIT\r\n");
  bench.node().Send("what?\r\n+OK bye\r\n");
  bench.node().HalfClose();
  EXPECT_EQ(bench.RunToEnd().reason, EndReason::kOpaqueEnded);
  EXPECT_EQ(bench.ClientGot(), "what?\r\n+OK bye\r\n");
}

TEST(RelayClientTest, OpaqueClientIsReset) {
  RelayBench bench;
  bench.AnswerBy(SaysOk);
  bench.client().Send("XFOO\r\n");
  bench.Settle();
  bench.client().Reset();
  EXPECT_EQ(bench.RunToEnd().reason, EndReason::kOpaqueEnded);
  EXPECT_EQ(bench.NodeGot(), "XFOO\r\n");
}

TEST(RelayClientTest, OpaqueAndSilentOnBothSides) {
  RelayBench bench;
  bench.AnswerBy(SaysOk);
  bench.client().Send("XFOO\r\n");
  bench.Settle();
  EXPECT_EQ(bench.RunToEnd(minutes(11)).reason, EndReason::kClientIdle);
}

TEST(RelayClientTest, UnknownCommandWithoutAnAnswer) {
  RelayBench bench;
  bench.client().Send("XFOO\r\n");
  const RelayEnd end = bench.RunToEnd(seconds(16));
  EXPECT_EQ(end.reason, EndReason::kNodeResponseTimeout);
  EXPECT_EQ(end.farewell, pop3::kReplyNodeLost);
}

// --- time

TEST(RelayClientTest, IdleEndsWithoutAWord) {
  RelayBench bench;
  bench.AnswerBy(SaysOk);
  bench.client().Send("DELE 1\r\n");
  bench.Settle();
  const io::Time last = bench.Now();
  const RelayEnd end = bench.RunToEnd(minutes(11));
  EXPECT_EQ(end.reason, EndReason::kClientIdle);
  EXPECT_EQ(end.farewell, "");
  EXPECT_FALSE(end.abrupt);
  EXPECT_GE(bench.Now() - last, minutes(10) - seconds(1));
  EXPECT_EQ(bench.ClientGot(), "+OK\r\n");
  EXPECT_EQ(bench.NodeGot(), "DELE 1\r\n");
  EXPECT_EQ(bench.record.deletes, 0u);
}

TEST(RelayClientTest, CommandsKeepItFromIdling) {
  RelayBench bench;
  bench.AnswerBy(SaysOk);
  for (int i = 0; i < 5; ++i) {
    bench.Settle(minutes(9));
    bench.client().Send("NOOP\r\n");
  }
  bench.Settle();
  EXPECT_FALSE(bench.ended());
}

TEST(RelayClientTest, IdleHoldsNoBuffer) {
  RelayBench bench;
  bench.AnswerBy(SaysOk);
  bench.client().Send("NOOP\r\nNOOP\r\nSTLS\r\n?\r\nCAP");
  bench.Settle();
  EXPECT_EQ(bench.buffers_in_use(), 0u);
}

TEST(RelayClientTest, ReaderWhoReadsNothing) {
  RelayBench bench;
  bench.client().StopReading();
  bench.client().Send("RETR 1\r\n");
  bench.Settle();
  bench.node().Send("+OK\r\n" + std::string(4'000'000, 'x'));
  bench.Settle(seconds(1));
  EXPECT_LE(bench.buffers_in_use(), 4u);  // back-pressure, no growth
  EXPECT_LT(bench.record.bytes_from_node, 500'000u);
  const RelayEnd end = bench.RunToEnd(seconds(61));
  EXPECT_EQ(end.reason, EndReason::kClientWriteStall);
  EXPECT_TRUE(end.abrupt);
}

TEST(RelayClientTest, SlowReaderGetsItAll) {
  RelayBench bench({.faults = {.bytes_per_second = 50'000}});
  bench.client().Send("RETR 1\r\n");
  bench.Settle();
  const std::string mail = "+OK\r\n" + std::string(6'000'000, 'x') + "\r\n.\r\n";
  bench.node().Send(mail);
  bench.Settle(minutes(5));
  EXPECT_FALSE(bench.ended());
  EXPECT_TRUE(bench.ClientGot() == mail);
  EXPECT_EQ(bench.record.messages, 1u);
}

// The client takes its time, which is no fault of the node's.
TEST(RelayClientTest, PauseInADownloadIsNoTimeoutOfTheNode) {
  RelayBench bench;
  bench.client().StopReading();
  bench.client().Send("RETR 1\r\n");
  bench.Settle();
  const std::string mail = "+OK\r\n" + std::string(1'000'000, 'x') + "\r\n.\r\n";
  bench.node().Send(mail);
  bench.Settle(seconds(50));  // less than a write stall, more than the node's time
  EXPECT_FALSE(bench.ended());
  bench.client().GoOnReading();
  bench.Settle(seconds(1));
  EXPECT_TRUE(bench.ClientGot() == mail);
}

}  // namespace
}  // namespace poplar::session
