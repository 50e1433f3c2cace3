#include "proxy/pop3/transcript.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "proxy/pop3/limits.h"

namespace poplar::pop3 {
namespace {

using Start = Transcript::Start;
using testing::Contains;
using testing::Each;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

// "C..." and "S...": what each side says, in turn.
std::vector<std::string> Lines(Start start, const std::vector<std::string>& said,
                               size_t piece = std::string::npos) {
  std::vector<std::string> lines;
  Transcript transcript(start, [&lines](std::string_view line) { lines.emplace_back(line); });
  for (const std::string& each : said) {
    std::string_view rest = std::string_view(each).substr(1);
    while (!rest.empty()) {
      const std::string_view part = rest.substr(0, piece);
      rest.remove_prefix(part.size());
      each[0] == 'C' ? transcript.FromClient(part) : transcript.FromServer(part);
    }
  }
  transcript.End();
  return lines;
}

struct GoldenCase {
  const char* command;
  const char* answer;
  std::vector<const char*> lines;
};

TEST(TranscriptTest, ShowsEachCommandAsItMayBeShown) {
  const GoldenCase cases[] = {
      {"USER alice", "+OK", {"C: USER alice", "S: +OK"}},
      {"user al\\ice\xc3\xa9", "+OK", {"C: user al\\\\ice\\xc3\\xa9", "S: +OK"}},
      {"PASS se cret", "+OK in", {"C: PASS ***", "S: +OK in"}},
      {"PASS", "-ERR no", {"C: PASS", "S: -ERR no"}},
      {"PASS ", "-ERR no", {"C: PASS ***", "S: -ERR no"}},
      {"pass secret", "-ERR \"secret\" is wrong", {"C: pass ***", "S: -ERR ***"}},
      {"APOP alice c4c9334bac560ecc979e58001b3e22fb", "+OK", {"C: APOP ***", "S: +OK"}},
      {"CAPA", "+OK\r\nTOP\r\nUIDL\r\n.", {"C: CAPA", "S: +OK", "S: TOP", "S: UIDL"}},
      {"STLS", "-ERR no", {"C: STLS", "S: -ERR no"}},
      {"UTF8", "+OK", {"C: UTF8", "S: +OK"}},
      {"LANG", "+OK\r\nde\r\n.", {"C: LANG", "S: +OK", "S: de"}},
      {"LANG de-AT", "+OK", {"C: LANG de-AT", "S: +OK"}},
      {"LANG my secret", "-ERR", {"C: LANG ***", "S: -ERR"}},
      {"STAT", "+OK 2 320", {"C: STAT", "S: +OK 2 320"}},
      {"STAT secret", "-ERR", {"C: STAT ***", "S: -ERR"}},
      {"LIST 1", "+OK 1 120", {"C: LIST 1", "S: +OK 1 120"}},
      {"LIST secret", "-ERR", {"C: LIST ***", "S: -ERR"}},
      {"LIST", "-ERR later", {"C: LIST", "S: -ERR later"}},
      {"UIDL", "+OK\r\n1 a\x01\r\n.", {"C: UIDL", "S: +OK", "S: 1 a\\x01"}},
      {"RETR 1",
       "+OK 120 octets\r\nFrom: a\r\n\r\n..dot\r\n.",
       {"C: RETR 1", "S: +OK 120 octets", "S: [message: 18 bytes, 3 lines]"}},
      {"RETR 9", "-ERR no such message", {"C: RETR 9", "S: -ERR no such message"}},
      {"TOP 1 0", "+OK\r\n.", {"C: TOP 1 0", "S: +OK", "S: [message: 0 bytes, 0 lines]"}},
      {"DELE 1", "+OK", {"C: DELE 1", "S: +OK"}},
      {"RSET", "+OK", {"C: RSET", "S: +OK"}},
      {"NOOP", "+OK", {"C: NOOP", "S: +OK"}},
      {"LAST", "+OK 0", {"C: LAST", "S: +OK 0"}},
      {"QUIT", "+OK bye", {"C: QUIT", "S: +OK bye"}},
      {"AUTH", "+OK\r\nPLAIN\r\n.", {"C: AUTH", "S: +OK", "S: PLAIN"}},
      {"AUTH PLAIN AGEAYg==", "+OK", {"C: AUTH PLAIN ***", "S: +OK"}},
      {"auth cram-md5", "-ERR no", {"C: auth cram-md5", "S: -ERR no"}},
      {"AUTH AGEAYg==", "-ERR no", {"C: AUTH ***", "S: -ERR no"}},
      {"XCLIENT ADDR=192.0.2.1 FORWARD=c2VjcmV0 TTL=5 LOGIN=alice x",
       "+OK",
       {"C: XCLIENT ADDR=192.0.2.1 FORWARD=*** TTL=5 *** ***", "S: +OK"}},
      {"hunter2", "-ERR what is hunter2?", {"C: ***", "S: -ERR ***"}},
      {"my secret", "-ERR what?", {"C: ***", "S: -ERR ***"}},
      {"", "-ERR what?", {"C: ***", "S: -ERR ***"}}};
  for (const auto& [command, answer, lines] : cases) {
    SCOPED_TRACE(command);
    const std::vector<std::string> said{"C" + std::string(command) + "\r\n",
                                        "S" + std::string(answer) + "\r\n"};
    const std::vector<std::string> expected(lines.begin(), lines.end());
    EXPECT_EQ(Lines(Start::kIdle, said), expected);
    EXPECT_EQ(Lines(Start::kIdle, said, 1), expected) << "byte by byte";
  }
}

TEST(TranscriptTest, KeepsPipelinedAnswersApart) {
  EXPECT_THAT(
      Lines(Start::kGreeting, {"S+OK ready\r\n", "CSTAT\r\nRETR 1\r\nLIST\r\nQUIT\r\n",
                               "S+OK 1 5\r\n+OK\r\na\r\n.\r\n+OK\r\n1 5\r\n.\r\n+OK\r\n"}),
      ElementsAre("S: +OK ready", "C: STAT", "C: RETR 1", "C: LIST", "C: QUIT", "S: +OK 1 5",
                  "S: +OK", "S: [message: 3 bytes, 1 line]", "S: +OK", "S: 1 5", "S: +OK"));
}

TEST(TranscriptTest, MasksSaslBothWays) {
  EXPECT_THAT(Lines(Start::kIdle, {"CAUTH LOGIN\r\n", "S+ VXNlcg==\r\n", "CYWxpY2U=\r\n",
                                   "S+ UGFzcw==\r\n", "Cc2VjcmV0\r\n", "S+OK in\r\n", "CSTAT\r\n"}),
              ElementsAre("C: AUTH LOGIN", "S: + ***", "C: ***", "S: + ***", "C: ***", "S: +OK in",
                          "C: STAT"));
  EXPECT_THAT(Lines(Start::kIdle, {"CAUTH PLAIN\r\n", "S+\r\n", "C*\r\n", "S-ERR cancelled\r\n"}),
              ElementsAre("C: AUTH PLAIN", "S: +", "C: *", "S: -ERR cancelled"));
}

TEST(TranscriptTest, MasksWhatMayBeSaslThatCameTooEarly) {
  EXPECT_THAT(Lines(Start::kIdle, {"CAUTH LOGIN\r\nTElTVA==\r\nSTAT\r\nNOOP\r\n",
                                   "S+ VXNlcg==\r\n+ UGFzcw==\r\n+OK\r\n", "S+OK idle\r\n"}),
              ElementsAre("C: AUTH LOGIN", "C: ***", "C: ***", "C: ***", "S: + ***", "S: + ***",
                          "S: +OK ***", "S: +OK idle"));
}

TEST(TranscriptTest, MasksWhatTheClientAnswersAfterItsAuthHasEnded) {
  EXPECT_THAT(Lines(Start::kAuthAnswer,
                    {"S+ eA==\r\n", "S-ERR too slow\r\n", "Cc2VjcmV0\r\n", "S-ERR c2VjcmV0\r\n"}),
              ElementsAre("S: + ***", "S: -ERR too slow", "C: ***", "S: -ERR ***"));
}

// A node that repeats the password, in whichever form it has it.
TEST(TranscriptTest, MasksAnAnswerThatRepeatsTheSecret) {
  const std::string plain = "AGFsaWNlAHNlY3JldA==";  // alice, secret
  EXPECT_THAT(Lines(Start::kIdle, {"CAUTH PLAIN " + plain + "\r\n", "S-ERR bad SECRET\r\n"}),
              Contains("S: -ERR ***"));
  EXPECT_THAT(Lines(Start::kIdle, {"CAUTH PLAIN\r\n", "S+ \r\n", "C" + plain + "\r\n",
                                   "S-ERR " + plain + "\r\n"}),
              Contains("S: -ERR ***"));
  EXPECT_THAT(Lines(Start::kIdle, {"CAUTH PLAIN " + plain + "\r\n", "S-ERR alice not known\r\n"}),
              Contains("S: -ERR alice not known"));
}

TEST(TranscriptTest, MasksAnAnswerThatRepeatsWhatItHasNotHeard) {
  std::vector<std::string> lines;
  Transcript transcript(Start::kLoginAnswer,
                        [&lines](std::string_view line) { lines.emplace_back(line); });
  transcript.Hide("secret");
  transcript.FromServer("-ERR secret is wrong\r\n-ERR this is no secret\r\n");
  EXPECT_THAT(lines, ElementsAre("S: -ERR ***", "S: -ERR this is no secret"));
}

TEST(TranscriptTest, RemembersAllThatOneLoginHasShown) {
  EXPECT_THAT(Lines(Start::kIdle, {"CAUTH XOAUTH2 dXNlcj1hbGljZQFhdXRoPUJlYXJlciB0b2tlbgEB\r\n",
                                   "S+ eA==\r\n", "C\r\n", "S-ERR the token is old\r\n"}),
              ElementsAre("C: AUTH XOAUTH2 ***", "S: + ***", "C: ***", "S: -ERR ***"));
}

TEST(TranscriptTest, ListsSoMuchAndCountsTheRest) {
  std::string listing = "S+OK\r\n";
  for (int i = 1; i <= 9032; ++i) listing += std::to_string(i) + " 100\r\n";
  const auto lines = Lines(Start::kIdle, {"CLIST\r\n", listing + ".\r\n"}, 1000);
  ASSERT_EQ(lines.size(), 2 + kTranscriptListingLinesMax + 1);
  EXPECT_EQ(lines[33], "S: 32 100");
  EXPECT_EQ(lines[34], "S: [... 9,000 more lines]");
}

TEST(TranscriptTest, NeverShowsAMessageWhateverIsInIt) {
  const std::vector<std::string> said{
      "CRETR 1\r\nTOP 2 1\r\n",
      "S+OK\r\nbody-text\r\n+OK body-text\r\n.\n-ERR body-text\r\n..\r\nbody-text\r\n.\r\n",
      "S+OK\r\nbody-text\r\n.\r"};
  for (const size_t piece : {size_t{1}, size_t{7}, size_t{1000}})
    EXPECT_THAT(Lines(Start::kIdle, said, piece), Each(Not(HasSubstr("body"))));
}

TEST(TranscriptTest, CutsLongLines) {
  const std::string name(kTranscriptLineBytesMax + 1, 'a');
  EXPECT_THAT(Lines(Start::kIdle, {"CUSER " + name + "\r\n"}),
              ElementsAre("C: USER " + name.substr(1) + "..."));
  EXPECT_THAT(Lines(Start::kIdle, {"CPASS " + std::string(kSaslLineBytesMax, 'a') + "\r\n",
                                   "S-ERR Line too long\r\n"}),
              ElementsAre("C: [a line of more than 16,384 bytes]", "S: -ERR Line too long"));
}

TEST(TranscriptTest, OnlyCountsWhatItDoesNotUnderstand) {
  EXPECT_THAT(
      Lines(Start::kIdle,
            {"CXYZZY\r\n", "S+OK\r\nsecret\r\n.\r\n", "CPASS x\r\n", "CY\r\n", "S+OK\r\n"}),
      ElementsAre("C: ***", "S: +OK ***",
                  "[the answer to a command that is not understood; what follows is only "
                  "counted]",
                  "S: [opaque: 11 bytes]", "C: [opaque: 11 bytes]", "S: [opaque: 5 bytes]"));
  EXPECT_THAT(
      Lines(Start::kGreeting, {"SHTTP/1.1 200\r\nsecret\r\n"}),
      ElementsAre("[not an answer; what follows is only counted]", "S: [opaque: 22 bytes]"));
  EXPECT_THAT(Lines(Start::kIdle, {"CXYZZY\r\n", "S-ERR what?\r\n", "CSTAT\r\n", "S+OK 0 0\r\n"}),
              ElementsAre("C: ***", "S: -ERR ***", "C: STAT", "S: +OK 0 0"));
}

TEST(TranscriptTest, GivesUpOnMoreCommandsThanItKeepsCountOf) {
  std::string commands = "C";
  for (size_t i = 0; i <= kTranscriptCommandsMax; ++i) commands += "NOOP\r\n";
  const auto lines = Lines(Start::kIdle, {commands + "PASS secret\r\n"});
  ASSERT_EQ(lines.size(), kTranscriptCommandsMax + 3);
  EXPECT_THAT(lines[kTranscriptCommandsMax + 1], HasSubstr("too many commands"));
  EXPECT_EQ(lines.back(), "C: [opaque: 13 bytes]");
}

// Of answers to more than it remembers no text is shown.
TEST(TranscriptTest, RemembersSecretsWithinBounds) {
  const std::string secret(kSaslLineBytesMax - 100, 's');
  std::string commands = "C";
  std::string answers = "S";
  for (int i = 0; i < 6; ++i) {
    commands.append("PASS ").append(secret).append("\r\n");
    answers += "-ERR no\r\n";
  }
  const auto lines = Lines(Start::kIdle, {commands, answers});
  EXPECT_EQ(std::count(lines.begin(), lines.end(), "S: -ERR no"), 4);
  EXPECT_EQ(std::count(lines.begin(), lines.end(), "S: -ERR ***"), 2);
}

TEST(TranscriptTest, ForgetsWhatCameAheadOfTls) {
  std::vector<std::string> lines;
  Transcript transcript(Start::kIdle,
                        [&lines](std::string_view line) { lines.emplace_back(line); });
  transcript.FromClient("STLS\r\nAUTH PLAIN\r\nUSER a");
  transcript.FromServer("+OK begin\r\n");
  transcript.OnTls();
  transcript.FromClient("CAPA\r\n");
  transcript.FromServer("+OK\r\nTOP\r\n.\r\n");
  EXPECT_THAT(lines, ElementsAre("C: STLS", "C: AUTH PLAIN", "S: +OK begin", "[TLS]", "C: CAPA",
                                 "S: +OK", "S: TOP"));
}

TEST(TranscriptTest, SaysWhatWasCutOff) {
  EXPECT_THAT(Lines(Start::kIdle, {"CRETR 1\r\nPASS sec", "S+OK\r\nsecret\r\n"}),
              ElementsAre("C: RETR 1", "S: +OK", "C: [a line without its end]",
                          "S: [cut off after 8 bytes, 1 line]"));
  EXPECT_THAT(Lines(Start::kIdle, {"CSTAT\r\n", "S+OK sec"}),
              ElementsAre("C: STAT", "S: [an answer without its end]"));
}

}  // namespace
}  // namespace poplar::pop3
