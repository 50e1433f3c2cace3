#include "proxy/tls/client_sessions.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <fstream>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "proxy/tls/client_context.h"
#include "proxy/tls/server_context.h"
#include "tests/unit/proxy/tls/engine_party.h"
#include "tests/unit/proxy/tls/issue_certificate.h"

namespace poplar::tls {
namespace {

constexpr int64_t kHour = 3600;

// Logins to a node that bears the name mail.example.
class ClientSessionsTest : public testing::TestWithParam<Version> {
 protected:
  struct Outcome {
    bool good = false;
    bool resumed = false;
    FailureReason failure = FailureReason::kNone;
  };

  ClientSessionsTest() {
    std::ofstream(ca_file_) << authority_.certificate;
    client_ = MakeClient(ClientSettings::Verify::kFull);
  }
  ~ClientSessionsTest() override { std::remove(ca_file_.c_str()); }

  std::shared_ptr<const ClientContext> MakeClient(ClientSettings::Verify verify) {
    return *ClientContext::Create({.verify = verify, .ca_file = ca_file_});
  }
  std::shared_ptr<const ServerContext> MakeNode(CertificateSpec spec = {},
                                                std::shared_ptr<const TicketKeys> keys = nullptr) {
    spec.issuer = &authority_;
    return *ServerContext::Create({.certificates_in_memory = {IssueCertificate(spec)},
                                   .version_max = GetParam(),
                                   .ticket_keys = keys != nullptr ? keys : keys_});
  }

  Outcome Connect(const ServerContext& node, int64_t now = kTestNow,
                  const std::string& host = "mail.example") {
    return Connect(*client_, node, now, host);
  }
  Outcome Connect(const ClientContext& context, const ServerContext& node, int64_t now,
                  const std::string& host) {
    EngineParty client(pool_, context.NewConnection(host, now, &sessions_));
    EngineParty server(pool_, node.NewConnection());
    Outcome outcome;
    outcome.good = ShakeHands(client, server);
    outcome.failure = client.engine->failure();
    if (!outcome.good) return outcome;
    // With the greeting come TLS 1.3's tickets.
    server.Write("+OK\r\n");
    EXPECT_EQ(Deliver(server, client), "+OK\r\n");
    outcome.resumed = client.engine->facts().resumed;
    EXPECT_EQ(server.engine->facts().resumed, outcome.resumed);
    return outcome;
  }
  bool single_use() const { return GetParam() == Version::kTls13; }

