#include "proxy/pop3/sasl_exchange.h"

#include <gtest/gtest.h>

#include <string>

#include "proxy/pop3/reply.h"

namespace poplar::pop3 {
namespace {

using Kind = SaslExchange::Step::Kind;

// "\0ann\0secret", "ann" and "secret".
constexpr char kPlainAnn[] = "AGFubgBzZWNyZXQ=";
constexpr char kAnn[] = "YW5u";
constexpr char kSecret[] = "c2VjcmV0";

std::string Show(const SaslExchange::Step& step) {
  switch (step.kind) {
    case Kind::kChallenge:
      return std::string(step.line);
    case Kind::kIdentity:
      return "identity";
    case Kind::kRefused:
      return "refused: " + std::string(step.line);
  }
  return "?";
}

const std::string kMalformed = "refused: " + std::string(kReplySaslMalformed);

TEST(SaslExchangeTest, PlainWithAnInitialResponse) {
  SaslExchange exchange(Mechanism::kPlain);
  EXPECT_EQ(Show(exchange.Begin(kPlainAnn)), "identity");
  const SaslIdentity identity = exchange.TakeIdentity();
  EXPECT_EQ(identity.user, "ann");
  EXPECT_EQ(identity.secret.Expose(), "secret");
}

TEST(SaslExchangeTest, PlainWithoutOne) {
  SaslExchange exchange(Mechanism::kPlain);
  EXPECT_EQ(Show(exchange.Begin(std::nullopt)), "+ \r\n");
  EXPECT_EQ(Show(exchange.OnLine(kPlainAnn)), "identity");
  EXPECT_EQ(exchange.TakeIdentity().user, "ann");
}

TEST(SaslExchangeTest, LoginAsksForBoth) {
  SaslExchange exchange(Mechanism::kLogin);
  EXPECT_EQ(Show(exchange.Begin(std::nullopt)), "+ VXNlcm5hbWU6\r\n");
  EXPECT_EQ(Show(exchange.OnLine(kAnn)), "+ UGFzc3dvcmQ6\r\n");
  EXPECT_EQ(Show(exchange.OnLine(kSecret)), "identity");
  const SaslIdentity identity = exchange.TakeIdentity();
  EXPECT_EQ(identity.user, "ann");
  EXPECT_EQ(identity.secret.Expose(), "secret");
}

TEST(SaslExchangeTest, LoginWithTheNameAhead) {
  SaslExchange exchange(Mechanism::kLogin);
  EXPECT_EQ(Show(exchange.Begin(kAnn)), "+ UGFzc3dvcmQ6\r\n");
  EXPECT_EQ(Show(exchange.OnLine(kSecret)), "identity");
  EXPECT_EQ(exchange.TakeIdentity().user, "ann");
}

TEST(SaslExchangeTest, LoginNeedsBoth) {
  SaslExchange nameless(Mechanism::kLogin);
  (void)nameless.Begin(std::nullopt);
  EXPECT_EQ(Show(nameless.OnLine("")), kMalformed);
  SaslExchange wordless(Mechanism::kLogin);
  (void)wordless.Begin(kAnn);
  EXPECT_EQ(Show(wordless.OnLine("")), kMalformed);
}

// RFC 5034 section 4: "=" is the empty message, and an empty line is one where none was sent ahead.
TEST(SaslExchangeTest, External) {
  SaslExchange ahead(Mechanism::kExternal);
  EXPECT_EQ(Show(ahead.Begin("=")), "identity");
  EXPECT_EQ(ahead.TakeIdentity().authorization, "");
  SaslExchange asked(Mechanism::kExternal);
  EXPECT_EQ(Show(asked.Begin(std::nullopt)), "+ \r\n");
  EXPECT_EQ(Show(asked.OnLine("")), "identity");
  SaslExchange other(Mechanism::kExternal);
  EXPECT_EQ(Show(other.Begin(kAnn)), "identity");
  const SaslIdentity identity = other.TakeIdentity();
  EXPECT_EQ(identity.authorization, "ann");
  EXPECT_EQ(identity.user, "");
}

TEST(SaslExchangeTest, ScramGoesToTheNodeAsItIs) {
  SaslExchange exchange(Mechanism::kScramSha256);
  EXPECT_EQ(Show(exchange.Begin("biwsbj11c2VyLHI9eA==")), "identity");
  EXPECT_EQ(exchange.TakeIdentity().user, "user");
  EXPECT_EQ(exchange.TakeFirstMessage().Expose(), "n,,n=user,r=x");
}

TEST(SaslExchangeTest, AClientMayCancel) {
  SaslExchange exchange(Mechanism::kPlain);
  (void)exchange.Begin(std::nullopt);
  EXPECT_EQ(Show(exchange.OnLine("*")), "refused: " + std::string(kReplySaslCancelled));
  SaslExchange halfway(Mechanism::kLogin);
  (void)halfway.Begin(kAnn);
  EXPECT_EQ(Show(halfway.OnLine("*")), "refused: " + std::string(kReplySaslCancelled));
}

TEST(SaslExchangeTest, WhatIsNoMessageIsRefused) {
  for (const auto initial : {"", "AGFub", "AGFubgBzZWNyZXQ= ", kAnn, "=="}) {
    SaslExchange exchange(Mechanism::kPlain);
    EXPECT_EQ(Show(exchange.Begin(initial)), kMalformed) << initial;
  }
  for (size_t i = 0; i < kMechanismCount; ++i) {
    SaslExchange exchange(static_cast<Mechanism>(i));
    (void)exchange.Begin(std::nullopt);
    EXPECT_EQ(Show(exchange.OnLine("AA0K")), kMalformed) << i;  // NUL, CR, LF
  }
}

}  // namespace
}  // namespace poplar::pop3
