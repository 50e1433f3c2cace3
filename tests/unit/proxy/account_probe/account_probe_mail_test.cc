#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <utility>

#include "proxy/account_probe/account_probe.h"
#include "proxy/account_probe/limits.h"
#include "tests/unit/proxy/account_probe/probe_bench.h"

namespace poplar::account_probe {
namespace {

using testing::ElementsAre;
using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;

struct MailCase {
  const char* name;
  const char* command;
  std::string answer;
  Step step;
  Fault fault;
  const char* outcomes;  // from the login on
};

class MailTest : public testing::TestWithParam<MailCase> {};

TEST_P(MailTest, IsUnderstood) {
  ProbeBench bench;
  bench.script.answers[GetParam().command] = GetParam().answer;
  const AccountReport report = bench.Probe();
  EXPECT_THAT(Outcomes(report), EndsWith(GetParam().outcomes));
  EXPECT_THAT(Faults(report, GetParam().step), ElementsAre(GetParam().fault));
  EXPECT_EQ(report.steps.size(), StepsOf(Security::kTls).size());
}

INSTANTIATE_TEST_SUITE_P(
    Table, MailTest,
    testing::Values(
        MailCase{"StatRefused", "STAT", "-ERR no\r\n", Step::kStat, Fault::kCommandRefused,
                 "login stat# quit"},
        MailCase{"StatTemporary", "STAT", "-ERR [SYS/TEMP] later\r\n", Step::kStat,
                 Fault::kTemporary, "login stat# quit"},
        MailCase{"StatPermanent", "STAT", "-ERR [SYS/PERM] broken\r\n", Step::kStat,
                 Fault::kPermanent, "login stat# quit"},
        MailCase{"StatNoNumbers", "STAT", "+OK many\r\n", Step::kStat, Fault::kNonsense,
                 "login stat#"},
        MailCase{"StatOneNumber", "STAT", "+OK 3\r\n", Step::kStat, Fault::kNonsense,
                 "login stat#"},
        MailCase{"StatHuge", "STAT", "+OK 99999999999999999999999 1\r\n", Step::kStat,
                 Fault::kNonsense, "login stat#"},
        MailCase{"StatNegative", "STAT", "+OK -3 600\r\n", Step::kStat, Fault::kNonsense,
                 "login stat#"},
        MailCase{"StatNone", "STAT", "3 600\r\n", Step::kStat, Fault::kNonsense, "login stat#"},
        MailCase{"StatTwice", "STAT", "+OK 3 600\r\n+OK 3 600\r\n", Step::kList, Fault::kNonsense,
                 "login stat list#"},
        MailCase{"StatEndless", "STAT", "+OK " + std::string(100'000, '1'), Step::kStat,
                 Fault::kTooMuch, "login stat#"},
        MailCase{"StatHangsUp", "STAT", "+OK 3 6\xff", Step::kStat, Fault::kClosed, "login stat#"},
        MailCase{"ListRefused", "LIST", "-ERR no\r\n", Step::kList, Fault::kCommandRefused,
                 "stat list# quit"},
        MailCase{"ListGap", "LIST", "+OK\r\n1 5\r\n3 6\r\n.\r\n", Step::kList, Fault::kNonsense,
                 "stat list#"},
        MailCase{"ListNoSize", "LIST", "+OK\r\n1 big\r\n.\r\n", Step::kList, Fault::kNonsense,
                 "stat list#"},
        MailCase{"ListLongLine", "LIST", "+OK\r\n1 " + std::string(5000, '1') + "\r\n.\r\n",
                 Step::kList, Fault::kNonsense, "stat list#"},
        MailCase{"ListCutOff", "LIST", "+OK\r\n1 300\r\n\xff", Step::kList, Fault::kClosed,
                 "stat list#"},
        MailCase{"ListOther", "LIST", "+OK\r\n1 300\r\n2 14\r\n.\r\n", Step::kList,
                 Fault::kCountsDiffer, "stat list! uidl message quit"},
        MailCase{"UidlRefused", "UIDL", "-ERR no\r\n", Step::kUidl, Fault::kCommandRefused,
                 "list uidl! message quit"},
        MailCase{"UidlRepeats", "UIDL", "+OK\r\n1 a\r\n2 b\r\n3 a\r\n.\r\n", Step::kUidl,
                 Fault::kIdsRepeat, "list uidl! message quit"},
        MailCase{"UidlOther", "UIDL", "+OK\r\n1 a\r\n.\r\n", Step::kUidl, Fault::kCountsDiffer,
                 "list uidl! message quit"},
        MailCase{"UidlNoIds", "UIDL", "+OK\r\n1\r\n.\r\n", Step::kUidl, Fault::kNonsense,
                 "list uidl#"},
        MailCase{"RetrRefused", "RETR", "-ERR no such message\r\n", Step::kMessage,
                 Fault::kCommandRefused, "uidl message# quit"},
        MailCase{"RetrEndless", "RETR", "+OK\r\n" + std::string(2'000'000, 'x'), Step::kMessage,
                 Fault::kTooMuch, "uidl message#"},
        MailCase{"RetrCutOff", "RETR", "+OK\r\nSubject: \xff", Step::kMessage, Fault::kClosed,
                 "uidl message#"},
        MailCase{"RetrShort", "RETR", "+OK\r\nS\r\n.\r\n", Step::kMessage, Fault::kIncomplete,
                 "uidl message! quit"},
        MailCase{"QuitRefused", "QUIT", "-ERR not all was removed\r\n", Step::kQuit,
                 Fault::kCommandRefused, "message quit!"},
        MailCase{"QuitHangsUp", "QUIT", "\xff", Step::kQuit, Fault::kClosed, "message quit#"}),
    [](const auto& info) { return info.param.name; });

TEST(AccountProbeMailTest, AnEmptyMaildropIsGood) {
  ProbeBench bench;
  bench.script.answers["STAT"] = "+OK 0 0\r\n";
  bench.script.answers["LIST"] = "+OK\r\n.\r\n";
  bench.script.answers["UIDL"] = "+OK\r\n.\r\n";
  const AccountReport report = bench.Probe();
  EXPECT_THAT(Outcomes(report), EndsWith("stat list uidl quit"));
  EXPECT_EQ(report.Find(Step::kMessage)->detail, "there is none");
}

TEST(AccountProbeMailTest, TheNewestCanBeReadInstead) {
  ProbeBench bench;
  bench.options.message = MessageChoice::kNewest;
  bench.script.answers["RETR"] = "+OK\r\n" + std::string(286, 'x') + "\r\n.\r\n";
  EXPECT_THAT(Outcomes(bench.Probe()), EndsWith("uidl message quit"));
  EXPECT_THAT(bench.received, HasSubstr("RETR 3\n"));
}

TEST(AccountProbeMailTest, OrNone) {
  ProbeBench bench;
  bench.options.message = MessageChoice::kNone;
  const AccountReport report = bench.Probe();
  EXPECT_EQ(report.Find(Step::kMessage)->detail, "not wanted");
  EXPECT_THAT(bench.received, Not(HasSubstr("RETR")));
}

TEST(AccountProbeMailTest, ALargeOneIsLeftAlone) {
  ProbeBench bench;
  bench.options.message_bytes_max = 13;
  const AccountReport report = bench.Probe();
  EXPECT_EQ(report.Find(Step::kMessage)->detail,
            "the smallest has 14 bytes, and no more than 13 are wanted");
  EXPECT_THAT(bench.received, Not(HasSubstr("RETR")));
}

// RFC 2449 section 6.7: EXPIRE 0 is a server that may delete what was read.
TEST(AccountProbeMailTest, NothingIsReadWhereReadingDeletes) {
  for (const auto& [line, reads] : {std::pair{"EXPIRE 0", false},
                                    {"EXPIRE 0 USER", false},
                                    {"expire 0", false},
                                    {"EXPIRE 30", true},
                                    {"EXPIRE NEVER", true},
                                    {"EXPIRE", true}}) {
    ProbeBench bench;
    bench.script.answers["CAPA"] = "+OK\r\nSASL PLAIN\r\n" + std::string(line) + "\r\n.\r\n";
    bench.Probe();
    EXPECT_EQ(bench.received.find("RETR") != std::string::npos, reads) << line;
  }
}

TEST(AccountProbeMailTest, TheSameMailHasTheSameHashes) {
  ProbeBench one;
  ProbeBench two({}, {.segment_bytes_max = 1, .read_bytes_max = 1});
  const AccountReport first = one.Probe();
  const AccountReport second = two.Probe();
  EXPECT_EQ(first.ids, second.ids);
  EXPECT_EQ(first.message, second.message);
  one.script.answers["UIDL"] = "+OK\r\n1 a\r\n2 b\r\n3 d\r\n.\r\n";
  one.script.answers["RETR"] = "+OK\r\nSubject: y\r\n\r\n.\r\n";
  const AccountReport third = one.Probe();
  EXPECT_NE(first.ids, third.ids);
  EXPECT_NE(first.message, third.message);
}

// A status line isn't the message's own.
TEST(AccountProbeMailTest, WhatTheServerSaysAheadDoesNotCount) {
  ProbeBench bench;
  const AccountReport first = bench.Probe();
  bench.script.answers["RETR"] = "+OK 14 octets, here you are\r\nSubject: x\r\n\r\n.\r\n";
  const AccountReport second = bench.Probe();
  EXPECT_EQ(first.message, second.message);
  EXPECT_EQ(second.message_bytes, 14u);
}

// CAPA is the only answer that is held whole.
TEST(AccountProbeMailTest, AnEndlessCapaIsNotHeld) {
  ProbeBench bench;
  bench.script.answers["CAPA"] = "+OK\r\n" + std::string(100'000, 'x');
  const AccountReport report = bench.Probe();
  EXPECT_THAT(Outcomes(report), EndsWith("greeting capabilities#"));
  EXPECT_THAT(Faults(report, Step::kCapabilities), ElementsAre(Fault::kTooMuch));
}

TEST(AccountProbeMailTest, AListingOfManyIsReadAsItPasses) {
  ProbeBench bench;
  std::string sizes = "+OK\r\n";
  std::string ids = "+OK\r\n";
  for (int i = 1; i <= 50'000; ++i) {
    sizes += std::to_string(i) + " " + std::to_string(i == 777 ? 14 : 1000 + i) + "\r\n";
    ids += std::to_string(i) + " id" + std::to_string(i) + "\r\n";
  }
  bench.script.answers["STAT"] = "+OK 50000 9\r\n";
  bench.script.answers["LIST"] = sizes + ".\r\n";
  bench.script.answers["UIDL"] = ids + ".\r\n";
  EXPECT_THAT(Outcomes(bench.Probe()), EndsWith("stat list uidl message quit"));
  EXPECT_THAT(bench.received, HasSubstr("RETR 777\n"));
}

}  // namespace
}  // namespace poplar::account_probe