  io::RunList ready_;
  io::BufferPool pool_{64 * io::kBufferBytes, ready_};
  const CertificatePem authority_ =
      IssueCertificate({.subject = "Test CA", .dns_names = {}, .authority = true});
  const std::shared_ptr<const TicketKeys> keys_ = TicketKeys::Generate();
  // The tests run side by side, each in a process of its own.
  const std::string ca_file_ =
      testing::TempDir() + "sessions_ca_" + std::to_string(getpid()) + ".pem";
  std::shared_ptr<const ClientContext> client_;
  ClientSessions sessions_;
};

TEST_P(ClientSessionsTest, TheNextConnectionResumes) {
  const auto node = MakeNode();
  const Outcome first = Connect(*node);
  EXPECT_TRUE(first.good);
  EXPECT_FALSE(first.resumed);
  EXPECT_GT(sessions_.size(), 0U);
  for (int i = 0; i < 5; ++i) {
    const Outcome next = Connect(*node, kTestNow + i);
    EXPECT_TRUE(next.good);
    EXPECT_TRUE(next.resumed) << i;
  }
  sessions_.Forget();
  EXPECT_EQ(sessions_.size(), 0U);
  EXPECT_FALSE(Connect(*node).resumed);
}

TEST_P(ClientSessionsTest, WithoutSessionsNothingResumes) {
  const auto node = MakeNode();
  for (int i = 0; i < 2; ++i) {
    EngineParty client(pool_, client_->NewConnection("mail.example", kTestNow));
    EngineParty server(pool_, node->NewConnection());
    ASSERT_TRUE(ShakeHands(client, server));
    server.Write("+OK\r\n");
    EXPECT_EQ(Deliver(server, client), "+OK\r\n");
    EXPECT_FALSE(client.engine->facts().resumed);
  }
}

// The node sees no connection twice with the same TLS 1.3 ticket.
TEST_P(ClientSessionsTest, ATls13SessionIsUsedOnceATls12SessionAgain) {
  const auto node = MakeNode();
  Connect(*node);
  const size_t given = sessions_.size();
  for (size_t i = 0; i < given; ++i) {
    // Offered, and the connection comes to nothing.
    EngineParty client(pool_, client_->NewConnection("mail.example", kTestNow, &sessions_));
    client.Handshake();
    EXPECT_EQ(sessions_.size(), single_use() ? given - i - 1 : given);
  }
  EXPECT_EQ(Connect(*node).resumed, !single_use());
  if (!single_use()) EXPECT_EQ(sessions_.size(), given) << "resuming it again adds nothing";
}

TEST_P(ClientSessionsTest, HoldsNoMoreThanItsBound) {
  const auto node = MakeNode();
  // None of them has a session to offer, and each gets one.
  std::vector<EngineParty> clients;
  for (size_t i = 0; i < 3 * ClientSessions::kSessionsMax; ++i)
    clients.emplace_back(pool_, client_->NewConnection("mail.example", kTestNow, &sessions_));
  for (EngineParty& client : clients) {
    EngineParty server(pool_, MakeNode({}, TicketKeys::Generate())->NewConnection());
    ASSERT_TRUE(ShakeHands(client, server));
    server.Write("+OK\r\n");
    Deliver(server, client);
    EXPECT_LE(sessions_.size(), ClientSessions::kSessionsMax);
  }
  EXPECT_EQ(sessions_.size(), ClientSessions::kSessionsMax);
  Connect(*node);
  EXPECT_TRUE(Connect(*node).resumed) << "the newest are kept";
}

TEST_P(ClientSessionsTest, ExpiredOnesAreDropped) {
  const auto node = MakeNode({.not_after = kTestNow + 365 * kDay});
  Connect(*node);
  EXPECT_TRUE(Connect(*node, kTestNow + 2 * kHour - 1).resumed);
  sessions_.Forget();
  Connect(*node);
  const size_t given = sessions_.size();
  ASSERT_GT(given, 0U);
  const Outcome late = Connect(*node, kTestNow + 2 * kHour);
  EXPECT_TRUE(late.good);
  EXPECT_FALSE(late.resumed);
  EXPECT_EQ(sessions_.size(), given) << "the new ones alone";
}

TEST_P(ClientSessionsTest, ARefusedSessionMeansAFullHandshake) {
  const auto before = MakeNode();
  const auto after = MakeNode({}, TicketKeys::Generate());
  Connect(*before);
  ASSERT_GT(sessions_.size(), 0U);
  const Outcome refused = Connect(*after);
  EXPECT_TRUE(refused.good);
  EXPECT_FALSE(refused.resumed);
  EXPECT_TRUE(Connect(*after).resumed) << "with what it gave meanwhile";
}

TEST_P(ClientSessionsTest, ANodeWithAnotherVersionMeansAFullHandshake) {
  const auto newer = *ServerContext::Create(
      {.certificates_in_memory = {IssueCertificate({.issuer = &authority_})},
       .version_max = GetParam() == Version::kTls12 ? Version::kTls13 : Version::kTls12,
       .ticket_keys = keys_});
  Connect(*MakeNode());
  ASSERT_GT(sessions_.size(), 0U);
  const Outcome outcome = Connect(*newer);
  EXPECT_TRUE(outcome.good) << static_cast<int>(outcome.failure);
}

// --- what verification found must still hold

TEST_P(ClientSessionsTest, AnotherHostsSessionIsNotResumed) {
  const auto node = MakeNode();
  Connect(*node);
  ASSERT_GT(sessions_.size(), 0U);
  const Outcome other = Connect(*node, kTestNow, "other.example");
  EXPECT_FALSE(other.good) << "the certificate is not for other.example";
  EXPECT_EQ(other.failure, FailureReason::kVerifyFailed);
  EXPECT_TRUE(Connect(*node).resumed) << "and the right host's is untouched";
}

TEST_P(ClientSessionsTest, AnUnverifiedSessionIsNotResumedByAContextThatVerifies) {
  const auto node = MakeNode({.dns_names = {"wrong.example"}});
  const auto insecure = MakeClient(ClientSettings::Verify::kInsecure);
  EXPECT_TRUE(Connect(*insecure, *node, kTestNow, "mail.example").good);
  ASSERT_GT(sessions_.size(), 0U);
  const Outcome verified = Connect(*node);
  EXPECT_FALSE(verified.good);
  EXPECT_EQ(verified.failure, FailureReason::kVerifyFailed);
  EXPECT_TRUE(Connect(*insecure, *node, kTestNow, "mail.example").resumed);
}

TEST_P(ClientSessionsTest, AContextThatIsGoneIsNoneThatComesAfterIt) {
  const auto node = MakeNode();
  for (int i = 0; i < 20; ++i) {
    // At the place of the one before, more often than not.
    const auto context = MakeClient(ClientSettings::Verify::kFull);
    const Outcome outcome = Connect(*context, *node, kTestNow, "mail.example");
    EXPECT_TRUE(outcome.good);
    EXPECT_FALSE(outcome.resumed);
  }
}

TEST_P(ClientSessionsTest, ASessionEndsWithItsCertificate) {
  const auto node = MakeNode({.not_after = kTestNow + 60});
  Connect(*node);
  EXPECT_TRUE(Connect(*node, kTestNow + 59).resumed);
  const Outcome expired = Connect(*node, kTestNow + 61);
  EXPECT_FALSE(expired.good);
  EXPECT_EQ(expired.failure, FailureReason::kVerifyFailed);
  // Who doesn't look at certificates doesn't look at their dates.
  sessions_.Forget();
  const auto insecure = MakeClient(ClientSettings::Verify::kInsecure);
  Connect(*insecure, *node, kTestNow + 61, "mail.example");
  EXPECT_TRUE(Connect(*insecure, *node, kTestNow + 62, "mail.example").resumed);
}

TEST_P(ClientSessionsTest, AHandshakeThatFailsWithASessionForgetsThemAll) {
  Connect(*MakeNode());
  ASSERT_GT(sessions_.size(), 0U);
  EngineParty client(pool_, client_->NewConnection("mail.example", kTestNow, &sessions_));
  client.Handshake();
  client.Receive("-ERR go away\r\n");
  EXPECT_FALSE(client.Handshake());
  EXPECT_EQ(sessions_.size(), 0U);
}

// --- from many threads

TEST_P(ClientSessionsTest, IsSharedByThreads) {
  const auto node = MakeNode();
  Connect(*node);
  std::atomic<int> good = 0;
  std::atomic<int> resumed = 0;
  const auto work = [&] {
    io::RunList ready;
    io::BufferPool pool(64 * io::kBufferBytes, ready);
    for (int i = 0; i < 25; ++i) {
      EngineParty client(pool, client_->NewConnection("mail.example", kTestNow, &sessions_));
      EngineParty server(pool, node->NewConnection());
      if (!ShakeHands(client, server)) continue;
      server.Write("+OK\r\n");
      if (Deliver(server, client) == "+OK\r\n") ++good;
      if (client.engine->facts().resumed) ++resumed;
    }
  };
  std::vector<std::thread> threads;
  threads.reserve(4);
  for (int i = 0; i < 4; ++i) threads.emplace_back(work);
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(good, 100);
  EXPECT_GT(resumed, 50);
  EXPECT_LE(sessions_.size(), ClientSessions::kSessionsMax);
}

INSTANTIATE_TEST_SUITE_P(Versions, ClientSessionsTest,
                         testing::Values(Version::kTls12, Version::kTls13), [](const auto& info) {
                           return info.param == Version::kTls12 ? "Tls12" : "Tls13";
                         });

}  // namespace
}  // namespace poplar::tls
