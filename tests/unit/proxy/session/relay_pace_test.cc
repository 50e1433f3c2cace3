// Sessions that may go only so fast.
#include <gtest/gtest.h>

#include "proxy/pop3/reply.h"
#include "tests/unit/proxy/session/relay_bench.h"

namespace poplar::session {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

RelayBench::Options Paced(uint64_t commands, uint64_t bytes, uint64_t seed = 7) {
  RelayBench::Options options;
  options.seed = seed;
  options.pace = {.commands = {.count = commands}, .bytes = {.count = bytes}};
  return options;
}

std::string Repeated(std::string_view text, int times) {
  std::string all;
  for (int i = 0; i < times; ++i) all += text;
  return all;
}

TEST(RelayPace, CommandsWaitForTheirTurnAndNoneIsLost) {
  RelayBench bench(Paced(10, 0));
  bench.AnswerBy([](std::string_view) { return "+OK\r\n"; });
  const io::Time begun = bench.Now();
  bench.client().Send(Repeated("NOOP\r\n", 31));
  const std::string all = Repeated("+OK\r\n", 31);
  // The first ten are there at once, and one more is let ahead of its time.
  bench.Settle(milliseconds(50));
  EXPECT_EQ(bench.client().received(), Repeated("+OK\r\n", 11));
  ASSERT_TRUE(bench.Run([&] { return bench.client().received() == all; }, seconds(10)));
  EXPECT_NEAR(io::Seconds(bench.Now() - begun), 2.0, 0.15);
  EXPECT_EQ(bench.node().received(), Repeated("NOOP\r\n", 31));
}

// As slowly as the client itself goes nothing waits.
TEST(RelayPace, AClientWithinItsRateNoticesNothing) {
  RelayBench bench(Paced(2, 0));
  bench.AnswerBy([](std::string_view) { return "+OK\r\n"; });
  for (int i = 0; i < 10; ++i) {
    bench.client().Send("NOOP\r\n");
    bench.Settle(milliseconds(20));
    EXPECT_EQ(bench.ClientGot(), "+OK\r\n") << i;
    bench.Settle(milliseconds(500));
  }
}

TEST(RelayPace, MailComesByItsRateAndWhole) {
  RelayBench bench(Paced(0, 64 * 1024));
  const std::string mail = "+OK\r\n" + Repeated(std::string(98, 'x') + "\r\n", 4000) + ".\r\n";
  bench.AnswerBy([&](std::string_view) { return mail; });
  const io::Time begun = bench.Now();
  bench.client().Send("RETR 1\r\n");
  ASSERT_TRUE(bench.Run([&] { return bench.client().received() == mail; }, seconds(60)));
  const double expected = static_cast<double>(mail.size()) / (64 * 1024) - 1;
  EXPECT_NEAR(io::Seconds(bench.Now() - begun), expected, 0.5);
  EXPECT_FALSE(bench.ended());
}

// However much the node has sent already.
TEST(RelayPace, MailComesLittleByLittle) {
  RelayBench bench(Paced(0, 10'000));
  const std::string mail = "+OK\r\n" + Repeated(std::string(98, 'x') + "\r\n", 2'000) + ".\r\n";
  bench.AnswerBy([&](std::string_view) { return mail; });
  bench.client().Send("RETR 1\r\n");
  bench.Settle(milliseconds(500));
  EXPECT_GT(bench.client().received().size(), 0u);
  EXPECT_LE(bench.client().received().size(), 2 * io::kReceiveBytesMax);
  ASSERT_TRUE(bench.Run([&] { return bench.client().received() == mail; }, seconds(60)));
}

// What makes the client wait is no silence of the node's, and no idleness of the client's.
TEST(RelayPace, NobodyIsBlamedForThePause) {
  RelayBench::Options options = Paced(0, 100);
  options.relay.client_idle = seconds(20);
  RelayBench bench(options);
  const std::string mail = "+OK\r\n" + Repeated(std::string(98, 'x') + "\r\n", 40) + ".\r\n";
  bench.AnswerBy([&](std::string_view line) { return line == "NOOP" ? "+OK\r\n" : mail; });
  bench.client().Send("RETR 1\r\nNOOP\r\n");
  const std::string all = mail + "+OK\r\n";
  const io::Time begun = bench.Now();
  ASSERT_TRUE(bench.Run([&] { return bench.client().received() == all; }, seconds(120)));
  EXPECT_GT(bench.Now() - begun, seconds(20));  // longer than either may be silent
  bench.Settle(seconds(19));
  EXPECT_FALSE(bench.ended());
  EXPECT_EQ(bench.RunToEnd(seconds(60)).reason, EndReason::kClientIdle);
}

TEST(RelayPace, EndsAtOnceWhenItMust) {
  RelayBench bench(Paced(1, 100));
  const std::string mail = "+OK\r\n" + std::string(10'000, 'x') + "\r\n.\r\n";
  bench.AnswerBy([&](std::string_view) { return mail; });
  bench.client().Send(Repeated("RETR 1\r\n", 20));
  bench.Settle(seconds(1));
  ASSERT_FALSE(bench.ended());
  bench.relay().Abort();
  bench.Settle(milliseconds(10));
  EXPECT_TRUE(bench.ended());
}

TEST(RelayPace, KeepsOrderWhateverTheWorldDoes) {
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    SCOPED_TRACE(seed);
    RelayBench::Options options = Paced(5, 200, seed);
    options.faults = {.segment_bytes_max = 1, .read_bytes_max = 1};
    options.relay.deletes = admission::Deletes::kDenied;
    RelayBench bench(options);
    bench.AnswerBy([](std::string_view line) { return "+OK " + std::string(line) + "\r\n"; });
    std::string expected;
    std::string sent;
    for (int i = 1; i <= 20; ++i) {
      const std::string number = std::to_string(i);
      sent += "LIST " + number + "\r\nDELE " + number + "\r\n";
      expected += "+OK LIST " + number + "\r\n" + std::string(pop3::kReplyDeletesDenied);
    }
    bench.client().Send(sent + "QUIT\r\n");
    EXPECT_EQ(bench.RunToEnd(seconds(60)).reason, EndReason::kQuit);
    EXPECT_EQ(bench.client().received(), expected + "+OK QUIT\r\n");
  }
}

}  // namespace
}  // namespace poplar::session
