// Clients that may not delete.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "proxy/pop3/reply.h"
#include "tests/unit/proxy/session/relay_bench.h"

namespace poplar::session {
namespace {

using testing::ElementsAre;

RelayBench::Options Denied(uint64_t seed = 7) {
  RelayBench::Options options;
  options.seed = seed;
  options.relay.deletes = admission::Deletes::kDenied;
  options.max_snapshot_age = std::chrono::seconds(5);
  return options;
}

std::string AnswerOf(std::string_view line) {
  return line == "QUIT" ? "+OK bye\r\n" : "+OK " + std::string(line) + "\r\n";
}

const std::string kDenied(pop3::kReplyDeletesDenied);

TEST(RelayRetention, TheNodeNeverHearsOfADele) {
  RelayBench bench(Denied());
  bench.AnswerBy(AnswerOf);
  for (const char* dele :
       {"DELE 1\r\n", "dele 1\n", "Dele 99\r\n", "DELE\r\n", "DELE x\r\n", "DELE 1 \r\n"}) {
    bench.client().Send(dele);
    bench.Settle();
    EXPECT_EQ(bench.ClientGot(), kDenied) << dele;
  }
  EXPECT_EQ(bench.NodeGot(), "");
  EXPECT_EQ(bench.meter.calls, std::vector<std::string>(6, "DELE err"));
  bench.client().Send("QUIT\r\n");
  const RelayEnd end = bench.RunToEnd();
  EXPECT_EQ(end.reason, EndReason::kQuit);
  // Nothing was marked, so the session may be kept.
  EXPECT_EQ(end.park, ParkResult::kParked);
  EXPECT_EQ(bench.record.deletes, 0u);
}

// In their turn, in many orders of events.
TEST(RelayRetention, RefusalsKeepTheirPlaceAmongTheAnswers) {
  for (uint64_t seed = 1; seed <= 40; ++seed) {
    SCOPED_TRACE(seed);
    RelayBench::Options options = Denied(seed);
    options.faults = {.segment_bytes_max = 1, .read_bytes_max = 1};
    options.max_snapshot_age = {};
    RelayBench bench(options);
    bench.AnswerBy(AnswerOf);
    bench.client().Send(
        "STAT\r\nDELE 1\r\nDELE 2\r\nLIST 1\r\nDELE 3\r\nRSET\r\nDELE 1\r\nQUIT\r\n");
    EXPECT_EQ(bench.RunToEnd(std::chrono::seconds(5)).reason, EndReason::kQuit);
    EXPECT_EQ(bench.ClientGot(), "+OK STAT\r\n" + kDenied + kDenied + "+OK LIST 1\r\n" + kDenied +
                                     "+OK RSET\r\n" + kDenied + "+OK bye\r\n");
    EXPECT_EQ(bench.NodeGot(), "STAT\r\nLIST 1\r\nRSET\r\nQUIT\r\n");
    EXPECT_EQ(bench.record.deletes, 0u);
  }
}

// Behind a command that nobody understands a DELE would pass unseen.
TEST(RelayRetention, NoCommandThatWeDoNotKnowGetsThrough) {
  RelayBench bench(Denied());
  bench.AnswerBy(AnswerOf);
  bench.client().Send("XTND\r\nDELE 1\r\nXDELE 1\r\nNOOP\r\n");
  bench.Settle();
  EXPECT_EQ(bench.ClientGot(), std::string(pop3::kReplyNotSupported) + kDenied +
                                   std::string(pop3::kReplyNotSupported) + "+OK NOOP\r\n");
  EXPECT_EQ(bench.NodeGot(), "NOOP\r\n");
  EXPECT_FALSE(bench.record.opaque);
}

RelayBench::Options Kept() {
  RelayBench::Options options = Denied();
  options.relay.deletes = admission::Deletes::kKept;
  return options;
}

const std::string kKept(pop3::kReplyDeleteKept);
const std::string kNotRemoved(pop3::kReplyMarksMissed);

// They fetch everything, and learn at the end that the mail is still there.
TEST(RelayRetention, OthersAreToldYesUntilTheyQuit) {
  RelayBench bench(Kept());
  bench.AnswerBy(AnswerOf);
  bench.client().Send("STAT\r\nDELE 1\r\nXDELE 2\r\nDELE 2\r\n");
  bench.Settle();
  EXPECT_EQ(bench.ClientGot(),
            "+OK STAT\r\n" + kKept + std::string(pop3::kReplyNotSupported) + kKept);
  EXPECT_EQ(bench.NodeGot(), "STAT\r\n");
  EXPECT_EQ(bench.meter.calls, (std::vector<std::string>{"DELE ok", "DELE ok", "STAT ok"}));
  bench.client().Send("QUIT\r\n");
  const RelayEnd end = bench.RunToEnd();
  EXPECT_EQ(bench.ClientGot(), kNotRemoved);
  EXPECT_EQ(end.reason, EndReason::kQuit);
  EXPECT_EQ(end.park, ParkResult::kParked);  // at the node nothing was marked
  EXPECT_EQ(bench.record.deletes, 0u);
}

TEST(RelayRetention, ANodesAnswerToQuitIsReplacedToo) {
  RelayBench::Options options = Kept();
  options.max_snapshot_age = {};
  RelayBench bench(options);
  bench.AnswerBy(AnswerOf);
  bench.client().Send("DELE 1\r\nQUIT\r\n");
  EXPECT_EQ(bench.RunToEnd().reason, EndReason::kQuit);
  EXPECT_EQ(bench.ClientGot(), kKept + kNotRemoved);
  EXPECT_EQ(bench.NodeGot(), "QUIT\r\n");
}

TEST(RelayRetention, WhoTakesItBackIsToldNothing) {
  for (const char* rest : {"RSET\r\n", "NOOP\r\n"}) {
    RelayBench bench(Kept());
    bench.AnswerBy(AnswerOf);
    const bool reset = std::string_view(rest) == "RSET\r\n";
    bench.client().Send("DELE 1\r\n" + std::string(rest));
    bench.Settle();
    bench.ClientGot();
    bench.client().Send("QUIT\r\n");
    bench.RunToEnd();
    EXPECT_EQ(bench.ClientGot(), reset ? std::string(pop3::kReplyQuit) : kNotRemoved);
  }
}

TEST(RelayRetention, OthersDelete) {
  RelayBench bench;
  bench.AnswerBy(AnswerOf);
  bench.client().Send("DELE 1\r\nQUIT\r\n");
  bench.RunToEnd();
  EXPECT_EQ(bench.NodeGot(), "DELE 1\r\nQUIT\r\n");
  EXPECT_EQ(bench.record.deletes, 1u);
}

}  // namespace
}  // namespace poplar::session
