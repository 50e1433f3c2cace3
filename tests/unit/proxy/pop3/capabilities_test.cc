#include "proxy/pop3/capabilities.h"

#include <gtest/gtest.h>

#include <string>

#include "proxy/pop3/limits.h"
#include "proxy/pop3/reply_framer.h"
#include "tests/unit/proxy/pop3/naive_framing.h"

namespace poplar::pop3 {
namespace {

constexpr std::string_view kDovecot =
    "+OK\r\nCAPA\r\nTOP\r\nUIDL\r\nRESP-CODES\r\nPIPELINING\r\nAUTH-RESP-CODE\r\nSTLS\r\nUSER\r\n"
    "SASL PLAIN LOGIN\r\nXCLIENT\r\n.\r\n";

TEST(CapabilitiesTest, HasWhatALineBeginsWith) {
  const Capabilities node(kDovecot);
  for (std::string_view keyword :
       {"TOP", "top", "PIPELINING", "SASL", "sasl", "AUTH-RESP-CODE", "STLS"}) {
    EXPECT_TRUE(node.Has(keyword)) << keyword;
  }
  for (std::string_view keyword : {"", "PLAIN", "UTF8", "TO", "TOPS", "AUTH", "RESP", ".", "+OK"}) {
    EXPECT_FALSE(node.Has(keyword)) << keyword;
  }
  EXPECT_FALSE(Capabilities().Has("TOP"));
  EXPECT_TRUE(Capabilities("UIDL").Has("UIDL"));
}

TEST(CapabilitiesTest, HoldsNoMoreThanTheLimit) {
  std::string reply = "+OK\r\n";
  while (reply.size() < kCapaReplyBytesMax) reply += "X-FILLER\r\n";
  const Capabilities node(reply + "PIPELINING\r\n.\r\n");
  EXPECT_TRUE(node.Has("X-FILLER"));
  EXPECT_FALSE(node.Has("PIPELINING"));
}

TEST(CapabilitiesTest, TheCutMakesNoKeywordOutOfHalfALine) {
  const std::string filler(kCapaReplyBytesMax - 4 - 3, 'X');
  EXPECT_TRUE(Capabilities("A\r\n" + filler + "\r\nTOP").Has(filler));
  const Capabilities cut("UIDL\r\n" + std::string(kCapaReplyBytesMax - 6 - 2 - 3, 'X') +
                         "\r\nTOPOLOGY\r\n");
  EXPECT_TRUE(cut.Has("UIDL"));
  EXPECT_FALSE(cut.Has("TOP"));
  EXPECT_FALSE(Capabilities(std::string(2 * kCapaReplyBytesMax, 'X')).Has("X"));
}

TEST(RenderBeforeLoginTest, IsOneExactMultiLineReplyOfShortLines) {
  for (bool login_allowed : {true, false}) {
    const std::string reply = RenderBeforeLogin(login_allowed);
    ReplyFramer framer;
    framer.Expect(true);
    const ReplyFramer::Step step = framer.Feed(reply);
    EXPECT_TRUE(step.complete);
    EXPECT_EQ(step.consumed, reply.size());
    EXPECT_EQ(reply.find_first_of("<>@"), reply.npos);
    for (const std::string& line : naive::Lines(reply, 1000)) {
      EXPECT_LT(line.size(), kCapaLineBytesMax) << line;
      EXPECT_FALSE(line.empty());
    }
  }
}

TEST(RenderBeforeLoginTest, PromisesOnlyWhatIsTrue) {
  const Capabilities own(RenderBeforeLogin(true));
  for (std::string_view keyword :
       {"TOP", "UIDL", "USER", "PIPELINING", "RESP-CODES", "AUTH-RESP-CODE"}) {
    EXPECT_TRUE(own.Has(keyword)) << keyword;
  }
  for (std::string_view keyword : {"SASL", "STLS", "UTF8", "LANG", "EXPIRE", "APOP"}) {
    EXPECT_FALSE(own.Has(keyword)) << keyword;
  }
  EXPECT_NE(RenderBeforeLogin(true).find("\r\nIMPLEMENTATION Poplar\r\n"), std::string::npos);
  const Capabilities clear_text(RenderBeforeLogin(false));
  EXPECT_FALSE(clear_text.Has("USER"));
  EXPECT_TRUE(clear_text.Has("UIDL"));
}

TEST(RenderBeforeLoginTest, PromisesOnlyWhatTheNodesHave) {
  constexpr std::string_view kDepends[] = {"TOP", "UIDL", "PIPELINING", "RESP-CODES",
                                           "AUTH-RESP-CODE"};
  const Capabilities node(kDovecot);
  EXPECT_EQ(RenderBeforeLogin(true, node), RenderBeforeLogin(true));
  EXPECT_EQ(RenderBeforeLogin(false, node), RenderBeforeLogin(false));
  EXPECT_EQ(RenderBeforeLogin(true, Capabilities()),
            "+OK Capability list follows\r\nUSER\r\nIMPLEMENTATION Poplar\r\n.\r\n");
  EXPECT_EQ(RenderBeforeLogin(false, Capabilities("SASL PLAIN\r\nSTLS\r\nEXPIRE 0\r\nUTF8\r\n")),
            "+OK Capability list follows\r\nIMPLEMENTATION Poplar\r\n.\r\n");
  for (std::string_view has : kDepends) {
    const Capabilities own(RenderBeforeLogin(true, Capabilities(std::string(has) + "\r\n")));
    EXPECT_TRUE(own.Has("USER"));
    for (std::string_view keyword : kDepends) EXPECT_EQ(own.Has(keyword), keyword == has) << has;
  }
}

TEST(RenderBeforeLoginTest, OfAServerWithoutCapa) {
  EXPECT_EQ(RenderBeforeLogin(true, WithoutCapa()),
            "+OK Capability list follows\r\nUSER\r\nTOP\r\nUIDL\r\nIMPLEMENTATION Poplar\r\n.\r\n");
}

struct CommonCase {
  std::string_view a;
  std::string_view b;
  std::string_view in;   // one keyword a line
  std::string_view out;  // likewise
};

TEST(CommonTest, KeepsTheLinesThatBothHave) {
  const CommonCase cases[] = {
      {"TOP\r\nUIDL\r\n", "UIDL\r\nTOP\r\n", "TOP\r\nUIDL\r\n", ""},
      {"TOP\r\nUIDL\r\n", "top\r\n", "TOP\r\n", "UIDL\r\n"},
      {"+OK\r\nTOP\r\n.\r\n", "+OK\r\n TOP \r\n.\r\n", "TOP\r\n", "OK\r\n"},
      {"TOP", "TOP\r\n", "TOP\r\n", ""},
      {"TOP\r\n", "TOPS\r\n", "", "TOP\r\nTOPS\r\n"},
      {"TOP\r\n", "", "", "TOP\r\n"},
      {"", "TOP\r\n", "", "TOP\r\n"},
      // With an argument a capability is another one.
      {"EXPIRE 7\r\nUIDL\r\n", "EXPIRE 0\r\nUIDL\r\n", "UIDL\r\n", "EXPIRE\r\n"},
      {"EXPIRE 7\r\n", "expire 7\r\n", "EXPIRE\r\n", ""},
      // Words of a status line are no capabilities.
      {"+OK TOP\r\n", "+OK TOP\r\n", "", "TOP\r\n"},
  };
  for (const CommonCase& c : cases) {
    for (const Capabilities& both : {Common(Capabilities(c.a), Capabilities(c.b)),
                                     Common(Capabilities(c.b), Capabilities(c.a))}) {
      for (std::string keyword : naive::Lines(std::string(c.in), 1000))
        EXPECT_TRUE(both.Has(keyword)) << keyword << " of " << testing::PrintToString(c.a);
      for (std::string keyword : naive::Lines(std::string(c.out), 1000))
        EXPECT_FALSE(both.Has(keyword)) << keyword << " of " << testing::PrintToString(c.a);
    }
  }
}

TEST(PassesAfterLoginTest, StopsWhatEndsAtPoplar) {
  for (std::string_view line :
       {"STLS", "stls", "Stls\r\n", "SASL", "SASL PLAIN LOGIN", "sasl PLAIN\r\n", "XCLIENT",
        "XCLIENT ADDR PORT", " STLS", "SASL=PLAIN", "STLS\t"}) {
    EXPECT_FALSE(PassesAfterLogin(line)) << line;
  }
  for (std::string_view line :
       {"", ".", "TOP", "UIDL", "USER", "AUTH-RESP-CODE", "STLSX", "SASL-IR", "IMPLEMENTATION STLS",
        "EXPIRE NEVER", "..", "X-CLIENT", "\xff"}) {
    EXPECT_TRUE(PassesAfterLogin(line)) << line;
  }
}

struct FilterCase {
  std::string_view reply;
  std::string_view filtered;
};

TEST(FilterAfterLoginTest, CutsTheseLinesAndNothingElse) {
  const FilterCase cases[] = {
      {kDovecot,
       "+OK\r\nCAPA\r\nTOP\r\nUIDL\r\nRESP-CODES\r\nPIPELINING\r\nAUTH-RESP-CODE\r\nUSER\r\n.\r\n"},
      {"+OK\r\n.\r\n", "+OK\r\n.\r\n"},
      {"+OK list\r\nSTLS\r\n.\r\n", "+OK list\r\n.\r\n"},
      {"+OK SASL here\r\ntop\r\n  odd \t\r\n.\r\n", "+OK SASL here\r\ntop\r\n  odd \t\r\n.\r\n"},
      {"-ERR SASL\r\n", "-ERR SASL\r\n"},
      {"-ERR no\n", "-ERR no\n"},
      {"", ""},
      // A bare LF ends no line: cutting behind one would leave LF "." CRLF, which ends no reply.
      {"+OK\r\nTOP\nSTLS\r\n.\r\n", "+OK\r\nTOP\nSTLS\r\n.\r\n"},
      {"+OK\nSTLS\r\n.\r\n", "+OK\nSTLS\r\n.\r\n"},
  };
  for (const FilterCase& c : cases) {
    EXPECT_EQ(FilterAfterLogin(c.reply), c.filtered) << testing::PrintToString(c.reply);
  }
}

TEST(CapabilitiesTest, MechanismsOfTheSaslLine) {
  const Capabilities node(
      "+OK\r\nUSER\r\n sasl\tPLAIN  login XOAUTH2 \r\nSASL-IR\r\nX PLUS\r\n.\r\n");
  for (std::string_view name : {"PLAIN", "plain", "LOGIN", "xoauth2"}) {
    EXPECT_TRUE(node.OffersMechanism(name)) << name;
  }
  for (std::string_view name : {"", "SASL", "PLA", "PLAINX", "USER", "PLUS", "XOAUTH", "-IR"}) {
    EXPECT_FALSE(node.OffersMechanism(name)) << name;
  }
  EXPECT_FALSE(Capabilities("SASL\r\n").OffersMechanism("PLAIN"));
  EXPECT_FALSE(Capabilities("").OffersMechanism("PLAIN"));
  EXPECT_TRUE(Capabilities("SASL\r\nSASL LOGIN\r\n").OffersMechanism("LOGIN"));
}

}  // namespace
}  // namespace poplar::pop3
