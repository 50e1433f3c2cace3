#include "proxy/pop3/node_login.h"

#include <gtest/gtest.h>

#include <string>

#include "tests/unit/proxy/pop3/freed_memory_watch.h"

namespace poplar::pop3 {
namespace {

using Kind = NodeLogin::Action::Kind;

void ExpectAction(const NodeLogin::Action& action, Kind kind, std::string_view bytes) {
  EXPECT_EQ(action.kind, kind);
  EXPECT_EQ(action.bytes, bytes);
}

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

TEST(NodeLoginTest, SendsUserThenPass) {
  const Secret password(" a b ");
  NodeLogin login("bob@example.org", password);
  ExpectAction(login.Start(), Kind::kSend, "USER bob@example.org\r\n");
  EXPECT_FALSE(login.password_sent());
  ExpectAction(login.OnLine("+OK"), Kind::kSend, "PASS  a b \r\n");
  EXPECT_TRUE(login.password_sent());
  ExpectAction(login.OnLine("+OK Logged in."), Kind::kAccepted, "");
}

TEST(NodeLoginTest, ARefusedUserNeverSeesThePassword) {
  const Secret password("x");
  NodeLogin login("bob", password);
  login.Start();
  ExpectAction(login.OnLine("-ERR [SYS/TEMP] no"), Kind::kRefused, "");
  EXPECT_FALSE(login.password_sent());
}

TEST(NodeLoginTest, ARefusedPassword) {
  const Secret password("x");
  NodeLogin login("bob", password);
  login.Start();
  login.OnLine("+OK");
  ExpectAction(login.OnLine("-ERR [AUTH] no"), Kind::kRefused, "");
  EXPECT_TRUE(login.password_sent());
}

TEST(NodeLoginTest, GarbageIsAProtocolErrorAtEitherStep) {
  for (std::string_view garbage : {"", "OK", "+ ", "* OK", "-ERRx", "+ok", "."}) {
    const Secret password("x");
    NodeLogin at_user("bob", password);
    at_user.Start();
    ExpectAction(at_user.OnLine(garbage), Kind::kProtocolError, "");
    EXPECT_FALSE(at_user.password_sent());

    NodeLogin at_pass("bob", password);
    at_pass.Start();
    at_pass.OnLine("+OK");
    ExpectAction(at_pass.OnLine(garbage), Kind::kProtocolError, "");
    EXPECT_TRUE(at_pass.password_sent());
  }
}

TEST(NodeLoginTest, ALineTooManyIsAProtocolError) {
  const Secret password("x");
  NodeLogin early("bob", password);
  ExpectAction(early.OnLine("+OK"), Kind::kProtocolError, "");

  NodeLogin accepted("bob", password);
  accepted.Start();
  accepted.OnLine("+OK");
  accepted.OnLine("+OK");
  ExpectAction(accepted.OnLine("+OK"), Kind::kProtocolError, "");

  NodeLogin refused("bob", password);
  refused.Start();
  refused.OnLine("-ERR");
  ExpectAction(refused.OnLine("+OK"), Kind::kProtocolError, "");
  EXPECT_FALSE(refused.password_sent());
}

TEST(NodeLoginTest, NothingThatReadsAsAnotherCommandIsSent) {
  const std::string_view unsafe[] = {
      "", "a\rb", "a\nb", "a\r\nDELE 1", std::string_view("a\0b", 3), "\n"};
  for (std::string_view bytes : unsafe) {
    SCOPED_TRACE(testing::PrintToString(bytes));
    const Secret good("x");
    NodeLogin by_user(bytes, good);
    ExpectAction(by_user.Start(), Kind::kUnsafeCredential, "");
    ExpectAction(by_user.OnLine("+OK"), Kind::kProtocolError, "");

    const Secret bad(bytes);
    NodeLogin by_password("bob", bad);
    ExpectAction(by_password.Start(), Kind::kUnsafeCredential, "");
    EXPECT_FALSE(by_password.password_sent());
  }
}

TEST(NodeLoginTest, WhatWasSentIsWiped) {
  constexpr std::string_view kPassword = "correct horse battery staple";
  POPLAR_NEEDS_FREED_MEMORY_WATCH();
  FreedMemoryWatch watch(kPassword);
  {
    const Secret password(kPassword);
    NodeLogin finished("bob", password);
    finished.Start();
    finished.OnLine("+OK");
    finished.OnLine("+OK");
    NodeLogin abandoned("bob", password);
    abandoned.Start();
    abandoned.OnLine("+OK");
  }
  EXPECT_EQ(watch.blocks_freed(), 5u);  // two USER lines, two PASS lines, the password
  EXPECT_EQ(watch.unwiped_blocks(), 0u);
}

}  // namespace
}  // namespace poplar::pop3
