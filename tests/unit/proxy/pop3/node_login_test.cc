#include "proxy/pop3/node_login.h"

#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "proxy/pop3/limits.h"
#include "proxy/pop3/node_message.h"
#include "tests/unit/proxy/pop3/freed_memory_watch.h"

namespace poplar::pop3 {
namespace {

using Kind = NodeLogin::Action::Kind;

void ExpectAction(const NodeLogin::Action& action, Kind kind, std::string_view bytes) {
  EXPECT_EQ(action.kind, kind);
  EXPECT_EQ(action.bytes, bytes);
}

Credential Bob(std::string_view password = "x") {
  return PasswordCredential("bob", Secret(password));
}

Credential Token(Mechanism mechanism, std::string_view token = "tok") {
  Credential credential = PasswordCredential("bob", Secret(token));
  credential.mechanism = mechanism;
  return credential;
}

Credential Scram() {
  Credential credential;
  credential.mechanism = Mechanism::kScramSha256;
  credential.identity.user = "bob";
  credential.first_message = Secret("n,,n=bob,r=abc");
  return credential;
}

const Capabilities kAll("SASL PLAIN XOAUTH2 OAUTHBEARER SCRAM-SHA-256\r\nUTF8\r\nLANG\r\n");
constexpr std::string_view kGarbage[] = {"", "OK", "* OK", "-ERRx", "+ok", ".", "++", "+abc"};

TEST(ParseGreetingTest, TellsReadyFromRefusedFromGarbage) {
  for (std::string_view line : {"+OK", "+OK Dovecot ready.", "+OK [XCLIENT] hi", "+OK <1.2@x>"}) {
    EXPECT_EQ(ParseGreeting(line), Greeting::kReady) << line;
  }
  for (std::string_view line : {"-ERR", "-ERR [SYS/TEMP] no", "-ERR too many connections"}) {
    EXPECT_EQ(ParseGreeting(line), Greeting::kRefused) << line;
  }
  for (std::string_view line :
       {"", "* OK IMAP4rev1", "220 mail ESMTP", "HTTP/1.1 400", "+ok", "\x15\x03"}) {
    EXPECT_EQ(ParseGreeting(line), Greeting::kGarbage) << line;
  }
}

// --- USER and PASS

TEST(NodeLoginTest, SendsUserThenPass) {
  const Credential bob = PasswordCredential("bob@example.org", Secret(" a b "));
  NodeLogin login(bob, {});
  ExpectAction(login.Start(), Kind::kSend, "USER bob@example.org\r\n");
  EXPECT_FALSE(login.password_sent());
  ExpectAction(login.OnLine("+OK"), Kind::kSend, "PASS  a b \r\n");
  EXPECT_TRUE(login.password_sent());
  ExpectAction(login.OnLine("+OK Logged in."), Kind::kAccepted, "");
}

TEST(NodeLoginTest, ARefusedUserNeverSeesThePassword) {
  const Credential bob = Bob();
  NodeLogin login(bob, {});
  login.Start();
  ExpectAction(login.OnLine("-ERR [SYS/TEMP] no"), Kind::kRefused, "");
  EXPECT_FALSE(login.password_sent());
}

TEST(NodeLoginTest, ARefusedPassword) {
  const Credential bob = Bob();
  NodeLogin login(bob, {});
  login.Start();
  login.OnLine("+OK");
  ExpectAction(login.OnLine("-ERR [AUTH] no"), Kind::kRefused, "");
  EXPECT_TRUE(login.password_sent());
}

TEST(NodeLoginTest, GarbageIsAProtocolErrorAtEitherStep) {
  const Credential bob = Bob();
  for (std::string_view garbage : {"", "OK", "+ ", "+", "* OK", "-ERRx", "+ok", "."}) {
    NodeLogin at_user(bob, {});
    at_user.Start();
    ExpectAction(at_user.OnLine(garbage), Kind::kProtocolError, "");
    EXPECT_FALSE(at_user.password_sent());

    NodeLogin at_pass(bob, {});
    at_pass.Start();
    at_pass.OnLine("+OK");
    ExpectAction(at_pass.OnLine(garbage), Kind::kProtocolError, "");
    EXPECT_TRUE(at_pass.password_sent());
  }
}

TEST(NodeLoginTest, ALineTooManyIsAProtocolError) {
  const Credential bob = Bob();
  NodeLogin early(bob, {});
  ExpectAction(early.OnLine("+OK"), Kind::kProtocolError, "");

  NodeLogin accepted(bob, {});
  accepted.Start();
  accepted.OnLine("+OK");
  accepted.OnLine("+OK");
  ExpectAction(accepted.OnLine("+OK"), Kind::kProtocolError, "");

  NodeLogin refused(bob, {});
  refused.Start();
  refused.OnLine("-ERR");
  ExpectAction(refused.OnLine("+OK"), Kind::kProtocolError, "");
  EXPECT_FALSE(refused.password_sent());
}

TEST(NodeLoginTest, NothingThatReadsAsAnotherCommandIsSent) {
  const std::string_view unsafe[] = {
      "", "a\rb", "a\nb", "a\r\nDELE 1", std::string_view("a\0b", 3), "\n"};
  for (const Capabilities* offered : {static_cast<const Capabilities*>(nullptr), &kAll}) {
    for (std::string_view bytes : unsafe) {
      SCOPED_TRACE(testing::PrintToString(bytes));
      const Credential bad_user = PasswordCredential(bytes, Secret("x"));
      NodeLogin by_user(bad_user, {.offered = offered});
      ExpectAction(by_user.Start(), Kind::kUnsafeCredential, "");
      ExpectAction(by_user.OnLine("+OK"), Kind::kProtocolError, "");

      const Credential bad_password = PasswordCredential("bob", Secret(bytes));
      NodeLogin by_password(bad_password, {.offered = offered});
      ExpectAction(by_password.Start(), Kind::kUnsafeCredential, "");
      EXPECT_FALSE(by_password.password_sent());
    }
  }
}

// --- both at once

const Capabilities kPipelining("USER\r\nPIPELINING\r\n");

TEST(NodeLoginTest, SendsUserAndPassTogetherWhereTheNodeOffersIt) {
  const Credential bob = Bob("a b");
  NodeLogin login(bob, {.offered = &kPipelining, .at_once = true});
  ExpectAction(login.Start(), Kind::kSend, "USER bob\r\nPASS a b\r\n");
  EXPECT_TRUE(login.password_sent());
  ExpectAction(login.OnLine("+OK"), Kind::kListen, "");
  ExpectAction(login.OnLine("+OK Logged in."), Kind::kAccepted, "");
  ExpectAction(login.OnLine("+OK"), Kind::kProtocolError, "");
}

TEST(NodeLoginTest, CarefullyOrUnaskedOneAfterTheOther) {
  const Credential bob = Bob();
  for (const bool careful : {true, false}) {
    NodeLogin login(bob, {.offered = &kPipelining, .careful = careful, .at_once = careful});
    ExpectAction(login.Start(), Kind::kSend, "USER bob\r\n");
    EXPECT_FALSE(login.password_sent());
    ExpectAction(login.OnLine("+OK"), Kind::kSend, "PASS x\r\n");
  }
  Credential utf8 = Bob();
  utf8.utf8 = true;
  const Capabilities offered("PIPELINING\r\nUTF8\r\n");
  NodeLogin heard(utf8, {.offered = &offered, .careful = true, .at_once = true});
  heard.Start();
  ExpectAction(heard.OnLine("+OK"), Kind::kSend, "USER bob\r\nPASS x\r\n");
}

TEST(NodeLoginTest, TheNodesWordOnEitherOfBoth) {
  const Credential bob = Bob();
  for (const char* word : {"-ERR [AUTH] no", "-ERR [IN-USE] busy", "-ERR"}) {
    NodeLogin user(bob, {.offered = &kPipelining, .at_once = true});
    user.Start();
    ExpectAction(user.OnLine(word), Kind::kRefused, "");
    NodeLogin pass(bob, {.offered = &kPipelining, .at_once = true});
    pass.Start();
    pass.OnLine("+OK");
    ExpectAction(pass.OnLine(word), Kind::kRefused, "");
  }
  for (std::string_view garbage : kGarbage) {
    NodeLogin pass(bob, {.offered = &kPipelining, .at_once = true});
    pass.Start();
    pass.OnLine("+OK");
    ExpectAction(pass.OnLine(garbage), Kind::kProtocolError, "");
  }
}

// --- AUTH PLAIN

TEST(NodeLoginTest, PlainInOneLine) {
  const Credential bob = Bob();
  NodeLogin login(bob, {.offered = &kAll});
  ExpectAction(login.Start(), Kind::kSend, "AUTH PLAIN AGJvYgB4\r\n");
  EXPECT_TRUE(login.password_sent());
  ExpectAction(login.OnLine("+OK Logged in."), Kind::kAccepted, "");
  EXPECT_FALSE(login.client_asked());
}

TEST(NodeLoginTest, TheNodesWordOnPlain) {
  for (const char* word : {"-ERR [AUTH] no", "-ERR [IN-USE] busy", "-ERR"}) {
    const Credential bob = Bob();
    NodeLogin login(bob, {.offered = &kAll});
    login.Start();
    ExpectAction(login.OnLine(word), Kind::kRefused, "");
  }
}

// Nothing is at stake before a connection that was idle has said something.
TEST(NodeLoginTest, CarefullyInTwoLines) {
  for (const char* question : {"+ ", "+", "+  ", "+ go ahead", "+ R28gYWhlYWQ="}) {
    const Credential bob = Bob();
    NodeLogin login(bob, {.offered = &kAll, .careful = true});
    ExpectAction(login.Start(), Kind::kSend, "AUTH PLAIN\r\n");
    EXPECT_FALSE(login.password_sent());
    ExpectAction(login.OnLine(question), Kind::kSend, "AGJvYgB4\r\n");
    EXPECT_TRUE(login.password_sent());
    ExpectAction(login.OnLine("+OK"), Kind::kAccepted, "");
  }
}

TEST(NodeLoginTest, ALongMessageGoesOnItsOwnLine) {
  // Line ends and "AUTH PLAIN " take 13 bytes; "\0bob\0" 5 bytes of the message.
  constexpr size_t kFits = (kAuthLineBytesMax - 13) / 4 * 3 - 5;
  for (const size_t bytes : {kFits, kFits + 1}) {
    const Credential bob = Bob(std::string(bytes, 'p'));
    NodeLogin login(bob, {.offered = &kAll});
    const NodeLogin::Action action = login.Start();
    EXPECT_LE(action.bytes.size(), kAuthLineBytesMax);
    EXPECT_EQ(action.bytes == "AUTH PLAIN\r\n", bytes > kFits);
    EXPECT_EQ(login.password_sent(), bytes == kFits);
    if (bytes == kFits) continue;
    const std::string line = std::string(login.OnLine("+ ").bytes);
    EXPECT_EQ(DecodeBase64(line.substr(0, line.size() - 2))->Expose(),
              std::string("\0bob\0", 5) + std::string(bytes, 'p'));
  }
}

// RFC 1734's servers know no initial response: they ask for what they have been given.
TEST(NodeLoginTest, ANodeThatIgnoresTheInitialResponse) {
  const Credential bob = Bob();
  NodeLogin login(bob, {.offered = &kAll});
  login.Start();
  ExpectAction(login.OnLine("+ "), Kind::kSend, "AGJvYgB4\r\n");
  ExpectAction(login.OnLine("+ "), Kind::kProtocolError, "");
}

TEST(NodeLoginTest, WhatPlainNeverGets) {
  const Credential bob = Bob();
  for (std::string_view garbage : kGarbage) {
    for (const bool careful : {false, true}) {
      NodeLogin login(bob, {.offered = &kAll, .careful = careful});
      login.Start();
      ExpectAction(login.OnLine(garbage), Kind::kProtocolError, "");
      EXPECT_EQ(login.password_sent(), !careful);
    }
  }
  NodeLogin question(bob, {.offered = &kAll});
  question.Start();
  ExpectAction(question.OnLine("+ cXVlc3Rpb24="), Kind::kProtocolError, "");
  NodeLogin unasked(bob, {.offered = &kAll, .careful = true});
  unasked.Start();
  ExpectAction(unasked.OnLine("+OK Logged in."), Kind::kProtocolError, "");
  EXPECT_FALSE(unasked.password_sent());
  NodeLogin refused(bob, {.offered = &kAll, .careful = true});
  refused.Start();
  ExpectAction(refused.OnLine("-ERR no"), Kind::kRefused, "");
  EXPECT_FALSE(refused.password_sent());
}

TEST(NodeLoginTest, AnotherMailbox) {
  Credential boss = Bob();
  boss.mechanism = Mechanism::kPlain;
  boss.identity.authorization = "al";
  NodeLogin plain(boss, {.offered = &kAll});
  ExpectAction(plain.Start(), Kind::kSend, "AUTH PLAIN YWwAYm9iAHg=\r\n");
  const MasterUser separator{.name = {}, .password = {}, .separator = "*"};
  NodeLogin user(boss, {.master = &separator});
  ExpectAction(user.Start(), Kind::kSend, "USER al*bob\r\n");
  ExpectAction(user.OnLine("+OK"), Kind::kSend, "PASS x\r\n");
  NodeLogin neither(boss, {});
  ExpectAction(neither.Start(), Kind::kImpossible, "");
  EXPECT_NE(neither.why(), "");
  ExpectAction(neither.OnLine("+OK"), Kind::kProtocolError, "");
}

// --- tokens

TEST(NodeLoginTest, ATokenThatIsTaken) {
  const Credential token = Token(Mechanism::kXoauth2);
  NodeLogin login(token, {.offered = &kAll});
  ExpectAction(login.Start(), Kind::kSend, "AUTH XOAUTH2 dXNlcj1ib2IBYXV0aD1CZWFyZXIgdG9rAQE=\r\n");
  EXPECT_TRUE(login.password_sent());
  ExpectAction(login.OnLine("+OK"), Kind::kAccepted, "");
}

TEST(NodeLoginTest, ALongTokenGoesOnItsOwnLine) {
  const Credential token = Token(Mechanism::kOauthBearer, std::string(3000, 't'));
  NodeLogin login(token, {.offered = &kAll});
  ExpectAction(login.Start(), Kind::kSend, "AUTH OAUTHBEARER\r\n");
  EXPECT_FALSE(login.password_sent());
  EXPECT_GT(login.OnLine("+ ").bytes.size(), 4000u);
}

// RFC 7628 section 3.2.3: the reason as a challenge, a dummy for an answer, then the -ERR.
TEST(NodeLoginTest, TheReasonOfARefusalGoesToTheClient) {
  for (const char* dummy : {"AQ==", "", "="}) {
    const Credential token = Token(Mechanism::kOauthBearer);
    NodeLogin login(token, {.offered = &kAll});
    login.Start();
    ExpectAction(login.OnLine("+ eyJzdGF0dXMiOiI0MDAifQ=="), Kind::kAskClient,
                 "+ eyJzdGF0dXMiOiI0MDAifQ==\r\n");
    EXPECT_TRUE(login.client_asked());
    const std::string sent = (*dummy == '=' ? "" : std::string(dummy)) + "\r\n";
    ExpectAction(login.OnClient(dummy), Kind::kSend, sent);
    ExpectAction(login.OnLine("-ERR [AUTH] expired"), Kind::kRefused, "");
  }
}

TEST(NodeLoginTest, WhatIsNoAnswerCancels) {
  const std::optional<std::string_view> answers[] = {
      std::nullopt, "*", "%", "AQ=", "STAT!", "a b", "A\r\n"};
  for (const auto& answer : answers) {
    const Credential token = Token(Mechanism::kXoauth2);
    NodeLogin login(token, {.offered = &kAll});
    login.Start();
    login.OnLine("+ eyJzdGF0dXMiOiI0MDAifQ==");
    ExpectAction(login.OnClient(answer), Kind::kSend, "*\r\n");
    ExpectAction(login.OnLine("-ERR [AUTH] no"), Kind::kRefused, "");
  }
  for (const char* line : {"+OK", "+ ", "", "hm"}) {  // to a "*"
    const Credential token = Token(Mechanism::kXoauth2);
    NodeLogin login(token, {.offered = &kAll});
    login.Start();
    login.OnLine("+ eyJzdGF0dXMiOiI0MDAifQ==");
    login.OnClient(std::nullopt);
    ExpectAction(login.OnLine(line), Kind::kProtocolError, "");
  }
}

TEST(NodeLoginTest, AQuestionThatIsNoBase64) {
  for (const char* question : {"+ hm?", "+ AQ=", "+ *"}) {
    const Credential token = Token(Mechanism::kXoauth2);
    NodeLogin login(token, {.offered = &kAll});
    login.Start();
    ExpectAction(login.OnLine(question), Kind::kProtocolError, "");
    EXPECT_FALSE(login.client_asked());
  }
}

TEST(NodeLoginTest, ANodeWithoutTheMechanism) {
  const Capabilities plain("SASL PLAIN\r\n");
  for (const Credential& credential : {Token(Mechanism::kXoauth2), Scram()}) {
    NodeLogin login(credential, {.offered = &plain});
    ExpectAction(login.Start(), Kind::kImpossible, "");
    EXPECT_NE(login.why(), "");
    EXPECT_FALSE(login.password_sent());
  }
}

// --- SCRAM

TEST(NodeLoginTest, ScramGoesToAndFro) {
  for (const bool last_in_ok : {true, false}) {
    const Credential scram = Scram();
    NodeLogin login(scram, {.offered = &kAll});
    ExpectAction(login.Start(), Kind::kSend, "AUTH SCRAM-SHA-256 biwsbj1ib2Iscj1hYmM=\r\n");
    EXPECT_FALSE(login.client_asked());
    ExpectAction(login.OnLine("+ cj1hYmNkZWY="), Kind::kAskClient, "+ cj1hYmNkZWY=\r\n");
    EXPECT_TRUE(login.client_asked());
    ExpectAction(login.OnClient("Yz1iaXdz"), Kind::kSend, "Yz1iaXdz\r\n");
    if (!last_in_ok) {
      ExpectAction(login.OnLine("+ dj1hYmM="), Kind::kAskClient, "+ dj1hYmM=\r\n");
      ExpectAction(login.OnClient(""), Kind::kSend, "\r\n");
    }
    ExpectAction(login.OnLine("+OK Logged in."), Kind::kAccepted, "");
  }
}

TEST(NodeLoginTest, AnEmptyQuestionBehindTheFirstIsOne) {
  const Credential scram = Scram();
  NodeLogin login(scram, {.offered = &kAll});
  login.Start();
  login.OnLine("+ cj1hYmNkZWY=");
  login.OnClient("Yz1iaXdz");
  ExpectAction(login.OnLine("+"), Kind::kAskClient, "+ \r\n");
}

TEST(NodeLoginTest, QuestionsHaveAnEnd) {
  const Credential scram = Scram();
  NodeLogin login(scram, {.offered = &kAll});
  login.Start();
  for (int i = 0; i < kSaslQuestionsMax; ++i) {
    ExpectAction(login.OnLine("+ cj1h"), Kind::kAskClient, "+ cj1h\r\n");
    ExpectAction(login.OnClient("Yz1i"), Kind::kSend, "Yz1i\r\n");
  }
  ExpectAction(login.OnLine("+ cj1h"), Kind::kProtocolError, "");
}

TEST(NodeLoginTest, AnAnswerOfAnyLengthThatTokensNeed) {
  for (const size_t over : {0u, 4u}) {
    const Credential scram = Scram();
    NodeLogin login(scram, {.offered = &kAll});
    login.Start();
    login.OnLine("+ cj1h");
    const std::string answer((kSaslLineBytesMax - 2) / 4 * 4 + over, 'A');
    ExpectAction(login.OnClient(answer), Kind::kSend, over > 0 ? "*\r\n" : answer + "\r\n");
  }
}

// --- the mode

TEST(NodeLoginTest, TheModeComesFirst) {
  Credential bob = Bob();
  bob.utf8 = true;
  bob.language = "de";
  NodeLogin login(bob, {.offered = &kAll, .careful = true});
  ExpectAction(login.Start(), Kind::kSend, "UTF8\r\n");
  ExpectAction(login.OnLine("+OK"), Kind::kSend, "LANG de\r\n");
  // It has answered: the message may go along.
  ExpectAction(login.OnLine("+OK de Deutsch"), Kind::kSend, "AUTH PLAIN AGJvYgB4\r\n");
  ExpectAction(login.OnLine("+OK"), Kind::kAccepted, "");
}

TEST(NodeLoginTest, OneOfTheTwo) {
  Credential utf8 = Bob();
  utf8.utf8 = true;
  NodeLogin with_utf8(utf8, {});
  ExpectAction(with_utf8.Start(), Kind::kSend, "UTF8\r\n");
  ExpectAction(with_utf8.OnLine("+OK"), Kind::kSend, "USER bob\r\n");
  Credential german = Bob();
  german.language = "de";
  NodeLogin with_language(german, {});
  ExpectAction(with_language.Start(), Kind::kSend, "LANG de\r\n");
  ExpectAction(with_language.OnLine("+OK"), Kind::kSend, "USER bob\r\n");
}

TEST(NodeLoginTest, AModeThatTheNodeHasNot) {
  const Capabilities neither("SASL PLAIN\r\n");
  for (const bool utf8 : {true, false}) {
    Credential bob = Bob();
    bob.utf8 = utf8;
    bob.language = utf8 ? "" : "de";
    NodeLogin unoffered(bob, {.offered = &neither});
    ExpectAction(unoffered.Start(), Kind::kModeRefused, "");
    EXPECT_NE(unoffered.why(), "");
    NodeLogin refused(bob, {.offered = &kAll});
    refused.Start();
    ExpectAction(refused.OnLine("-ERR no"), Kind::kModeRefused, "");
    EXPECT_NE(refused.why(), "");
    EXPECT_FALSE(refused.password_sent());
    for (std::string_view garbage : kGarbage) {
      NodeLogin confused(bob, {.offered = &kAll});
      confused.Start();
      ExpectAction(confused.OnLine(garbage), Kind::kProtocolError, "");
    }
  }
}

// --- secrets

TEST(NodeLoginTest, WhatWasSentIsWiped) {
  constexpr std::string_view kPassword = "correct horse battery staple";
  POPLAR_NEEDS_FREED_MEMORY_WATCH();
  FreedMemoryWatch watch(kPassword);
  {
    const Credential bob = PasswordCredential("bob", Secret(kPassword));
    NodeLogin finished(bob, {});
    finished.Start();
    finished.OnLine("+OK");
    finished.OnLine("+OK");
    NodeLogin abandoned(bob, {});
    abandoned.Start();
    abandoned.OnLine("+OK");
  }
  EXPECT_GE(watch.blocks_freed(), 5u);  // two USER lines, two PASS lines, the password
  EXPECT_EQ(watch.unwiped_blocks(), 0u);
}

TEST(NodeLoginTest, WhatWasEncodedIsWiped) {
  // Of 30 bytes behind "\0bob\0" and one more, so that it stands in the base64 as it is here.
  constexpr std::string_view kEncoded = "Y29ycmVjdCBob3JzZSBiYXR0ZXJ5IHN0YXBsZSEh";
  POPLAR_NEEDS_FREED_MEMORY_WATCH();
  const Credential bob = PasswordCredential("bob", Secret("-correct horse battery staple!!"));
  FreedMemoryWatch watch(kEncoded);
  {
    NodeLogin one_line(bob, {.offered = &kAll});
    EXPECT_NE(one_line.Start().bytes.find(kEncoded), std::string_view::npos);
    NodeLogin two_lines(bob, {.offered = &kAll, .careful = true});
    two_lines.Start();
    two_lines.OnLine("+ ");
    two_lines.OnLine("+OK");
  }
  EXPECT_EQ(watch.unwiped_blocks(), 0u);
}

}  // namespace
}  // namespace poplar::pop3
