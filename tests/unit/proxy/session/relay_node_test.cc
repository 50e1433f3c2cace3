// The relay and a node that fails: never a false end of a message, never a false +OK, never a
// desync.
#include <gtest/gtest.h>

#include "proxy/pop3/limits.h"
#include "proxy/pop3/reply.h"
#include "tests/unit/proxy/session/relay_bench.h"

namespace poplar::session {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;
using PeerEnd = upstream::DrivenPeer::End;

const std::string kLost(pop3::kReplyNodeLost);

// How a node goes away.
enum class Death { kClose, kReset };
constexpr Death kDeaths[] = {Death::kClose, Death::kReset};

void Kill(RelayBench& bench, Death death) {
  if (death == Death::kClose) {
    bench.node().HalfClose();
  } else {
    bench.Settle();
    bench.node().Reset();
  }
}

EndReason ReasonOf(Death death) {
  return death == Death::kClose ? EndReason::kNodeEof : EndReason::kNodeReset;
}

TEST(RelayNodeTest, DiesIdleAndTheNextCommandIsTold) {
  for (const Death death : kDeaths) {
    for (const char* command : {"NOOP\r\n", "QUIT\r\n", "?\r\n", "XFOO\r\n", "STLS\r\nNOOP\r\n"}) {
      SCOPED_TRACE(command);
      RelayBench bench;
      bench.client().Send("DELE 1\r\n");
      bench.Settle();
      bench.node().Send("+OK\r\n");
      bench.Settle();
      Kill(bench, death);
      bench.Settle(minutes(5));
      EXPECT_FALSE(bench.ended());  // nothing is wrong for the client yet
      EXPECT_EQ(bench.ClientGot(), "+OK\r\n");
      bench.client().Send(command);
      const RelayEnd end = bench.RunToEnd();
      EXPECT_EQ(bench.ClientGot() + std::string(end.farewell), kLost);
      EXPECT_EQ(end.reason, ReasonOf(death));
      EXPECT_FALSE(end.abrupt);
      EXPECT_EQ(bench.record.deletes, 0u);
    }
  }
}

TEST(RelayNodeTest, DiesIdleAndTheClientLeaves) {
  RelayBench bench;
  bench.node().HalfClose();
  bench.Settle();
  bench.client().HalfClose();
  const RelayEnd end = bench.RunToEnd();
  EXPECT_EQ(end.reason, EndReason::kClientEof);
  EXPECT_EQ(bench.ClientGot() + std::string(end.farewell), "");
}

TEST(RelayNodeTest, DiesIdleAndTheClientIdlesOn) {
  RelayBench bench;
  bench.node().HalfClose();
  EXPECT_EQ(bench.RunToEnd(minutes(11)).reason, EndReason::kClientIdle);
}

// The bytes the client has at the node's death, and what it may be told then.
struct DeathCase {
  const char* name;
  const char* commands;
  const char* answers;  // and then the node dies
  const char* relayed;  // of them
  bool told;            // -ERR [SYS/TEMP] follows; otherwise it ends as a broken connection does
};

class DeathTest : public testing::TestWithParam<DeathCase> {};

TEST_P(DeathTest, NeverALie) {
  for (const Death death : kDeaths) {
    RelayBench bench;
    bench.client().Send(GetParam().commands);
    bench.Settle();
    if (*GetParam().answers != '\0') bench.node().Send(GetParam().answers);
    Kill(bench, death);
    const RelayEnd end = bench.RunToEnd();
    EXPECT_EQ(bench.ClientGot(), GetParam().relayed);
    EXPECT_EQ(end.farewell, GetParam().told ? kLost : "");
    EXPECT_EQ(end.abrupt, !GetParam().told);
    EXPECT_EQ(end.reason, ReasonOf(death));
    EXPECT_EQ(bench.record.deletes, 0u);
    EXPECT_NE(bench.client().end(), PeerEnd::kOpen);
  }
}

INSTANTIATE_TEST_SUITE_P(
    Table, DeathTest,
    testing::Values(
        DeathCase{"NoAnswer", "NOOP\r\n", "", "", true},
        DeathCase{"NoAnswerToRetr", "RETR 1\r\n", "", "", true},
        DeathCase{"BetweenAnswers", "NOOP\r\nSTAT\r\n", "+OK\r\n", "+OK\r\n", true},
        DeathCase{"InAStatusLine", "STAT\r\n", "+OK 1 ", "", true},
        DeathCase{"InAMessage", "RETR 1\r\n", "+OK\r\nmail\r\n", "+OK\r\nmail\r\n", false},
        DeathCase{"BeforeTheBody", "RETR 1\r\n", "+OK\r\n", "+OK\r\n", false},
        DeathCase{"InATerminator", "RETR 1\r\n", "+OK\r\nx\r\n.\r", "+OK\r\nx\r\n.\r", false},
        DeathCase{"InTheSecondMessage", "RETR 1\r\nRETR 2\r\n", "+OK\r\n.\r\n+OK\r\nx",
                  "+OK\r\n.\r\n+OK\r\nx", false},
        DeathCase{"InACapa", "CAPA\r\n", "+OK\r\nTOP\r\nUI", "", true},
        DeathCase{"InACapaBehindAnother", "NOOP\r\nCAPA\r\n", "+OK\r\n+OK\r\nTOP\r\n", "+OK\r\n",
                  true},
        DeathCase{"AfterQuit", "DELE 1\r\nQUIT\r\n", "+OK\r\n", "+OK\r\n", false},
        DeathCase{"InTheAnswerToQuit", "DELE 1\r\nQUIT\r\n", "+OK\r\n+OK", "+OK\r\n", false},
        DeathCase{"BeforeTheAnswerBeforeQuit", "DELE 1\r\nQUIT\r\n", "", "", true}),
    [](const auto& info) { return info.param.name; });

TEST(RelayNodeTest, DiesAfterTheAnswerToQuit) {
  for (const Death death : kDeaths) {
    RelayBench bench;
    bench.client().Send("DELE 1\r\nQUIT\r\n");
    bench.Settle();
    bench.node().Send("+OK\r\n+OK bye\r\n");
    Kill(bench, death);
    EXPECT_EQ(bench.RunToEnd().reason, EndReason::kQuit);
    EXPECT_EQ(bench.ClientGot(), "+OK\r\n+OK bye\r\n");
    EXPECT_EQ(bench.record.deletes, 1u);
  }
}

TEST(RelayNodeTest, DiesOpaque) {
  for (const Death death : kDeaths) {
    RelayBench bench;
    bench.client().Send("XFOO\r\n");
    bench.Settle();
    bench.node().Send("something");
    Kill(bench, death);
    const RelayEnd end = bench.RunToEnd();
    EXPECT_EQ(end.reason, EndReason::kOpaqueEnded);
    EXPECT_EQ(bench.ClientGot() + std::string(end.farewell), "something");
  }
}

TEST(RelayNodeTest, ClosesAfterTheLastAnswerToAHalfClosedClient) {
  RelayBench bench;
  bench.client().Send("NOOP\r\n");
  bench.client().HalfClose();
  bench.Settle();
  bench.node().Send("+OK\r\n");
  bench.node().HalfClose();
  EXPECT_EQ(bench.RunToEnd().reason, EndReason::kClientEof);
  EXPECT_EQ(bench.ClientGot(), "+OK\r\n");
}

// --- a node that breaks the protocol

TEST(RelayNodeTest, AnswersTwice) {
  RelayBench bench;
  bench.client().Send("NOOP\r\n");
  bench.Settle();
  bench.node().Send("+OK\r\n+OK again\r\n");
  bench.Settle();
  EXPECT_EQ(bench.ClientGot(), "+OK\r\n");
  EXPECT_FALSE(bench.ended());
  bench.client().Send("RETR 1\r\n");
  const RelayEnd end = bench.RunToEnd();
  EXPECT_EQ(bench.ClientGot() + std::string(end.farewell), kLost);
  EXPECT_EQ(end.reason, EndReason::kNodeProtocol);
  EXPECT_EQ(bench.NodeGot(), "NOOP\r\n");
}

TEST(RelayNodeTest, SpeaksUnasked) {
  RelayBench bench;
  bench.node().Send("* BYE\r\n");
  bench.Settle();
  EXPECT_EQ(bench.ClientGot(), "");
  bench.client().Send("STAT\r\n");
  const RelayEnd end = bench.RunToEnd();
  EXPECT_EQ(bench.ClientGot() + std::string(end.farewell), kLost);
  EXPECT_EQ(end.reason, EndReason::kNodeProtocol);
  EXPECT_EQ(bench.NodeGot(), "");
}

// The client's next command comes while the last answer is still being written to it: it must be
// told all the same, and not wait for an answer that nobody reads. Among these sizes are some where
// the client's window holds up just the answer's end. (Where the second answer is read only behind
// the command, it passes for the command's own; nobody can tell.)
TEST(RelayNodeTest, AnswersTwiceToASlowReader) {
  const std::string again = "+OK again\r\n";
  int hits = 0;
  for (size_t size = 2000; size < 2200; size += 4) {
    SCOPED_TRACE(size);
    RelayBench bench({.faults = {.send_buffer_bytes = 1000, .receive_window_bytes = 1000}});
    bench.client().StopReading();
    bench.client().Send("RETR 1\r\n");
    bench.Settle();
    const std::string mail = "+OK\r\n" + std::string(size, 'x') + "\r\n.\r\n";
    bench.node().Send(mail + again);
    bench.Settle();
    const bool held_up = bench.record.messages == 1 && bench.record.bytes_to_client < mail.size();
    bench.client().Send("NOOP\r\n");
    bench.Settle();
    bench.client().GoOnReading();
    bench.Settle();
    if (!bench.ended()) {
      EXPECT_EQ(bench.ClientGot(), mail + again);
      continue;
    }
    hits += held_up ? 1 : 0;
    const RelayEnd end = bench.RunToEnd();
    EXPECT_EQ(bench.ClientGot() + std::string(end.farewell), mail + kLost);
    EXPECT_EQ(end.reason, EndReason::kNodeProtocol);
  }
  EXPECT_GT(hits, 0);
}

struct GarbageCase {
  const char* name;
  std::string bytes;
};

class GarbageTest : public testing::TestWithParam<GarbageCase> {};

TEST_P(GarbageTest, EndsTheSession) {
  for (const char* command : {"STAT\r\n", "RETR 1\r\n"}) {
    SCOPED_TRACE(command);
    RelayBench bench;
    bench.client().Send("NOOP\r\n" + std::string(command));
    bench.Settle();
    bench.node().Send("+OK\r\n" + GetParam().bytes);
    const RelayEnd end = bench.RunToEnd();
    EXPECT_EQ(end.reason, EndReason::kNodeProtocol);
    // A read may have ended where it could still have become a status line.
    std::string_view got = bench.client().received();
    ASSERT_TRUE(got.starts_with("+OK\r\n"));
    got.remove_prefix(5);
    EXPECT_TRUE(std::string_view("+OK").starts_with(got) ||
                std::string_view("-ERR").starts_with(got));
    EXPECT_EQ(end.abrupt, !got.empty());
    EXPECT_EQ(end.farewell, got.empty() ? kLost : "");
  }
}

INSTANTIATE_TEST_SUITE_P(Table, GarbageTest,
                         testing::Values(GarbageCase{"Smtp", "250 OK\r\n"},
                                         GarbageCase{"LowerCase", "+ok\r\n"},
                                         GarbageCase{"ErrGlued", "-ERRx\r\n"},
                                         GarbageCase{"Empty", "\r\n"},
                                         GarbageCase{"Continuation", "+ Y2hhbGxlbmdl\r\n"},
                                         GarbageCase{"Binary", std::string("\0\1\2", 3)},
                                         GarbageCase{"Terminator", ".\r\n"}),
                         [](const auto& info) { return info.param.name; });

// The client gets no status line before it is whole.
TEST(RelayNodeTest, GarbageAfterTheFirstByte) {
  RelayBench bench;
  bench.client().Send("STAT\r\n");
  bench.Settle();
  bench.node().Send("+O");
  bench.Settle();
  bench.node().Send("no\r\n");
  const RelayEnd end = bench.RunToEnd();
  EXPECT_EQ(bench.ClientGot(), "");
  EXPECT_EQ(end.farewell, kLost);
  EXPECT_EQ(end.reason, EndReason::kNodeProtocol);
}

TEST(RelayNodeTest, EndlessStatusLine) {
  RelayBench bench;
  bench.client().Send("STAT\r\n");
  bench.Settle();
  bench.node().Send("+OK " + std::string(100'000, 'x'));
  const RelayEnd end = bench.RunToEnd();
  EXPECT_EQ(end.reason, EndReason::kNodeProtocol);
  EXPECT_LE(bench.ClientGot().size(), pop3::kReplyLineBytesMax);
}

TEST(RelayNodeTest, EndlessMessageGrowsNothing) {
  RelayBench bench;
  bench.client().Send("RETR 1\r\n");
  bench.Settle();
  std::string piece = "+OK\r\n";
  for (int i = 0; i < 100; ++i) {
    bench.node().Send(piece);
    piece = std::string(100'000, 'y');
    bench.Settle();
    bench.ClientGot();
    ASSERT_LE(bench.buffers_in_use(), 2u);
  }
  EXPECT_FALSE(bench.ended());
  EXPECT_EQ(bench.record.bytes_to_client, 5u + 99 * 100'000);
}

// --- time

TEST(RelayNodeTest, NoAnswerInTime) {
  RelayBench bench;
  bench.client().Send("STAT\r\n");
  const io::Time begun = bench.Now();
  const RelayEnd end = bench.RunToEnd(seconds(16));
  EXPECT_GE(bench.Now() - begun, seconds(15));
  EXPECT_EQ(end.reason, EndReason::kNodeResponseTimeout);
  EXPECT_EQ(end.farewell, kLost);
  EXPECT_FALSE(end.abrupt);
}

TEST(RelayNodeTest, NoAnswerToQuitInTime) {
  RelayBench bench;
  bench.client().Send("QUIT\r\n");
  const RelayEnd end = bench.RunToEnd(seconds(16));
  EXPECT_EQ(end.reason, EndReason::kNodeResponseTimeout);
  EXPECT_EQ(end.farewell, "");
  EXPECT_TRUE(end.abrupt);
}

TEST(RelayNodeTest, StandsStillInAMessage) {
  RelayBench bench;
  bench.client().Send("RETR 1\r\n");
  bench.Settle();
  bench.node().Send("+OK\r\nhalf");
  const RelayEnd end = bench.RunToEnd(seconds(16));
  EXPECT_EQ(end.reason, EndReason::kNodeResponseTimeout);
  EXPECT_TRUE(end.abrupt);
  EXPECT_EQ(bench.ClientGot(), "+OK\r\nhalf");
}

// The time counts from the last byte, whether the answer passes at once or is held.
TEST(RelayNodeTest, SlowAnswersAreAnswers) {
  for (const char* command : {"RETR 1\r\n", "CAPA\r\n"}) {
    SCOPED_TRACE(command);
    RelayBench bench;
    bench.client().Send(command);
    for (const char* piece : {"+OK\r\n", "line\r\n", "line\r\n", ".\r\n"}) {
      bench.Settle(seconds(10));
      bench.node().Send(piece);
    }
    bench.Settle();
    EXPECT_FALSE(bench.ended());
    EXPECT_EQ(bench.ClientGot(), "+OK\r\nline\r\nline\r\n.\r\n");
  }
}

TEST(RelayNodeTest, ReadsNothing) {
  RelayBench bench({.faults = {.send_buffer_bytes = 300, .receive_window_bytes = 300}});
  bench.node().StopReading();
  std::string commands;
  for (int i = 0; i < 200; ++i) commands += "RETR 1\r\n";
  bench.client().Send(commands);
  const RelayEnd end = bench.RunToEnd(seconds(20));
  EXPECT_EQ(end.reason, EndReason::kNodeResponseTimeout);
  EXPECT_EQ(end.farewell, kLost);
}

}  // namespace
}  // namespace poplar::session
