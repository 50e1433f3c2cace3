#include "proxy/pop3/authorization.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "proxy/pop3/capabilities.h"
#include "proxy/pop3/limits.h"
#include "proxy/pop3/reply.h"
#include "tests/unit/proxy/pop3/freed_memory_watch.h"

namespace poplar::pop3 {
namespace {

using Kind = Authorization::Step::Kind;

AuthorizationPolicy Policy() { return {.bad_commands_max = 3, .failed_logins_max = 3}; }

AuthorizationPolicy SaslPolicy() {
  AuthorizationPolicy policy = Policy();
  policy.offer.mechanisms = MechanismSet::All();
  policy.certificate_user = "Carol";
  return policy;
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
  const Credential credential = client->TakeCredential();
  EXPECT_EQ(credential.proof(), Proof::kPassword);
  EXPECT_EQ(credential.identity.user, user);
  EXPECT_EQ(credential.identity.authorization, "");
  EXPECT_EQ(credential.identity.secret.Expose(), password);
  EXPECT_TRUE(credential.plain_mode());
  EXPECT_TRUE(client->TakeCredential().identity.secret.empty());
}

// "MECHANISM user|authorization|secret", or what was answered instead.
std::string Shown(Authorization& client, const Authorization::Step& step) {
  if (step.kind != Kind::kLogin) return std::string(step.reply);
  const Credential credential = client.TakeCredential();
  client.OnLoginUnavailable();
  return std::string(credential.mechanism ? Name(*credential.mechanism) : "USER") + " " +
         credential.identity.user + "|" + credential.identity.authorization + "|" +
         std::string(credential.identity.secret.Expose()) +
         std::string(credential.first_message.Expose());
}

TEST(AuthorizationTest, UserThenPassLogsIn) {
  Authorization client(Policy());
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
  const std::string capa = RenderBeforeLogin(policy.offer);
  const AnswerCase cases[] = {
      {"CAPA", capa, false},
      {"capa ", capa, false},
      {"NOOP", kReplyNoop, false},
      {"AUTH", "+OK\r\n.\r\n", false},
      {"AUTH ", "+OK\r\n.\r\n", false},
      {"AUTH NTLM", kReplyMechanismUnavailable, false},
      {"AUTH CRAM-MD5", kReplyMechanismUnavailable, false},
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
    EXPECT_EQ(client.TakeCredential().identity.user, "bob");

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
  policy.needs_tls = true;
  policy.offer.user = false;
  Authorization client(policy);
  for (int i = 0; i < 10; ++i) {
    for (std::string_view line : {"USER bob", "PASS x", "AUTH", "AUTH PLAIN AGJvYgB4"})
      ExpectReply(client.OnLine(line), kReplyLoginNeedsTls);
  }
  ExpectReply(client.OnLine("CAPA"), RenderBeforeLogin(policy.offer));
}

// --- SASL

struct SaslCase {
  std::vector<std::string> lines;
  std::vector<std::string> answers;
};

TEST(AuthorizationTest, SaslLogsIn) {
  const std::string ask = "+ \r\n";
  const SaslCase cases[] = {
      {{"AUTH PLAIN AGJvYgBzZWNyZXQ="}, {"PLAIN bob||secret"}},
      {{"auth plain", "AGJvYgBzZWNyZXQ="}, {ask, "PLAIN bob||secret"}},
      {{"AUTH PLAIN YW5uAGJvYgBzZWNyZXQ="}, {"PLAIN bob|ann|secret"}},
      {{"AUTH LOGIN", "Ym9i", "c2VjcmV0"},
       {"+ VXNlcm5hbWU6\r\n", "+ UGFzc3dvcmQ6\r\n", "LOGIN bob||secret"}},
      {{"AUTH LOGIN Ym9i", "c2VjcmV0"}, {"+ UGFzc3dvcmQ6\r\n", "LOGIN bob||secret"}},
      {{"AUTH XOAUTH2 dXNlcj1ib2IBYXV0aD1CZWFyZXIgdG9rZW4BAQ=="}, {"XOAUTH2 bob||token"}},
      {{"AUTH OAUTHBEARER bixhPWJvYiwBYXV0aD1CZWFyZXIgdG9rZW4BAQ=="}, {"OAUTHBEARER bob||token"}},
      {{"AUTH EXTERNAL ="}, {"EXTERNAL Carol||"}},
      {{"AUTH EXTERNAL", ""}, {ask, "EXTERNAL Carol||"}},
      {{"AUTH EXTERNAL Y2Fyb2w="}, {"EXTERNAL Carol||"}},  // "carol"
      {{"AUTH EXTERNAL Ym9i"}, {std::string(kReplyLoginRefused)}},
      {{"AUTH SCRAM-SHA-256 biwsbj1ib2Iscj1hYmM="}, {"SCRAM-SHA-256 bob||n,,n=bob,r=abc"}},
      {{"AUTH SCRAM-SHA-256-PLUS biwsbj1ib2Iscj1hYmM="}, {std::string(kReplyMechanismUnavailable)}},
      {{"AUTH PLAIN", "*", "AUTH PLAIN AGJvYgBzZWNyZXQ="},
       {ask, std::string(kReplySaslCancelled), "PLAIN bob||secret"}},
      {{"AUTH PLAIN ="}, {std::string(kReplySaslMalformed)}},
      {{"AUTH PLAIN !!!"}, {std::string(kReplySaslMalformed)}},
      {{"AUTH PLAIN AGJvYgBzZQpj"}, {std::string(kReplySaslMalformed)}},  // a line feed in it
  };
  for (const SaslCase& c : cases) {
    SCOPED_TRACE(c.lines[0]);
    Authorization client(SaslPolicy());
    for (size_t i = 0; i < c.lines.size(); ++i)
      EXPECT_EQ(Shown(client, client.OnLine(c.lines[i])), c.answers[i]) << c.lines[i];
    EXPECT_EQ(Shown(client, client.OnLine("NOOP")), kReplyNoop) << "no longer in SASL";
  }
}

TEST(AuthorizationTest, OnlyWhatIsOfferedCanBeUsed) {
  AuthorizationPolicy policy = Policy();
  policy.offer.mechanisms = {Mechanism::kXoauth2};
  policy.offer.user = false;
  Authorization client(policy);
  ExpectReply(client.OnLine("USER bob"), kReplyMechanismUnavailable);
  ExpectReply(client.OnLine("AUTH PLAIN AGJvYgBzZWNyZXQ="), kReplyMechanismUnavailable);
  ExpectReply(client.OnLine("AUTH"), "+OK\r\nXOAUTH2\r\n.\r\n");
}

// After a mechanism that fails clients try the next on the same connection.
TEST(AuthorizationTest, TheNextMechanismMayBeTried) {
  Authorization client(SaslPolicy());
  EXPECT_EQ(client.OnLine("AUTH XOAUTH2 dXNlcj1ib2IBYXV0aD1CZWFyZXIgdG9rZW4BAQ==").kind,
            Kind::kLogin);
  ExpectReply(client.OnLoginRefused(), "");
  EXPECT_EQ(Shown(client, client.OnLine("AUTH PLAIN AGJvYgBzZWNyZXQ=")), "PLAIN bob||secret");
}

TEST(AuthorizationTest, TokensMayBeLongCommandsMayNot) {
  Authorization client(SaslPolicy());
  const std::string nonsense(Authorization::kLineBytesMax - 20, 'A');
  ExpectReply(client.OnLine("AUTH PLAIN " + nonsense), kReplySaslMalformed);
  ExpectReply(client.OnLine("PASS " + nonsense), kReplyLineTooLong);
  ExpectEnd(client.OnLine("NOOP " + nonsense), kReplyTooManyBadCommands,
            EndCause::kTooManyBadCommands);
}

TEST(AuthorizationTest, ALineThatIsTooLongEndsTheExchange) {
  Authorization client(SaslPolicy());
  ExpectReply(client.OnLine("AUTH PLAIN"), "+ \r\n");
  ExpectReply(client.OnLineTooLong(), kReplyLineTooLong);
  ExpectReply(client.OnLine("NOOP"), kReplyNoop);
}

// --- STLS

TEST(AuthorizationTest, TlsForgetsAllThatWasSaidBefore) {
  AuthorizationPolicy clear = Policy();
  clear.offer.stls = true;
  clear.offer.nodes = std::make_shared<const Capabilities>("UTF8\r\nLANG\r\n");
  Authorization client(clear);
  ExpectReply(client.OnLine("USER mallory"), kReplyUserAccepted);
  ExpectReply(client.OnLine("UTF8"), kReplyUtf8);
  ExpectReply(client.OnLine("LANG de"), kReplyLanguageSet);
  ExpectReply(client.OnLine("STLS now"), kReplyBadArgument);
  const Authorization::Step step = client.OnLine("STLS");
  EXPECT_EQ(step.kind, Kind::kStartTls);
  EXPECT_EQ(step.reply, kReplyBeginTls);
  client.OnTls(Policy());
  ExpectReply(client.OnLine("PASS x"), kReplyUserFirst);
  ExpectReply(client.OnLine("STLS"), kReplyStlsUnavailable);
  ExpectLogin(&client, "bob", "x");
}

// --- XCLIENT

TEST(AuthorizationTest, OnlyAProxyOfOursMaySayForWhomItSpeaks) {
  Authorization stranger(Policy());
  ExpectReply(stranger.OnLine("XCLIENT ADDR=192.0.2.9 TTL=7"), kReplyBadCommand);
  AuthorizationPolicy policy = Policy();
  policy.takes_xclient = true;
  Authorization proxy(policy);
  const Authorization::Step step = proxy.OnLine("xclient ADDR=192.0.2.9 TTL=7");
  EXPECT_EQ(step.kind, Kind::kXclient);
  EXPECT_EQ(step.reply, kReplyXclient);
  EXPECT_EQ(proxy.xclient().address, "192.0.2.9");
  ExpectReply(proxy.OnLine("XCLIENT TTL=x"), kReplyBadArgument);
  ExpectEnd(proxy.OnLine("XCLIENT TTL=0"), kReplyLoop, EndCause::kLoop);
}

// --- UTF8 and LANG

TEST(AuthorizationTest, ModesAreKeptForTheNode) {
  AuthorizationPolicy policy = Policy();
  policy.offer.nodes = std::make_shared<const Capabilities>("UTF8 USER\r\nLANG\r\n");
  Authorization client(policy);
  ExpectReply(client.OnLine("LANG"), kReplyLanguages);
  ExpectReply(client.OnLine("LANG sv-SE"), kReplyLanguageSet);
  ExpectReply(client.OnLine("UTF8"), kReplyUtf8);
  ExpectReply(client.OnLine("USER b\xc3\xb6"
                            "b"),
              kReplyUserAccepted);
  EXPECT_EQ(client.OnLine("PASS x").kind, Kind::kLogin);
  const Credential credential = client.TakeCredential();
  EXPECT_TRUE(credential.utf8);
  EXPECT_EQ(credential.language, "sv-SE");
  client.OnLoginUnavailable();
  ExpectReply(client.OnLine("LANG *"), kReplyLanguageSet);
  ExpectReply(client.OnLine("LANG de\xff"), kReplyBadArgument);
  client.OnLine("USER bob");
  client.OnLine("PASS x");
  EXPECT_EQ(client.TakeCredential().language, "");
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
    Authorization tokens(SaslPolicy());
    tokens.OnLine("AUTH PLAIN AGJvYgBjb3JyZWN0IGhvcnNlIGJhdHRlcnkgc3RhcGxl");
    tokens.TakeCredential();
    tokens.OnLoginRefused();
  }
  {
    Authorization refused(Policy());
    refused.OnLine("USER bob");
    refused.OnLine("PASS correct horse battery staple");
    {
      const Credential taken = refused.TakeCredential();
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
