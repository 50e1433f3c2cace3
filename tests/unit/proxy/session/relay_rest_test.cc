// Where neither side has anything to say the relay rests on two lookouts, and nobody notices.
#include <gtest/gtest.h>

#include "proxy/pop3/reply.h"
#include "tests/unit/proxy/session/relay_bench.h"

namespace poplar::session {
namespace {

using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

std::string SaysOk(std::string_view) { return "+OK\r\n"; }

class RelayRestTest : public testing::Test {
 protected:
  explicit RelayRestTest(const RelayBench::Options& options = {}) : bench_(options) {}

  // Both sides have been silent for long enough.
  void Rest() {
    bench_.Settle(seconds(1));
    ASSERT_EQ(bench_.lookouts(), 2u);
    ASSERT_FALSE(bench_.ended());
  }

  RelayBench bench_;
};

TEST_F(RelayRestTest, NotBetweenTheCommandsOfAClientAtWork) {
  bench_.AnswerBy(SaysOk);
  for (int i = 0; i < 20; ++i) {
    bench_.client().Send("NOOP\r\n");
    bench_.Settle(milliseconds(100));
    EXPECT_EQ(bench_.lookouts(), 0u);
  }
}

TEST_F(RelayRestTest, NotWhileTheNodeOwesAnAnswer) {
  bench_.client().Send("STAT\r\n");
  bench_.Settle(seconds(10));
  EXPECT_EQ(bench_.lookouts(), 0u);
}

TEST_F(RelayRestTest, ACommandEndsItAndItComesAgain) {
  bench_.AnswerBy(SaysOk);
  for (int i = 0; i < 3; ++i) {
    Rest();
    bench_.client().Send("STAT\r\n");
    bench_.Settle();
    EXPECT_EQ(bench_.ClientGot(), "+OK\r\n");
    EXPECT_EQ(bench_.lookouts(), 0u);
  }
  EXPECT_EQ(bench_.record.commands, 3u);
}

TEST_F(RelayRestTest, HalfALineIsKeptThroughIt) {
  bench_.AnswerBy(SaysOk);
  bench_.client().Send("ST");
  Rest();
  bench_.client().Send("A");
  Rest();
  bench_.client().Send("T\r\n");
  bench_.Settle();
  EXPECT_EQ(bench_.NodeGot(), "STAT\r\n");
  EXPECT_EQ(bench_.ClientGot(), "+OK\r\n");
}

TEST_F(RelayRestTest, TheClientMayLeave) {
  Rest();
  bench_.client().Shut();
  EXPECT_EQ(bench_.RunToEnd().reason, EndReason::kClientEof);
}

// The client learns it with its next command.
TEST_F(RelayRestTest, TheNodeMayLeave) {
  Rest();
  bench_.node().Shut();
  bench_.Settle(minutes(1));
  EXPECT_EQ(bench_.lookouts(), 0u);  // it has been noticed
  EXPECT_FALSE(bench_.ended());
  EXPECT_EQ(bench_.ClientGot(), "");
  bench_.client().Send("STAT\r\n");
  EXPECT_EQ(bench_.RunToEnd().reason, EndReason::kNodeEof);
  EXPECT_EQ(bench_.ClientGot(), pop3::kReplyNodeLost);
}

TEST_F(RelayRestTest, ANodeThatSpeaksUnaskedIsHeardAtOnce) {
  Rest();
  bench_.node().Send("* BYE\r\n");
  bench_.Settle();
  EXPECT_EQ(bench_.lookouts(), 0u);
  bench_.client().Send("STAT\r\n");
  EXPECT_EQ(bench_.RunToEnd().reason, EndReason::kNodeProtocol);
  EXPECT_EQ(bench_.ClientGot(), pop3::kReplyNodeLost);
}

TEST_F(RelayRestTest, ADrainEndsIt) {
  Rest();
  bench_.relay().Drain();
  const RelayEnd end = bench_.RunToEnd();
  EXPECT_EQ(end.reason, EndReason::kDraining);
  EXPECT_EQ(end.farewell, pop3::kReplyDraining);
}

TEST_F(RelayRestTest, AnAbortEndsIt) {
  Rest();
  bench_.relay().Abort();
  EXPECT_EQ(bench_.RunToEnd().reason, EndReason::kShutdown);
}

TEST_F(RelayRestTest, ANodeThatIsTakenDownIsLeft) {
  Rest();
  bench_.relay().DropNode();
  bench_.Settle();
  EXPECT_EQ(bench_.lookouts(), 0u);
  bench_.client().Send("STAT\r\n");
  EXPECT_EQ(bench_.RunToEnd().reason, EndReason::kNodeDown);
}

class ParkableRestTest : public RelayRestTest {
 protected:
  ParkableRestTest() : RelayRestTest({.max_snapshot_age = minutes(1)}) {}
};

TEST_F(ParkableRestTest, AQuitBehindItParks) {
  bench_.AnswerBy(SaysOk);
  Rest();
  bench_.client().Send("QUIT\r\n");
  const RelayEnd end = bench_.RunToEnd();
  EXPECT_EQ(end.reason, EndReason::kQuit);
  EXPECT_EQ(end.park, ParkResult::kParked);
  EXPECT_EQ(bench_.NodeGot(), "");
}

class ResumableRestTest : public RelayRestTest {
 protected:
  ResumableRestTest() : RelayRestTest(Resumable()) {}
  static RelayBench::Options Resumable() {
    RelayBench::Options options;
    options.relay.resumes = true;
    return options;
  }
};

TEST_F(ResumableRestTest, ANodeThatGoesOutIsLeft) {
  Rest();
  bench_.relay().SetNodeOut(true);
  const RelayEnd end = bench_.RunToEnd();
  EXPECT_EQ(end.reason, EndReason::kNodeOut);
  EXPECT_EQ(end.lost, ResumeResult::kResumed);
}

class AwakeRestTest : public RelayRestTest {
 protected:
  AwakeRestTest() : RelayRestTest({.keepalive = minutes(4)}) {}
};

// What ends a rest need not be the client's word.
TEST_F(AwakeRestTest, ItComesAgainAfterAnotherWait) {
  bench_.AnswerBy(SaysOk);
  Rest();
  EXPECT_TRUE(bench_.Run([this] { return bench_.lookouts() == 0; }, minutes(5)));
  bench_.Settle(milliseconds(200));
  EXPECT_EQ(bench_.NodeGot(), "NOOP\r\n");
  EXPECT_EQ(bench_.lookouts(), 0u);
  Rest();
}

TEST_F(AwakeRestTest, NobodyAsksANodeThatIsLeftInThatMoment) {
  bench_.AnswerBy(SaysOk);
  Rest();
  EXPECT_TRUE(bench_.Run([this] { return bench_.lookouts() < 2; }, minutes(5)));
  bench_.relay().DropNode();
  bench_.Settle();
  bench_.client().Send("STAT\r\n");
  EXPECT_EQ(bench_.RunToEnd().reason, EndReason::kNodeDown);
  EXPECT_EQ(bench_.ClientGot(), pop3::kReplyNodeLost);
}

// A command that comes just as the relay begins to rest, with cancellations that take their time.
TEST(RelayRestRaceTest, NoCommandIsLost) {
  for (uint64_t seed = 1; seed <= 200; ++seed) {
    SCOPED_TRACE(seed);
    RelayBench::Options options{.seed = seed};
    options.faults.turn_delay_max = milliseconds(2);
    options.faults.cancel_delay_max = milliseconds(10);
    RelayBench bench(options);
    bench.AnswerBy(SaysOk);
    for (uint64_t i = 0; i < 10; ++i) {
      bench.Settle(milliseconds(240 + (seed + i * 7) % 40));
      bench.client().Send("STAT\r\n");
      bench.Settle(milliseconds(100));
      ASSERT_EQ(bench.ClientGot(), "+OK\r\n");
    }
    bench.Settle(milliseconds(150 + seed % 20));
    bench.relay().Drain();
    EXPECT_EQ(bench.RunToEnd().reason, EndReason::kDraining);
  }
}

TEST_F(RelayRestTest, TheClientsIdleTimeGoesOn) {
  const io::Time begun = bench_.Now();
  Rest();
  EXPECT_EQ(bench_.RunToEnd(minutes(15)).reason, EndReason::kClientIdle);
  EXPECT_GE(bench_.Now() - begun, minutes(10));
  EXPECT_LE(bench_.Now() - begun, minutes(10) + seconds(1));
}

}  // namespace
}  // namespace poplar::session
