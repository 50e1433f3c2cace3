// The relay in fair weather: every command and answer, in order, wherever the bytes are cut.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>

#include "proxy/pop3/limits.h"
#include "proxy/pop3/reply.h"
#include "tests/unit/proxy/session/relay_bench.h"

namespace poplar::session {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

struct Exchange {
  std::string_view command;
  std::string_view answer;
  std::string_view counted;  // as the meter is told
};

constexpr char kMail[] =
    "+OK 120 octets\r\nSubject: "
    "dots\r\n\r\n..\r\n...\r\n..x\r\nend.\r\n.\rx\r\n\n.\nbare\r\n\r\n.\r\n";

constexpr Exchange kDialogue[] = {
    {"STAT", "+OK 2 320\r\n", "STAT ok"},
    {"LIST", "+OK\r\n1 120\r\n2 200\r\n.\r\n", "LIST ok"},
    {"LIST 2", "+OK 2 200\r\n", "LIST ok"},
    {"LIST 3", "-ERR no such message\r\n", "LIST err"},
    {"UIDL", "+OK\r\n1 abc\r\n2 .def\r\n.\r\n", "UIDL ok"},
    {"uidl 1", "+OK 1 abc\r\n", "UIDL ok"},
    {"RETR 1", kMail, "RETR ok"},
    {"RETR 9", "-ERR [SYS/PERM] no such message\r\n", "RETR err"},
    {"TOP 1 0", "+OK\r\nSubject: dots\r\n\r\n.\r\n", "TOP ok"},
    {"DELE 1", "+OK marked\r\n", "DELE ok"},
    {"NOOP", "+OK\r\n", "NOOP ok"},
    {"LAST", "+OK 1\r\n", "LAST ok"},
    {"RSET", "+OK\n", "RSET ok"},  // a node that ends its lines carelessly
    {"LANG", "+OK\r\nen English\r\n.\r\n", "LANG ok"},
    {"LANG en", "+OK en\r\n", "LANG ok"},
    {"UTF8", "-ERR not now\r\n", "UTF8 err"},
    {"LIST ", "+OK\r\n.\r\n", "LIST ok"},
    {"DELE 2", "+OK\r\n", "DELE ok"},
    {"QUIT", "+OK bye\r\n", "QUIT ok"},
};

std::string AnswerOf(std::string_view line) {
  for (const Exchange& exchange : kDialogue) {
    if (exchange.command == line) return std::string(exchange.answer);
  }
  return "-ERR unexpected\r\n";
}

std::string AllCommands(std::string_view line_end = "\r\n") {
  std::string all;
  for (const Exchange& exchange : kDialogue) all.append(exchange.command).append(line_end);
  return all;
}

std::string AllAnswers() {
  std::string all;
  for (const Exchange& exchange : kDialogue) all.append(exchange.answer);
  return all;
}

void ExpectWholeDialogue(RelayBench& bench) {
  const RelayEnd end = bench.RunToEnd();
  EXPECT_EQ(bench.client().received(), AllAnswers());
  EXPECT_EQ(bench.node().received(), AllCommands());
  EXPECT_EQ(end.reason, EndReason::kQuit);
  EXPECT_EQ(end.farewell, "");
  EXPECT_FALSE(end.abrupt);
  EXPECT_EQ(bench.record.messages, 1u);
  EXPECT_EQ(bench.record.deletes, 1u);
  EXPECT_EQ(bench.record.commands, std::size(kDialogue));
  EXPECT_EQ(bench.record.bytes_to_client, AllAnswers().size());
  EXPECT_EQ(bench.record.bytes_from_node, AllAnswers().size());
  EXPECT_EQ(bench.record.bytes_to_node, AllCommands().size());
  std::vector<std::string> counted;
  for (const Exchange& exchange : kDialogue) counted.emplace_back(exchange.counted);
  EXPECT_EQ(bench.meter.calls, counted);
}

TEST(RelayCommandTest, EachInItsTurn) {
  RelayBench bench;
  bench.AnswerBy(AnswerOf);
  for (const Exchange& exchange : kDialogue) {
    bench.client().Send(std::string(exchange.command) + "\r\n");
    bench.Settle();
    EXPECT_TRUE(bench.client().received().ends_with(exchange.answer)) << exchange.command;
  }
  ExpectWholeDialogue(bench);
}

TEST(RelayCommandTest, AllInOnePacket) {
  RelayBench bench;
  bench.AnswerBy(AnswerOf);
  bench.client().Send(AllCommands());
  ExpectWholeDialogue(bench);
  EXPECT_EQ(bench.record.bytes_from_client, AllCommands().size());
}

TEST(RelayCommandTest, AllInThePacketWithPass) {
  const std::string commands = AllCommands();
  RelayBench bench({.unread = commands});
  // The relay may have sent them before the test could listen.
  const std::string before = bench.NodeGot();
  ASSERT_EQ(before, "");
  bench.AnswerBy(AnswerOf);
  ExpectWholeDialogue(bench);
}

TEST(RelayCommandTest, BareLineFeeds) {
  RelayBench bench;
  bench.AnswerBy(AnswerOf);
  bench.client().Send(AllCommands("\n"));
  ExpectWholeDialogue(bench);
}

// Bytes travel one by one in both directions, in many orders of events.
TEST(RelayCommandTest, ByteByByte) {
  for (uint64_t seed = 1; seed <= 40; ++seed) {
    SCOPED_TRACE(seed);
    RelayBench bench({.faults = {.segment_bytes_max = 1, .read_bytes_max = 1}, .seed = seed});
    bench.AnswerBy(AnswerOf);
    bench.client().Send(AllCommands());
    ExpectWholeDialogue(bench);
  }
}

TEST(RelayCommandTest, TinyBuffersEverywhere) {
  for (uint64_t seed = 1; seed <= 40; ++seed) {
    SCOPED_TRACE(seed);
    RelayBench bench({.faults = {.segment_bytes_max = 5,
                                 .send_buffer_bytes = 16,
                                 .receive_window_bytes = 7,
                                 .ready_batch = 1},
                      .seed = seed});
    bench.AnswerBy(AnswerOf);
    bench.client().Send(AllCommands());
    ExpectWholeDialogue(bench);
  }
}

TEST(RelayCommandTest, CommandsCutAtEveryByte) {
  const std::string commands = AllCommands();
  for (size_t cut = 1; cut < commands.size(); ++cut) {
    SCOPED_TRACE(cut);
    RelayBench bench;
    bench.AnswerBy(AnswerOf);
    bench.client().Send(commands.substr(0, cut));
    bench.Settle();
    bench.client().Send(commands.substr(cut));
    ExpectWholeDialogue(bench);
  }
}

TEST(RelayCommandTest, AnswersCutAtEveryByte) {
  const std::string answers = AllAnswers();
  for (size_t cut = 1; cut < answers.size(); ++cut) {
    SCOPED_TRACE(cut);
    RelayBench bench;
    bench.client().Send(AllCommands());
    bench.Settle();
    bench.node().Send(answers.substr(0, cut));
    bench.Settle();
    // Nothing is made up, and nothing held back but a line that isn't whole: it may be a status.
    const std::string& got = bench.client().received();
    ASSERT_EQ(got, answers.substr(0, got.size()));
    ASSERT_LE(got.size(), cut);
    ASSERT_THAT(answers.substr(got.size(), cut - got.size()), Not(HasSubstr("\n")));
    bench.node().Send(answers.substr(cut));
    ExpectWholeDialogue(bench);
  }
}

TEST(RelayCommandTest, AHundredInFlight) {
  RelayBench bench;
  std::string commands;
  std::string answers;
  for (int i = 1; i <= 100; ++i) {
    commands += "RETR " + std::to_string(i) + "\r\n";
    answers += "+OK message " + std::to_string(i) + "\r\n" + std::string(3000, 'a') + "\r\n.\r\n";
  }
  bench.client().Send(commands);
  bench.Settle();
  EXPECT_EQ(bench.NodeGot(), commands);  // all of them, before the first answer
  bench.node().Send(answers);
  bench.Settle(std::chrono::seconds(1));
  EXPECT_EQ(bench.ClientGot(), answers);
  EXPECT_EQ(bench.record.messages, 100u);
  EXPECT_EQ(bench.record.message_bytes, 100u * 3002);
}

TEST(RelayCommandTest, NoMoreThanTheQueueHoldsGoUp) {
  constexpr size_t kCommands = 1000;
  RelayBench bench;
  std::string commands;
  for (size_t i = 0; i < kCommands; ++i) commands += "NOOP\r\n";
  bench.client().Send(commands);
  bench.Settle();
  EXPECT_EQ(bench.node().received().size(), pop3::kCommandsInFlightMax * 6);
  for (size_t i = 0; i < kCommands; ++i) {
    bench.node().Send("+OK " + std::to_string(i) + "\r\n");
    if (i % 100 == 0) bench.Settle();
  }
  bench.Settle(std::chrono::seconds(1));
  EXPECT_EQ(bench.NodeGot(), commands);
  const std::string got = bench.ClientGot();
  EXPECT_EQ(static_cast<size_t>(std::count(got.begin(), got.end(), '\n')), kCommands);
  EXPECT_TRUE(got.ends_with("+OK 999\r\n"));
  EXPECT_EQ(bench.buffers_in_use(), 0u);
}

TEST(RelayCommandTest, AWholeMessageByTop) {
  RelayBench bench;
  bench.AnswerBy([](std::string_view) { return "+OK\r\nx\r\n.\r\n"; });
  bench.client().Send("TOP 1 99999999\r\nTOP 1 99999999999999999999999\r\nTOP 1 20\r\nTOP 1\r\n");
  bench.Settle();
  EXPECT_EQ(bench.record.messages, 2u);
  EXPECT_EQ(bench.record.message_bytes, 6u);
}

// --- CAPA

constexpr char kCapa[] =
    "+OK list\r\nTOP\r\nSTLS\r\nsasl PLAIN LOGIN\r\nUIDL\r\nXCLIENT ADDR\r\nPIPELINING\r\n.\r\n";
constexpr char kCapaLeft[] = "+OK list\r\nTOP\r\nUIDL\r\nPIPELINING\r\n.\r\n";

TEST(RelayCommandTest, CapaLosesWhatCannotPass) {
  const std::string around = "+OK before\r\n";
  const std::string answers = around + kCapa + "+OK after\r\n";
  for (size_t cut = 0; cut < answers.size(); ++cut) {
    SCOPED_TRACE(cut);
    RelayBench bench;
    bench.client().Send("NOOP\r\nCAPA\r\nSTAT\r\n");
    bench.Settle();
    bench.node().Send(answers.substr(0, cut));
    bench.Settle();
    bench.node().Send(answers.substr(cut));
    bench.Settle();
    EXPECT_EQ(bench.ClientGot(), around + kCapaLeft + "+OK after\r\n");
    EXPECT_THAT(bench.meter.calls, ElementsAre("NOOP ok", "CAPA ok", "STAT ok"));
  }
}

TEST(RelayCommandTest, CapaRefused) {
  RelayBench bench;
  bench.AnswerBy([](std::string_view line) { return line == "CAPA" ? "-ERR no\r\n" : "+OK\r\n"; });
  bench.client().Send("CAPA\r\nNOOP\r\n");
  bench.Settle();
  EXPECT_EQ(bench.ClientGot(), "-ERR no\r\n+OK\r\n");
}

TEST(RelayCommandTest, EndlessCapaEndsTheSession) {
  RelayBench bench;
  bench.client().Send("CAPA\r\n");
  bench.Settle();
  std::string flood = "+OK\r\n";
  while (flood.size() < 2 * pop3::kCapaReplyBytesMax) flood += "X-NOISE\r\n";
  bench.node().Send(flood);
  const RelayEnd end = bench.RunToEnd();
  EXPECT_EQ(end.reason, EndReason::kNodeProtocol);
  EXPECT_EQ(end.farewell, pop3::kReplyNodeLost);
  EXPECT_FALSE(end.abrupt);
  EXPECT_EQ(bench.ClientGot(), "");
}

// --- answers of Poplar's own

TEST(RelayCommandTest, LoginCommandsAreAnsweredHereInTheirTurn) {
  RelayBench bench;
  const std::string own(pop3::kReplyAlreadyLoggedIn);
  bench.client().Send("STLS\r\nNOOP\r\nUSER x\r\nAUTH PLAIN\r\nSTAT\r\nAPOP a b\r\nPASS y\r\n");
  bench.Settle();
  EXPECT_EQ(bench.ClientGot(), own);
  EXPECT_EQ(bench.NodeGot(), "NOOP\r\nSTAT\r\n");
  bench.node().Send("+OK noop\r\n");
  bench.Settle();
  EXPECT_EQ(bench.ClientGot(), "+OK noop\r\n" + own + own);
  bench.node().Send("+OK stat\r\n");
  bench.Settle();
  EXPECT_EQ(bench.ClientGot(), "+OK stat\r\n" + own + own);
  EXPECT_THAT(bench.meter.calls, ElementsAre("NOOP ok", "STAT ok"));
}

TEST(RelayCommandTest, OwnAnswersBetweenAnswersOfOneRead) {
  for (uint64_t seed = 1; seed <= 40; ++seed) {
    SCOPED_TRACE(seed);
    RelayBench bench({.seed = seed});
    const std::string own(pop3::kReplyAlreadyLoggedIn);
    bench.client().Send("RETR 1\r\nUSER x\r\nNOOP\r\nSTLS\r\nSTLS\r\nCAPA\r\nUSER y\r\n");
    bench.Settle();
    bench.node().Send("+OK\r\nmail\r\n.\r\n+OK noop\r\n" + std::string(kCapa));
    bench.Settle();
    EXPECT_EQ(bench.ClientGot(),
              "+OK\r\nmail\r\n.\r\n" + own + "+OK noop\r\n" + own + own + kCapaLeft + own);
  }
}

// More than the queue holds, in one packet, and no node to shorten it.
TEST(RelayCommandTest, ThreeHundredOwnAnswersInOnePacket) {
  RelayBench bench;
  std::string commands;
  std::string answers;
  for (int i = 0; i < 300; ++i) {
    commands += "STLS\r\n";
    answers += pop3::kReplyAlreadyLoggedIn;
  }
  bench.client().Send(commands + "NOOP\r\n");
  bench.Settle();
  EXPECT_EQ(bench.ClientGot(), answers);
  EXPECT_EQ(bench.NodeGot(), "NOOP\r\n");
  bench.node().Send("+OK\r\n");
  bench.Settle();
  EXPECT_EQ(bench.ClientGot(), "+OK\r\n");
}

TEST(RelayCommandTest, ThreeHundredOwnAnswersBehindOneOfTheNode) {
  RelayBench bench;
  std::string commands = "NOOP\r\n";
  std::string answers = "+OK\r\n";
  for (int i = 0; i < 300; ++i) {
    commands += "STLS\r\n";
    answers += pop3::kReplyAlreadyLoggedIn;
  }
  bench.client().Send(commands);
  bench.Settle();
  EXPECT_EQ(bench.ClientGot(), "");
  bench.node().Send("+OK\r\n");
  bench.Settle();
  EXPECT_EQ(bench.ClientGot(), answers);
}

// --- bad commands

struct BadCase {
  const char* name;
  std::string line;
  std::string_view answer;
};

class BadCommandTest : public testing::TestWithParam<BadCase> {};

TEST_P(BadCommandTest, NeverReachesTheNode) {
  RelayBench bench;
  bench.AnswerBy([](std::string_view) { return "+OK\r\n"; });
  bench.client().Send("NOOP\r\n" + GetParam().line + "NOOP\r\n");
  bench.Settle();
  EXPECT_EQ(bench.ClientGot(), "+OK\r\n" + std::string(GetParam().answer) + "+OK\r\n");
  EXPECT_EQ(bench.NodeGot(), "NOOP\r\nNOOP\r\n");
}

TEST_P(BadCommandTest, ByteByByte) {
  RelayBench bench({.faults = {.segment_bytes_max = 1, .read_bytes_max = 1}});
  bench.client().Send(GetParam().line);
  bench.Settle(std::chrono::seconds(1));
  EXPECT_EQ(bench.ClientGot(), GetParam().answer);
  EXPECT_EQ(bench.NodeGot(), "");
}

INSTANTIATE_TEST_SUITE_P(
    Table, BadCommandTest,
    testing::Values(
        BadCase{"Empty", "\r\n", pop3::kReplyBadCommand},
        BadCase{"Blank", " STAT\r\n", pop3::kReplyBadCommand},
        BadCase{"Nul", std::string("STAT\0\r\n", 7), pop3::kReplyBadCommand},
        BadCase{"LoneCr", "DELE 1\rDELE 2\r\n", pop3::kReplyBadCommand},
        BadCase{"EightBit", "\xc3\xbc\xc3\xbc\xc3\xbc\r\n", pop3::kReplyBadCommand},
        BadCase{"TooShort", "XY\r\n", pop3::kReplyBadCommand},
        BadCase{"Http", "Content-Type: text/html\r\n", pop3::kReplyBadCommand},
        BadCase{"TooLong", "LIST " + std::string(2000, '1') + "\r\n", pop3::kReplyLineTooLong},
        BadCase{"TooLongByOne", "LIST " + std::string(pop3::kCommandLineBytesMax - 6, '1') + "\r\n",
                pop3::kReplyLineTooLong}),
    [](const auto& info) { return info.param.name; });

TEST(RelayCommandTest, TheLongestLinePasses) {
  RelayBench bench;
  const std::string line = "LIST " + std::string(pop3::kCommandLineBytesMax - 7, '1') + "\r\n";
  ASSERT_EQ(line.size(), pop3::kCommandLineBytesMax);
  bench.client().Send(line);
  bench.Settle();
  EXPECT_EQ(bench.NodeGot(), line);
}

TEST(RelayCommandTest, AMegabyteWithoutALineEnd) {
  RelayBench bench;
  bench.client().Send(std::string(1 << 20, 'a'));
  bench.Settle(std::chrono::seconds(5));
  EXPECT_EQ(bench.ClientGot(), pop3::kReplyLineTooLong);
  bench.client().Send("\r\nNOOP\r\n");
  bench.Settle();
  EXPECT_EQ(bench.NodeGot(), "NOOP\r\n");
}

TEST(RelayCommandTest, TooManyBadCommands) {
  RelayBench bench;  // 5 are too many
  bench.client().Send("?\r\n?\r\nNOOP\r\n?\r\n?\r\n?\r\nNOOP\r\nQUIT\r\n");
  bench.Settle();
  EXPECT_FALSE(bench.ended());
  bench.node().Send("+OK\r\n");
  const RelayEnd end = bench.RunToEnd();
  const std::string bad(pop3::kReplyBadCommand);
  EXPECT_EQ(bench.ClientGot(),
            bad + bad + "+OK\r\n" + bad + bad + std::string(pop3::kReplyTooManyBadCommands));
  EXPECT_EQ(bench.NodeGot(), "NOOP\r\n");
  EXPECT_EQ(end.reason, EndReason::kTooManyBadCommands);
  EXPECT_FALSE(end.abrupt);
}

}  // namespace
}  // namespace poplar::session
