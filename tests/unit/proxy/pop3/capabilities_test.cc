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

Offer WithNodes(std::string_view capabilities) {
  return {.nodes = std::make_shared<const Capabilities>(capabilities)};
}

TEST(RenderBeforeLoginTest, IsOneExactMultiLineReplyOfShortLines) {
  const CapabilityEdits edits{.removed = {"TOP"}, .added = {"EXPIRE NEVER"}};
  const std::string wide = "EXPIRE " + std::string(kCapaLineBytesMax - 7, '9') + "\r\nUTF8\r\n";
  const Offer offers[] = {{},
                          {.user = false},
                          {.stls = true, .mechanisms = MechanismSet::All()},
                          WithNodes(wide),
                          {.edits = &edits}};
  for (const Offer& offer : offers) {
    const std::string reply = RenderBeforeLogin(offer);
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
  const Capabilities own(RenderBeforeLogin({}));
  for (std::string_view keyword :
       {"TOP", "UIDL", "USER", "PIPELINING", "RESP-CODES", "AUTH-RESP-CODE"}) {
    EXPECT_TRUE(own.Has(keyword)) << keyword;
  }
  for (std::string_view keyword : {"SASL", "STLS", "UTF8", "LANG", "EXPIRE", "APOP"}) {
    EXPECT_FALSE(own.Has(keyword)) << keyword;
  }
  EXPECT_NE(RenderBeforeLogin({}).find("\r\nIMPLEMENTATION Poplar\r\n"), std::string::npos);
  const Capabilities before_tls(RenderBeforeLogin({.user = false, .stls = true}));
  EXPECT_FALSE(before_tls.Has("USER"));
  EXPECT_TRUE(before_tls.Has("STLS"));
  EXPECT_TRUE(before_tls.Has("UIDL"));
}

TEST(RenderBeforeLoginTest, PromisesOnlyWhatTheNodesHave) {
  constexpr std::string_view kDepends[] = {"TOP", "UIDL", "PIPELINING", "RESP-CODES",
                                           "AUTH-RESP-CODE"};
  EXPECT_EQ(RenderBeforeLogin(WithNodes(kDovecot)), RenderBeforeLogin({}));
  EXPECT_EQ(RenderBeforeLogin(WithNodes("")),
            "+OK Capability list follows\r\nUSER\r\nIMPLEMENTATION Poplar\r\n.\r\n");
  for (std::string_view has : kDepends) {
    const Capabilities own(RenderBeforeLogin(WithNodes(std::string(has) + "\r\n")));
    EXPECT_TRUE(own.Has("USER"));
    for (std::string_view keyword : kDepends) EXPECT_EQ(own.Has(keyword), keyword == has) << has;
  }
}

// What has an argument is said in the nodes' words, what ends at Poplar isn't said at all.
TEST(RenderBeforeLoginTest, SaysWhatNodesSayOfThemselves) {
  EXPECT_EQ(RenderBeforeLogin(WithNodes("SASL PLAIN\r\nSTLS\r\nLANG\r\nEXPIRE 30 USER\r\n"
                                        "LOGIN-DELAY 10\r\nUTF8 USER\r\nXCLIENT\r\n")),
            "+OK Capability list follows\r\nUSER\r\nEXPIRE 30 USER\r\nLOGIN-DELAY 10\r\n"
            "UTF8 USER\r\nLANG\r\nIMPLEMENTATION Poplar\r\n.\r\n");
}

TEST(RenderBeforeLoginTest, OfAServerWithoutCapa) {
  EXPECT_EQ(RenderBeforeLogin({.nodes = std::make_shared<const Capabilities>(WithoutCapa())}),
            "+OK Capability list follows\r\nUSER\r\nTOP\r\nUIDL\r\nIMPLEMENTATION Poplar\r\n.\r\n");
}

// fetchmail's line has room for all but one of them.
TEST(RenderBeforeLoginTest, NamesTheMechanismsThatFit) {
  const Capabilities some(
      RenderBeforeLogin({.mechanisms = {Mechanism::kXoauth2, Mechanism::kPlain}}));
  EXPECT_EQ(some.Line("SASL"), "SASL PLAIN XOAUTH2");
  const Capabilities all(RenderBeforeLogin({.mechanisms = MechanismSet::All()}));
  EXPECT_EQ(all.Line("SASL"), "SASL PLAIN LOGIN XOAUTH2 OAUTHBEARER EXTERNAL SCRAM-SHA-256");
  EXPECT_EQ(RenderMechanisms(MechanismSet::All()),
            "+OK\r\nPLAIN\r\nLOGIN\r\nXOAUTH2\r\nOAUTHBEARER\r\nEXTERNAL\r\nSCRAM-SHA-256\r\n"
            "SCRAM-SHA-1\r\n.\r\n");
  EXPECT_EQ(RenderMechanisms({}), "+OK\r\n.\r\n");
}

TEST(RenderBeforeLoginTest, TheOperatorHasTheLastWord) {
  const CapabilityEdits edits{.removed = {"implementation", "UTF8", "SASL", "EXPIRE"},
                              .added = {"EXPIRE NEVER", "X-OURS"}};
  Offer offer = WithNodes("UIDL\r\nUTF8\r\nLANG\r\nEXPIRE 3\r\n");
  offer.mechanisms = {Mechanism::kPlain};
  EXPECT_TRUE(offer.NodesHave("UTF8"));
  offer.edits = &edits;
  EXPECT_EQ(
      RenderBeforeLogin(offer),
      "+OK Capability list follows\r\nUSER\r\nUIDL\r\nLANG\r\nEXPIRE NEVER\r\nX-OURS\r\n.\r\n");
  EXPECT_FALSE(offer.NodesHave("UTF8"));
  EXPECT_TRUE(offer.NodesHave("LANG"));
  EXPECT_FALSE(Offer().NodesHave("LANG"));
  EXPECT_EQ(FilterAfterLogin("+OK\r\nUIDL\r\nIMPLEMENTATION Dovecot\r\nEXPIRE 3\r\n.\r\n", &edits),
            "+OK\r\nUIDL\r\nEXPIRE NEVER\r\nX-OURS\r\n.\r\n");
  EXPECT_EQ(FilterAfterLogin("-ERR no CAPA\r\n", &edits), "-ERR no CAPA\r\n");
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
