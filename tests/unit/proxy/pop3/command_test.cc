#include "proxy/pop3/command.h"

#include <gtest/gtest.h>

#include <string>

#include "proxy/pop3/limits.h"

namespace poplar::pop3 {
namespace {

using std::string_view_literals::operator""sv;

struct ParseCase {
  std::string_view line;
  Verb verb;
  std::string_view argument;
  bool has_argument;
};

class ParseCommandTest : public testing::TestWithParam<ParseCase> {};

TEST_P(ParseCommandTest, Parses) {
  const ParseCase& expected = GetParam();
  const Command command = ParseCommand(expected.line);
  EXPECT_EQ(command.verb, expected.verb) << VerbName(command.verb);
  EXPECT_EQ(command.argument, expected.argument);
  EXPECT_EQ(command.has_argument, expected.has_argument);
  if (command.verb == Verb::kMalformed) {
    EXPECT_EQ(command.keyword, "");
  } else {
    EXPECT_EQ(command.keyword, expected.line.substr(0, expected.line.find(' ')));
  }
}

INSTANTIATE_TEST_SUITE_P(
    EveryVerb, ParseCommandTest,
    testing::Values(
        ParseCase{"USER bob", Verb::kUser, "bob", true},
        ParseCase{"PASS x", Verb::kPass, "x", true},
        ParseCase{"APOP bob c4c9", Verb::kApop, "bob c4c9", true},
        ParseCase{"AUTH PLAIN", Verb::kAuth, "PLAIN", true},
        ParseCase{"CAPA", Verb::kCapa, "", false}, ParseCase{"STLS", Verb::kStls, "", false},
        ParseCase{"UTF8", Verb::kUtf8, "", false}, ParseCase{"LANG de", Verb::kLang, "de", true},
        ParseCase{"STAT", Verb::kStat, "", false}, ParseCase{"LIST", Verb::kList, "", false},
        ParseCase{"UIDL 7", Verb::kUidl, "7", true}, ParseCase{"RETR 1", Verb::kRetr, "1", true},
        ParseCase{"TOP 1 0", Verb::kTop, "1 0", true}, ParseCase{"DELE 1", Verb::kDele, "1", true},
        ParseCase{"RSET", Verb::kRset, "", false}, ParseCase{"NOOP", Verb::kNoop, "", false},
        ParseCase{"LAST", Verb::kLast, "", false}, ParseCase{"QUIT", Verb::kQuit, "", false}));

INSTANTIATE_TEST_SUITE_P(
    CaseAndBlanks, ParseCommandTest,
    testing::Values(
        ParseCase{"user bob", Verb::kUser, "bob", true},
        ParseCase{"UsEr bob", Verb::kUser, "bob", true},
        ParseCase{"tOp 1 2", Verb::kTop, "1 2", true}, ParseCase{"utf8", Verb::kUtf8, "", false},
        ParseCase{"AUTH ", Verb::kAuth, "", false},  // Outlook
        ParseCase{"AUTH   ", Verb::kAuth, "", false}, ParseCase{"LIST ", Verb::kList, "", false},
        ParseCase{"RETR 1 ", Verb::kRetr, "1", true},
        ParseCase{"RETR 1 \t ", Verb::kRetr, "1", true},
        ParseCase{"RETR  1", Verb::kRetr, " 1", true},
        ParseCase{"USER  bob", Verb::kUser, " bob", true},
        ParseCase{"USER bob smith", Verb::kUser, "bob smith", true},
        ParseCase{"USER", Verb::kUser, "", false}, ParseCase{"PASS", Verb::kPass, "", false},
        ParseCase{"PASS ", Verb::kPass, "", true}, ParseCase{"PASS  ", Verb::kPass, " ", true},
        ParseCase{"pass  a b \t ", Verb::kPass, " a b \t ", true},
        ParseCase{"USER b\xc3\xb6", Verb::kUser, "b\xc3\xb6", true},
        ParseCase{"PASS \xff\x01", Verb::kPass, "\xff\x01", true}));

INSTANTIATE_TEST_SUITE_P(
    Unknown, ParseCommandTest,
    testing::Values(ParseCase{"XTND XLST", Verb::kUnknown, "XLST", true},
                    ParseCase{"RPOP bob", Verb::kUnknown, "bob", true},
                    ParseCase{"XCLIENT ADDR=1", Verb::kUnknown, "ADDR=1", true},
                    ParseCase{"FOO", Verb::kUnknown, "", false},
                    ParseCase{"GET / HTTP/1.1", Verb::kUnknown, "/ HTTP/1.1", true},
                    ParseCase{"QUITX", Verb::kUnknown, "", false},
                    ParseCase{"USERS a", Verb::kUnknown, "a", true},
                    ParseCase{"RET 1", Verb::kUnknown, "1", true},
                    ParseCase{"ABCDEFGHIJKLMNO9", Verb::kUnknown, "", false}));

INSTANTIATE_TEST_SUITE_P(
    Malformed, ParseCommandTest,
    testing::Values(ParseCase{"", Verb::kMalformed, "", false},
                    ParseCase{" ", Verb::kMalformed, "", false},
                    ParseCase{" USER bob", Verb::kMalformed, "", false},
                    ParseCase{"\tUSER bob", Verb::kMalformed, "", false},
                    ParseCase{"USER\tbob", Verb::kMalformed, "", false},
                    ParseCase{"AB", Verb::kMalformed, "", false},
                    ParseCase{"AB cd", Verb::kMalformed, "", false},
                    ParseCase{"ABCDEFGHIJKLMNOPQ", Verb::kMalformed, "", false},
                    ParseCase{"Host: example.org", Verb::kMalformed, "", false},
                    ParseCase{"{\"a\":1}", Verb::kMalformed, "", false},
                    ParseCase{"US-R bob", Verb::kMalformed, "", false},
                    ParseCase{"US\xc3\x89R bob", Verb::kMalformed, "", false},
                    ParseCase{"US\x01R bob", Verb::kMalformed, "", false},
                    ParseCase{"QUIT\x7f", Verb::kMalformed, "", false},
                    ParseCase{"USER b\0b"sv, Verb::kMalformed, "", false},
                    ParseCase{"PASS b\0"sv, Verb::kMalformed, "", false},
                    ParseCase{"\0USER b"sv, Verb::kMalformed, "", false},
                    ParseCase{"USER\0 b"sv, Verb::kMalformed, "", false},
                    ParseCase{"PASS a\rb", Verb::kMalformed, "", false},
                    ParseCase{"QUIT\r", Verb::kMalformed, "", false},
                    ParseCase{"PASS a\nQUIT", Verb::kMalformed, "", false},
                    ParseCase{"\x16\x03\x01\x02\x00\x01"sv, Verb::kMalformed, "", false}));

TEST(ParseCommandBoundsTest, EveryByteInAKeywordOtherThanLettersAndDigitsIsMalformed) {
  for (int byte = 0; byte < 256; ++byte) {
    const char c = static_cast<char>(byte);
    const bool plausible =
        (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    const std::string line = {'N', 'O', c, 'X', 'Y'};
    const bool blank = c == ' ';  // then the keyword is "NO": too short
    EXPECT_EQ(ParseCommand(line).verb, plausible && !blank ? Verb::kUnknown : Verb::kMalformed)
        << byte;
  }
}

TEST(ParseCommandBoundsTest, KeywordLengths) {
  for (size_t length = 1; length <= 40; ++length) {
    const bool plausible = length >= kKeywordBytesMin && length <= kKeywordBytesMax;
    EXPECT_EQ(ParseCommand(std::string(length, 'Z')).verb,
              plausible ? Verb::kUnknown : Verb::kMalformed)
        << length;
  }
}

TEST(ParseCommandBoundsTest, NoOtherWordOfUpToFourLettersIsAKnownVerb) {
  int known = 0;
  for (char a = 'A'; a <= 'Z'; ++a) {
    for (char b = 'A'; b <= 'Z'; ++b) {
      for (char c = 'A'; c <= 'Z'; ++c) {
        known += ParseCommand(std::string{a, b, c}).verb != Verb::kUnknown;
        for (char d = 'A'; d <= 'Z'; ++d) {
          known += ParseCommand(std::string{a, b, c, d}).verb != Verb::kUnknown;
        }
      }
    }
  }
  EXPECT_EQ(known, 17);  // all but UTF8, which has a digit
}

TEST(ExpectsMultiLineTest, FollowsTheFramingTable) {
  const std::string_view multi[] = {"CAPA", "CAPA x", "RETR 1", "RETR", "TOP 1 0", "LIST", "LIST ",
                                    "UIDL", "uidl  ", "LANG",   "AUTH", "AUTH ",   "list"};
  for (std::string_view line : multi) EXPECT_TRUE(ExpectsMultiLine(ParseCommand(line))) << line;

  const std::string_view single[] = {"LIST 1", "UIDL 1", "LANG x", "AUTH PLAIN", "STAT",  "DELE 1",
                                     "NOOP",   "RSET",   "QUIT",   "LAST",       "STLS",  "USER a",
                                     "PASS a", "APOP a", "UTF8",   "XTND XLST",  "L\x01", ""};
  for (std::string_view line : single) EXPECT_FALSE(ExpectsMultiLine(ParseCommand(line))) << line;
}

TEST(VerbNameTest, NamesParseBackToTheirVerb) {
  for (size_t i = 0; i < static_cast<size_t>(Verb::kUnknown); ++i) {
    const Verb verb = static_cast<Verb>(i);
    EXPECT_EQ(ParseCommand(VerbName(verb)).verb, verb);
  }
  EXPECT_EQ(VerbName(Verb::kUnknown), "UNKNOWN");
  EXPECT_EQ(VerbName(Verb::kMalformed), "MALFORMED");
}

}  // namespace
}  // namespace poplar::pop3
