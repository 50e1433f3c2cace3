// The relay told to end: at the next boundary (Drain) or at once (Abort), at any instant.
#include <gtest/gtest.h>

#include "proxy/pop3/reply.h"
#include "tests/unit/proxy/session/relay_bench.h"

namespace poplar::session {
namespace {

using std::chrono::microseconds;
using std::chrono::seconds;

TEST(RelayDrainTest, AtTheBoundary) {
  RelayBench bench;
  bench.relay().Drain();
  const RelayEnd end = bench.RunToEnd();
  EXPECT_EQ(end.reason, EndReason::kDraining);
  EXPECT_EQ(end.farewell, pop3::kReplyDraining);
  EXPECT_FALSE(end.abrupt);
  EXPECT_EQ(bench.NodeGot(), "");
}

TEST(RelayDrainTest, InAReply) {
  RelayBench bench;
  bench.client().Send("RETR 1\r\n");
  bench.Settle();
  bench.node().Send("+OK\r\nhalf ");
  bench.Settle();
  bench.relay().Drain();
  bench.Settle(seconds(5));
  EXPECT_FALSE(bench.ended());
  bench.node().Send("mail\r\n.\r\n");
  const RelayEnd end = bench.RunToEnd();
  EXPECT_EQ(bench.ClientGot(), "+OK\r\nhalf mail\r\n.\r\n");
  EXPECT_EQ(end.reason, EndReason::kDraining);
  EXPECT_EQ(end.farewell, pop3::kReplyDraining);
}

// The first boundary between answers is good enough, though more are due.
TEST(RelayDrainTest, BetweenPipelinedAnswers) {
  RelayBench bench;
  bench.client().Send("NOOP\r\nSTAT\r\nLIST\r\n");
  bench.Settle();
  bench.relay().Drain();
  bench.node().Send("+OK noop\r\n+OK stat\r\n");
  const RelayEnd end = bench.RunToEnd();
  EXPECT_EQ(bench.ClientGot(), "+OK noop\r\n");
  EXPECT_EQ(end.farewell, pop3::kReplyDraining);
}

TEST(RelayDrainTest, AQuitUnderWayIsFinished) {
  RelayBench bench;
  bench.client().Send("DELE 1\r\nQUIT\r\n");
  bench.Settle();
  bench.relay().Drain();
  bench.node().Send("+OK\r\n+OK bye\r\n");
  const RelayEnd end = bench.RunToEnd();
  EXPECT_EQ(bench.ClientGot(), "+OK\r\n+OK bye\r\n");
  EXPECT_EQ(end.reason, EndReason::kQuit);
  EXPECT_EQ(end.farewell, "");
  EXPECT_EQ(bench.record.deletes, 1u);
}

TEST(RelayDrainTest, AfterTheNodeWasLost) {
  RelayBench bench;
  bench.node().HalfClose();
  bench.Settle();
  bench.relay().Drain();
  EXPECT_EQ(bench.RunToEnd().farewell, pop3::kReplyDraining);
}

TEST(RelayDrainTest, Opaque) {
  RelayBench bench;
  bench.client().Send("XFOO\r\n");
  bench.Settle();
  bench.relay().Drain();
  const RelayEnd end = bench.RunToEnd();
  EXPECT_EQ(end.reason, EndReason::kDraining);
  EXPECT_EQ(end.farewell, "");
  EXPECT_TRUE(end.abrupt);
}

TEST(RelayDrainTest, NodeDiesWhileDraining) {
  RelayBench bench;
  bench.client().Send("RETR 1\r\n");
  bench.Settle();
  bench.node().Send("+OK\r\nhalf");
  bench.Settle();
  bench.relay().Drain();
  bench.node().HalfClose();
  const RelayEnd end = bench.RunToEnd();
  EXPECT_EQ(end.reason, EndReason::kNodeEof);
  EXPECT_TRUE(end.abrupt);
}

// The answer has come whole and is still being written when the word to drain comes; among these
// sizes are some where the client's window holds up just its end.
TEST(RelayDrainTest, WhileTheLastAnswerIsWritten) {
  int hits = 0;
  for (size_t size = 2000; size < 2200; size += 4) {
    SCOPED_TRACE(size);
    RelayBench bench({.faults = {.send_buffer_bytes = 1000, .receive_window_bytes = 1000}});
    bench.client().StopReading();
    bench.client().Send("RETR 1\r\n");
    bench.Settle();
    const std::string mail = "+OK\r\n" + std::string(size, 'x') + "\r\n.\r\n";
    bench.node().Send(mail);
    bench.Settle();
    hits += bench.record.messages == 1 && bench.record.bytes_to_client < mail.size() ? 1 : 0;
    bench.relay().Drain();
    bench.client().GoOnReading();
    const RelayEnd end = bench.RunToEnd();
    EXPECT_EQ(bench.ClientGot(), mail);
    EXPECT_EQ(end.reason, EndReason::kDraining);
    EXPECT_EQ(end.farewell, pop3::kReplyDraining);
  }
  EXPECT_GT(hits, 0);
}

TEST(RelayDrainTest, WhileAnAnswerOfOurOwnIsWritten) {
  RelayBench bench({.faults = {.send_buffer_bytes = 10, .receive_window_bytes = 10}});
  bench.client().StopReading();
  bench.client().Send("STLS\r\n");
  bench.Settle();
  bench.relay().Drain();
  bench.client().GoOnReading();
  const RelayEnd end = bench.RunToEnd();
  EXPECT_EQ(bench.ClientGot(), pop3::kReplyAlreadyLoggedIn);
  EXPECT_EQ(end.reason, EndReason::kDraining);
  EXPECT_EQ(end.farewell, pop3::kReplyDraining);
}

// --- at any instant of a busy dialogue

constexpr char kCommands[] =
    "STAT\r\nRETR 1\r\nSTLS\r\nCAPA\r\n?\r\nDELE 1\r\nRETR 2\r\nUSER x\r\nNOOP\r\nQUIT\r\n";

std::string Answer(std::string_view line) {
  if (line.starts_with("RETR")) return "+OK\r\n" + std::string(3000, 'm') + "\r\n.\r\n";
  if (line == "CAPA") return "+OK\r\nTOP\r\nSTLS\r\n.\r\n";
  return "+OK " + std::string(line) + "\r\n";
}

std::string WholeDialogue() {
  const std::string own(pop3::kReplyAlreadyLoggedIn);
  return "+OK STAT\r\n" + Answer("RETR 1") + own + "+OK\r\nTOP\r\n.\r\n" +
         std::string(pop3::kReplyBadCommand) + Answer("DELE 1") + Answer("RETR 2") + own +
         Answer("NOOP") + Answer("QUIT");
}

RelayBench::Options SlowWorld(uint64_t seed) {
  return {.faults = {.segment_bytes_max = 200,
                     .send_buffer_bytes = 500,
                     .receive_window_bytes = 500,
                     .cancel_delay_max = microseconds(300)},
          .seed = seed};
}

TEST(RelayDrainTest, AtAnyInstant) {
  for (uint64_t step = 0; step < 120; ++step) {
    SCOPED_TRACE(step);
    RelayBench bench(SlowWorld(step));
    bench.AnswerBy(Answer);
    bench.client().Send(kCommands);
    bench.Settle(microseconds(50 * step));
    if (!bench.ended()) bench.relay().Drain();
    const RelayEnd end = bench.RunToEnd(seconds(5));
    const std::string got = bench.ClientGot();
    // Whole answers, the first ones, whatever their number.
    EXPECT_TRUE(WholeDialogue().starts_with(got));
    EXPECT_FALSE(end.abrupt);
    if (end.reason == EndReason::kQuit) {
      EXPECT_EQ(got, WholeDialogue());
    } else {
      EXPECT_EQ(end.reason, EndReason::kDraining);
      EXPECT_EQ(end.farewell, pop3::kReplyDraining);
      EXPECT_TRUE(got.empty() || got.ends_with("\r\n"));
    }
    EXPECT_EQ(bench.record.deletes, end.reason == EndReason::kQuit ? 1u : 0u);
  }
}

TEST(RelayDrainTest, AbortAtAnyInstant) {
  for (uint64_t step = 0; step < 120; ++step) {
    SCOPED_TRACE(step);
    RelayBench bench(SlowWorld(step));
    bench.AnswerBy(Answer);
    bench.client().Send(kCommands);
    bench.Settle(microseconds(50 * step));
    const bool before = bench.ended();
    if (!before) bench.relay().Abort();
    const RelayEnd end = bench.RunToEnd();
    EXPECT_TRUE(WholeDialogue().starts_with(bench.ClientGot()));
    EXPECT_EQ(end.reason, before ? EndReason::kQuit : EndReason::kShutdown);
    EXPECT_EQ(end.abrupt, !before);
  }
}

TEST(RelayDrainTest, AbortOfAStalledClient) {
  RelayBench bench;
  bench.client().StopReading();
  bench.client().Send("RETR 1\r\n");
  bench.Settle();
  bench.node().Send("+OK\r\n" + std::string(1'000'000, 'x'));
  bench.Settle();
  bench.relay().Abort();
  EXPECT_EQ(bench.RunToEnd().reason, EndReason::kShutdown);
}

}  // namespace
}  // namespace poplar::session
