#include "proxy/pop3/authorization.h"

#include <gtest/gtest.h>

#include <string>

#include "proxy/pop3/capabilities.h"
#include "proxy/pop3/limits.h"
#include "proxy/pop3/reply.h"
#include "tests/unit/proxy/pop3/freed_memory_watch.h"

namespace poplar::pop3 {
namespace {

using Kind = Authorization::Step::Kind;

AuthorizationPolicy Policy() {
  static const std::string capa = RenderBeforeLogin(true);
  return {.bad_commands_max = 3,
          .failed_logins_max = 3,
          .login_allowed = true,
          .capa_reply = capa,
          .greeting = kGreeting};
}

void ExpectReply(const Authorization::Step& step, std::string_view reply) {
  EXPECT_EQ(step.kind, Kind::kReply);
  EXPECT_EQ(step.reply, reply);
  EXPECT_EQ(step.cause, EndCause::kNone);
}

void ExpectEnd(const Authorization::Step& step, std::string_view reply, EndCause cause) {
  EXPECT_EQ(step.kind, Kind::kReplyAndEnd);
  EXPECT_EQ(step.reply, reply);
  EXPECT_EQ(step.cause, cause);
}

void ExpectLogin(Authorization* client, std::string_view user, std::string_view password) {
  EXPECT_EQ(client->OnLine("USER " + std::string(user)).reply, kReplyUserAccepted);
  const Authorization::Step step = client->OnLine("PASS " + std::string(password));
  EXPECT_EQ(step.kind, Kind::kLogin);
  EXPECT_EQ(step.reply, "");
  EXPECT_EQ(client->user(), user);
  EXPECT_EQ(client->TakePassword().Expose(), password);
  EXPECT_TRUE(client->TakePassword().empty());
}

TEST(AuthorizationTest, UserThenPassLogsIn) {
  Authorization client(Policy());
  EXPECT_EQ(client.greeting(), kGreeting);
  ExpectLogin(&client, "bob@example.org", "secret");
}

TEST(AuthorizationTest, EveryByteOfThePasswordCounts) {
  Authorization client(Policy());
  ExpectLogin(&client, "bob", " a  \xc3\xa9 \t ");
}

TEST(AuthorizationTest, AnotherUserReplacesTheFirst) {
  Authorization client(Policy());
  ExpectReply(client.OnLine("USER alice"), kReplyUserAccepted);
  ExpectLogin(&client, "bob", "x");
}

struct AnswerCase {
  std::string_view line;
  std::string_view reply;
  bool counts;
};

TEST(AuthorizationTest, AnswersEveryOtherCommandAndKeepsTheState) {
  const AuthorizationPolicy policy = Policy();
  const AnswerCase cases[] = {
      {"CAPA", policy.capa_reply, false},
      {"capa ", policy.capa_reply, false},
      {"NOOP", kReplyNoop, false},
      {"AUTH", kReplyMechanismUnavailable, false},
      {"AUTH ", kReplyMechanismUnavailable, false},
      {"AUTH PLAIN AGJvYgB4", kReplyMechanismUnavailable, false},
      {"APOP bob c4c9334bac560ecc979e58001b3e22fb", kReplyMechanismUnavailable, false},
      {"STLS", kReplyStlsUnavailable, false},
      {"LANG", kReplyNotSupported, false},
      {"LANG de", kReplyNotSupported, false},
      {"UTF8", kReplyNotSupported, false},
      {"STAT", kReplyNotLoggedIn, true},
      {"LIST", kReplyNotLoggedIn, true},
      {"UIDL", kReplyNotLoggedIn, true},
      {"RETR 1", kReplyNotLoggedIn, true},
      {"TOP 1 0", kReplyNotLoggedIn, true},
      {"DELE 1", kReplyNotLoggedIn, true},
      {"RSET", kReplyNotLoggedIn, true},
      {"LAST", kReplyNotLoggedIn, true},
      {"XTND XLST", kReplyBadCommand, true},
      {"", kReplyBadCommand, true},
      {std::string_view("USER b\0b", 8), kReplyBadCommand, true},
      {"PASS a\rQUIT", kReplyBadCommand, true},
      {"\x16\x03\x01", kReplyBadCommand, true},
      {"USER", kReplyBadArgument, true},
      {"USER ", kReplyBadArgument, true},
      {"PASS", kReplyBadArgument, true},
      {"PASS ", kReplyBadArgument, true},
  };
  for (const AnswerCase& c : cases) {
    SCOPED_TRACE(testing::PrintToString(c.line));
    Authorization client(policy);
    ExpectReply(client.OnLine("USER bob"), kReplyUserAccepted);
    ExpectReply(client.OnLine(c.line), c.reply);
    EXPECT_EQ(client.OnLine("PASS x").kind, Kind::kLogin) << "the USER before still holds";
    EXPECT_EQ(client.user(), "bob");

    Authorization stubborn(policy);
    ExpectReply(stubborn.OnLine("USER bob"), kReplyUserAccepted);
    ExpectReply(stubborn.OnLine(c.line), c.reply);
    ExpectReply(stubborn.OnLine(c.line), c.reply);
    if (c.counts) {
      ExpectEnd(stubborn.OnLine(c.line), kReplyTooManyBadCommands, EndCause::kTooManyBadCommands);
    } else {
      for (int i = 0; i < 1000; ++i) ExpectReply(stubborn.OnLine(c.line), c.reply);
    }
  }
}

TEST(AuthorizationTest, PassNeedsUserFirst) {
  Authorization client(Policy());
  ExpectReply(client.OnLine("PASS x"), kReplyUserFirst);
  EXPECT_TRUE(client.TakePassword().empty());
  ExpectLogin(&client, "bob", "x");
}

TEST(AuthorizationTest, QuitEndsInEveryState) {
  Authorization fresh(Policy());
  ExpectEnd(fresh.OnLine("QUIT"), kReplyQuit, EndCause::kQuit);

  Authorization named(Policy());
  named.OnLine("USER bob");
  ExpectEnd(named.OnLine("quit "), kReplyQuit, EndCause::kQuit);

  Authorization refused(Policy());
  ExpectLogin(&refused, "bob", "x");
  ExpectReply(refused.OnLoginRefused(), "");
  ExpectEnd(refused.OnLine("QUIT"), kReplyQuit, EndCause::kQuit);
}

TEST(AuthorizationTest, AfterARefusedLoginUserMustComeAnew) {
  Authorization client(Policy());
  ExpectLogin(&client, "bob", "wrong");
  ExpectReply(client.OnLoginRefused(), "");
  EXPECT_EQ(client.user(), "");
  ExpectReply(client.OnLine("PASS right"), kReplyUserFirst);
  ExpectLogin(&client, "bob", "right");
}

TEST(AuthorizationTest, TheLastAllowedRefusalEnds) {
  Authorization client(Policy());
  ExpectLogin(&client, "bob", "1");
  ExpectReply(client.OnLoginRefused(), "");
  ExpectLogin(&client, "alice", "2");
  ExpectReply(client.OnLoginRefused(), "");
  ExpectLogin(&client, "bob", "3");
  ExpectEnd(client.OnLoginRefused(), "", EndCause::kTooManyFailedLogins);
}

TEST(AuthorizationTest, AnUnavailableNodeIsNotHeldAgainstTheClient) {
  Authorization client(Policy());
  for (int i = 0; i < 20; ++i) {
    ExpectLogin(&client, "bob", "x");
    client.OnLoginUnavailable();
    EXPECT_EQ(client.user(), "");
  }
  ExpectReply(client.OnLine("PASS x"), kReplyUserFirst);
}

TEST(AuthorizationTest, BadCommandsAddUpOverTheWholeConnection) {
  Authorization client(Policy());
  ExpectReply(client.OnLine("FOO"), kReplyBadCommand);
  ExpectReply(client.OnLine("NOOP"), kReplyNoop);
  ExpectLogin(&client, "bob", "x");
  ExpectReply(client.OnLoginRefused(), "");
  ExpectReply(client.OnLineTooLong(), kReplyLineTooLong);
  ExpectEnd(client.OnLineTooLong(), kReplyTooManyBadCommands, EndCause::kTooManyBadCommands);
}

TEST(AuthorizationTest, TheUserNameIsBounded) {
  const std::string longest(kUserBytesMax, 'u');
  Authorization client(Policy());
  ExpectReply(client.OnLine("USER " + longest + "u"), kReplyBadArgument);
  ExpectReply(client.OnLine("PASS x"), kReplyUserFirst);
  ExpectLogin(&client, longest, "x");
}

TEST(AuthorizationTest, NoPasswordIsTakenInTheClear) {
  AuthorizationPolicy policy = Policy();
  policy.login_allowed = false;
  Authorization client(policy);
  for (int i = 0; i < 10; ++i) {
    ExpectReply(client.OnLine("USER bob"), kReplyLoginNeedsTls);
    ExpectReply(client.OnLine("PASS x"), kReplyLoginNeedsTls);
  }
  EXPECT_TRUE(client.TakePassword().empty());
  EXPECT_EQ(client.user(), "");
  ExpectReply(client.OnLine("CAPA"), policy.capa_reply);
}

TEST(AuthorizationTest, ThePasswordIsWipedWhereverItEndsUp) {
  constexpr std::string_view kPassword = "correct horse battery staple";
  POPLAR_NEEDS_FREED_MEMORY_WATCH();
  FreedMemoryWatch watch(kPassword);
  {
    Authorization dropped(Policy());
    dropped.OnLine("USER bob");
    dropped.OnLine("PASS correct horse battery staple");
  }
  {
    Authorization refused(Policy());
    refused.OnLine("USER bob");
    refused.OnLine("PASS correct horse battery staple");
    {
      const Secret taken = refused.TakePassword();
    }
    refused.OnLoginRefused();
    refused.OnLine("USER bob");
    refused.OnLine("PASS correct horse battery staple");
    refused.OnLoginUnavailable();
  }
  EXPECT_GE(watch.blocks_freed(), 3u);
  EXPECT_EQ(watch.unwiped_blocks(), 0u);
}

}  // namespace
}  // namespace poplar::pop3
