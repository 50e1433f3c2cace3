// TLS that begins in mid-connection (STLS), and TLS where none is due.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "proxy/pop3/reply.h"
#include "proxy/tls/throwaway_certificate.h"
#include "tests/unit/proxy/session/session_bench.h"
#include "tests/unit/proxy/session/tls_client.h"

namespace poplar::session {
namespace {

using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

constexpr int64_t kNow = 1'700'000'000;

SessionBench::Options OnPort110() {
  SessionBench::Options options;
  options.listener.tls = *tls::ServerContext::Create(
      {.certificates_in_memory = {tls::MakeThrowawayCertificate(kNow)}});
  options.listener.tls_at_once = false;
  options.listener.login.require_tls = true;
  return options;
}

TEST(SessionTlsTest, StlsThenALogin) {
  SessionBench bench(OnPort110());
  upstream::DrivenPeer& client = bench.Connect();
  const std::string before = bench.Ask(client, "CAPA\r\n");
  EXPECT_THAT(before, HasSubstr("\r\nSTLS\r\n"));
  EXPECT_THAT(before, Not(HasSubstr("\r\nUSER\r\n")));
  EXPECT_THAT(before, Not(HasSubstr("\r\nSASL")));
  EXPECT_EQ(bench.Ask(client, "USER alice\r\n"), pop3::kReplyLoginNeedsTls);
  EXPECT_EQ(bench.Ask(client, "AUTH PLAIN AGFsaWNlAHNlY3JldA==\r\n"), pop3::kReplyLoginNeedsTls);
  EXPECT_EQ(bench.Ask(client, "STLS\r\n"), pop3::kReplyBeginTls);

  TlsClient secured(bench, client);
  ASSERT_TRUE(secured.Handshake());
  const std::string after = secured.Ask("CAPA\r\n");
  EXPECT_THAT(after, Not(HasSubstr("STLS")));
  EXPECT_THAT(after, HasSubstr("\r\nUSER\r\n"));
  EXPECT_THAT(after, HasSubstr("\r\nSASL PLAIN LOGIN\r\n"));
  EXPECT_EQ(secured.Ask("STLS\r\n"), pop3::kReplyStlsUnavailable);
  EXPECT_THAT(secured.Ask("USER alice\r\nPASS secret\r\n"), HasSubstr("\r\n+OK "));
  EXPECT_THAT(secured.Ask("QUIT\r\n"), StartsWith("+OK"));
  const Record& record = bench.RunToEnd();
  EXPECT_TRUE(record.stls);
  EXPECT_EQ(record.tls_version, "TLSv1.3");
  EXPECT_EQ(record.reason, EndReason::kQuit);
}

TEST(SessionTlsTest, ASilentSessionRestsAndIsDrainedAllTheSame) {
  SessionBench bench(OnPort110());
  bench.node(0).set_answer("NOOP", {"+OK\r\n"});
  upstream::DrivenPeer& client = bench.Connect();
  EXPECT_EQ(bench.Ask(client, "STLS\r\n"), pop3::kReplyBeginTls);
  TlsClient secured(bench, client);
  ASSERT_TRUE(secured.Handshake());
  EXPECT_THAT(secured.Ask("USER alice\r\nPASS secret\r\n"), HasSubstr("\r\n+OK "));
  for (int i = 0; i < 2; ++i) {
    bench.Settle(std::chrono::seconds(2));
    EXPECT_EQ(bench.poplar().lookouts(), 2u);
    EXPECT_THAT(secured.Ask("NOOP\r\n"), StartsWith("+OK"));
  }
  bench.Settle(std::chrono::seconds(2));
  EXPECT_EQ(bench.poplar().lookouts(), 2u);
  bench.DrainAll();
  EXPECT_EQ(bench.RunToEnd().reason, EndReason::kDraining);
}

// RFC 2595 section 4: nothing that was sent ahead of TLS may be taken for said in it. What comes
// with the STLS is forgotten, what comes behind it spoils the handshake.
TEST(SessionTlsTest, WhatIsSlippedInBeforeTlsIsNeverObeyed) {
  int forgotten = 0;
  int spoilt = 0;
  for (uint64_t seed = 1; seed <= 40; ++seed) {
    SCOPED_TRACE(seed);
    SessionBench::Options options = OnPort110();
    options.seed = seed;
    SessionBench bench(options);
    upstream::DrivenPeer& client = bench.Connect();
    client.Send("STLS\r\nUSER mallory\r\nPASS x");
    bench.Settle();
    EXPECT_THAT(client.received(), StartsWith(pop3::kReplyBeginTls));
    const bool alert = client.received() != pop3::kReplyBeginTls;
    client.Forget();
    TlsClient secured(bench, client);
    if (!alert && secured.Handshake()) {
      ++forgotten;
      EXPECT_EQ(secured.Ask("PASS secret\r\n"), pop3::kReplyUserFirst);
    } else {
      ++spoilt;
      EXPECT_FALSE(bench.RunToEnd().logged_in);
    }
    EXPECT_TRUE(bench.node(0).connections().empty());
  }
  EXPECT_GT(forgotten, 0);
  EXPECT_GT(spoilt, 0);
}

TEST(SessionTlsTest, PlainCommandsAfterStlsEndTheConnection) {
  SessionBench bench(OnPort110());
  upstream::DrivenPeer& client = bench.Connect();
  EXPECT_EQ(bench.Ask(client, "STLS\r\n"), pop3::kReplyBeginTls);
  bench.Ask(client, "USER alice\r\n");
  EXPECT_EQ(bench.RunToEnd().reason, EndReason::kNotTls);
}

TEST(SessionTlsTest, PasswordsInTheClearOnlyIfTheOperatorSaysSo) {
  SessionBench::Options options = OnPort110();
  options.listener.login.require_tls = false;
  SessionBench bench(options);
  upstream::DrivenPeer& client = bench.Connect();
  EXPECT_THAT(bench.Ask(client, "CAPA\r\n"), HasSubstr("\r\nUSER\r\n"));
  EXPECT_THAT(bench.LogIn(client), StartsWith("+OK"));
}

TEST(SessionTlsTest, AHandshakeOnAPlainPortIsNotWaitedOut) {
  SessionBench bench;
  upstream::DrivenPeer& client = bench.Connect();
  EXPECT_EQ(bench.Ask(client, "\x16\x03\x01\x02"), "");
  const Record& record = bench.RunToEnd(std::chrono::seconds(1));
  EXPECT_EQ(record.reason, EndReason::kUnexpectedTls);
}

}  // namespace
}  // namespace poplar::session
