#include "proxy/tls/server_context.h"

#include <gtest/gtest.h>

#include <atomic>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include "tests/unit/proxy/tls/engine_party.h"
#include "tests/unit/proxy/tls/issue_certificate.h"
#include "tests/unit/proxy/tls/raw_client.h"

namespace poplar::tls {
namespace {

constexpr uint16_t kTls12 = 0x0303;

struct Handshaken {
  bool good;
  FailureReason failure;
  HandshakeFacts facts;
};

class ServerContextTest : public testing::Test {
 protected:
  static std::shared_ptr<const ServerContext> Make(ServerSettings settings) {
    if (settings.certificates_in_memory.empty() && settings.certificates.empty()) {
      static const CertificatePem certificate = IssueCertificate({});
      settings.certificates_in_memory.push_back(certificate);
    }
    auto context = ServerContext::Create(settings);
    EXPECT_TRUE(context.has_value()) << context.error();
    return *context;
  }

  // The server's first word (its tickets among it) reaches the client, too.
  Handshaken Run(RawClient& client, const ServerContext& context) {
    EngineParty server(pool_, context.NewConnection());
    const bool good = ShakeHands(client, server);
    if (good) {
      server.Write("+OK\r\n");
      EXPECT_EQ(Deliver(server, client), "+OK\r\n");
    }
    return {good, server.engine->failure(), server.engine->facts()};
  }

  io::RunList ready_;
  io::BufferPool pool_{64 * io::kBufferBytes, ready_};
};

TEST_F(ServerContextTest, AlpnIsOursOrAbsent) {
  const auto context = Make({});
  struct Case {
    std::vector<std::string> offered;
    bool good;
    std::string agreed;
  };
  const Case cases[] = {{{}, true, ""},
                        {{"pop3"}, true, "pop3"},
                        {{"h2", "http/1.1", "pop3"}, true, "pop3"},
                        {{"h2", "http/1.1"}, false, ""},
                        {{"POP3"}, false, ""},
                        {{"pop33"}, false, ""}};
  for (const Case& c : cases) {
    for (const uint16_t version : {kTls12, uint16_t{0x0304}}) {
      RawClient client({.version_max = version, .alpn = c.offered});
      const Handshaken result = Run(client, *context);
      EXPECT_EQ(result.good, c.good);
      EXPECT_EQ(client.alpn(), c.agreed);
      EXPECT_EQ(result.facts.alpn, c.agreed);
      if (c.good) continue;
      EXPECT_EQ(result.failure, FailureReason::kAlpnMismatch);
      EXPECT_NE(client.error.find("NO_APPLICATION_PROTOCOL"), std::string::npos) << client.error;
    }
  }
}

TEST_F(ServerContextTest, AlpnIsWhatTheSettingsSay) {
  const auto context = Make({.alpn = "http/1.1"});
  for (const bool pop3 : {false, true}) {
    RawClient client({.alpn = {"h2", pop3 ? "pop3" : "http/1.1"}});
    EXPECT_EQ(Run(client, *context).good, !pop3);
    EXPECT_EQ(client.alpn(), pop3 ? "" : "http/1.1");
  }
}

TEST_F(ServerContextTest, RefusesOldVersionsAndWeakSuites) {
  const auto context = Make({});
  struct Case {
    RawClientSettings settings;
    FailureReason failure;
  };
  const Case cases[] = {
      {{.version_max = 0x0301}, FailureReason::kUnsupportedVersion},
      {{.version_max = 0x0302}, FailureReason::kUnsupportedVersion},
      {{.version_max = kTls12, .ciphers = "AES128-GCM-SHA256"}, FailureReason::kNoSharedCipher},
      {{.version_max = kTls12, .ciphers = "ECDHE-ECDSA-AES128-SHA"},
       FailureReason::kNoSharedCipher},
      {{.version_max = kTls12, .ciphers = "3DES"}, FailureReason::kNoSharedCipher},
      {{.groups = "P-521"}, FailureReason::kNoSharedCipher},
      // RSA suites only, but the only certificate is ECDSA.
      {{.version_max = kTls12, .ciphers = "ECDHE-RSA-AES128-GCM-SHA256"},
       FailureReason::kNoSharedCipher},
      {{.signature_algorithms = {0x0804}}, FailureReason::kNoSharedCipher}};
  for (const Case& c : cases) {
    RawClient client(c.settings);
    const Handshaken result = Run(client, *context);
    EXPECT_FALSE(result.good);
    EXPECT_EQ(result.failure, c.failure) << FailureName(result.failure);
    EXPECT_FALSE(client.error.empty()) << "no alert came";
  }
}

TEST_F(ServerContextTest, VersionRangeIsASetting) {
  const auto only12 = Make({.version_max = Version::kTls12});
  const auto only13 = Make({.version_min = Version::kTls13});
  RawClient any12({});
  EXPECT_EQ(Run(any12, *only12).facts.version, "TLSv1.2");
  RawClient old({.version_max = kTls12});
  const Handshaken refused = Run(old, *only13);
  EXPECT_FALSE(refused.good);
  EXPECT_EQ(refused.failure, FailureReason::kUnsupportedVersion);
  EXPECT_FALSE(
      ServerContext::Create({.version_min = Version::kTls13, .version_max = Version::kTls12})
          .has_value());
}

TEST_F(ServerContextTest, OffersEverySuiteAndGroupOfTheProfile) {
  const auto context =
      Make({.certificates_in_memory = {IssueCertificate({}),
                                       IssueCertificate({.key = KeyKind::kRsa2048})}});
  for (const char* suite : {"ECDHE-ECDSA-AES128-GCM-SHA256", "ECDHE-RSA-AES128-GCM-SHA256",
                            "ECDHE-ECDSA-AES256-GCM-SHA384", "ECDHE-RSA-AES256-GCM-SHA384",
                            "ECDHE-ECDSA-CHACHA20-POLY1305", "ECDHE-RSA-CHACHA20-POLY1305"}) {
    RawClient client({.version_max = kTls12, .ciphers = suite});
    EXPECT_TRUE(Run(client, *context).good) << suite;
  }
  for (const char* group : {"X25519", "P-256", "P-384"}) {
    RawClient client({.groups = group});
    EXPECT_TRUE(Run(client, *context).good) << group;
  }
}

TEST_F(ServerContextTest, ChoosesTheCertificateByNameAndByWhatTheClientCanCheck) {
  const auto context =
      Make({.certificates_in_memory = {
                IssueCertificate(
                    {.subject = "a-rsa", .dns_names = {"a.example"}, .key = KeyKind::kRsa2048}),
                IssueCertificate({.subject = "a-ecdsa", .dns_names = {"a.example"}}),
                IssueCertificate({.subject = "b", .dns_names = {"*.b.example"}})}});
  struct Case {
    RawClientSettings settings;
    std::string subject;
  };
  const std::vector<uint16_t> rsa_only = {0x0804, 0x0401};
  const Case cases[] = {
      {{.server_name = "a.example"}, "CN = a-ecdsa"},
      {{.version_max = kTls12, .server_name = "a.example"}, "CN = a-ecdsa"},
      {{.signature_algorithms = rsa_only, .server_name = "a.example"}, "CN = a-rsa"},
      {{.version_max = kTls12,
        .ciphers = "ECDHE-RSA-AES128-GCM-SHA256",
        .server_name = "a.example"},
       "CN = a-rsa"},
      {{.version_max = kTls12, .signature_algorithms = rsa_only, .server_name = "a.example"},
       "CN = a-rsa"},
      {{.server_name = "x.b.example"}, "CN = b"},
      {{.server_name = "X.B.EXAMPLE"}, "CN = b"},
      {{.server_name = "x.y.b.example"}, "CN = a-ecdsa"},
      {{.server_name = "nobody.example"}, "CN = a-ecdsa"},
      {{}, "CN = a-ecdsa"},
      {{.signature_algorithms = rsa_only}, "CN = a-rsa"}};
  for (const Case& c : cases) {
    RawClient client(c.settings);
    const Handshaken result = Run(client, *context);
    EXPECT_TRUE(result.good);
    EXPECT_EQ(client.peer_subject(), c.subject) << c.settings.server_name;
    EXPECT_EQ(result.facts.server_name, c.settings.server_name);
  }
}

TEST_F(ServerContextTest, TicketsResumeOnEveryContextThatSharesTheKeys) {
  const auto keys = TicketKeys::Generate();
  const CertificatePem one = IssueCertificate({});
  const CertificatePem two = IssueCertificate({.dns_names = {"two.example"}});
  const auto first = Make({.certificates_in_memory = {one, two}, .ticket_keys = keys});
  const auto second = Make({.certificates_in_memory = {two, one}, .ticket_keys = keys});
  const auto stranger = Make({.certificates_in_memory = {one}});
  for (const uint16_t version : {kTls12, uint16_t{0x0304}}) {
    RawClient fresh({.version_max = version, .server_name = "two.example"});
    EXPECT_FALSE(Run(fresh, *first).facts.resumed);
    ASSERT_FALSE(fresh.session().empty()) << "no ticket came";
    for (const auto& [context, resumed] :
         {std::pair{first, true}, {second, true}, {stranger, false}}) {
      RawClient again(
          {.version_max = version, .server_name = "two.example", .session = fresh.session()});
      const Handshaken result = Run(again, *context);
      EXPECT_TRUE(result.good);
      EXPECT_EQ(result.facts.resumed, resumed);
      EXPECT_EQ(again.resumed(), resumed);
    }
  }
}

// RFC 8446 appendix C.4: a ticket is used once, so that a connection brings one.
TEST_F(ServerContextTest, EachHandshakeBringsOneTicket) {
  const auto context = Make({});
  RawClient fresh({.version_max = 0x0304});
  ASSERT_TRUE(Run(fresh, *context).good);
  EXPECT_EQ(fresh.tickets(), 1);
  RawClient again({.version_max = 0x0304, .session = fresh.session()});
  ASSERT_TRUE(Run(again, *context).facts.resumed);
  EXPECT_EQ(again.tickets(), 1);
}

TEST_F(ServerContextTest, AnOldKeyStillOpensAndTheTicketIsRenewed) {
  TicketKeys::Key old_key{};
  TicketKeys::Key new_key{};
  old_key.name.fill(1);
  old_key.bytes = 16;
  new_key.name.fill(2);
  const auto before = Make(
      {.ticket_keys = std::make_shared<const TicketKeys>(std::vector<TicketKeys::Key>{old_key})});
  const auto after = Make({.ticket_keys = std::make_shared<const TicketKeys>(
                               std::vector<TicketKeys::Key>{new_key, old_key})});
  const auto later = Make(
      {.ticket_keys = std::make_shared<const TicketKeys>(std::vector<TicketKeys::Key>{new_key})});
  for (const uint16_t version : {kTls12, uint16_t{0x0304}}) {
    RawClient first({.version_max = version});
    Run(first, *before);
    RawClient second({.version_max = version, .session = first.session()});
    EXPECT_TRUE(Run(second, *after).facts.resumed);
    RawClient third({.version_max = version, .session = second.session()});
    EXPECT_TRUE(Run(third, *later).facts.resumed);
    RawClient late({.version_max = version, .session = first.session()});
    EXPECT_FALSE(Run(late, *later).facts.resumed);
  }
}

TEST_F(ServerContextTest, WithoutTicketsNothingResumes) {
  const auto context = Make({.session_tickets = false});
  for (const uint16_t version : {kTls12, uint16_t{0x0304}}) {
    RawClient first({.version_max = version});
    EXPECT_TRUE(Run(first, *context).good);
    if (first.session().empty()) continue;
    RawClient again({.version_max = version, .session = first.session()});
    EXPECT_FALSE(Run(again, *context).facts.resumed);
  }
}

TEST_F(ServerContextTest, SaysWhatIsWrongWithItsFiles) {
  const std::string folder = testing::TempDir();
  const auto put = [&](const std::string& name, const std::string& text) {
    std::ofstream(folder + name) << text;
    return folder + name;
  };
  const CertificatePem good = IssueCertificate({});
  const std::string certificate = put("server.pem", good.certificate);
  const std::string key = put("server.key", good.key);
  const std::string both = put("both.pem", good.key + good.certificate);
  const std::string other = put("other.key", IssueCertificate({}).key);
  EXPECT_TRUE(ServerContext::Create({.certificates = {{certificate, key}}}).has_value());
  EXPECT_TRUE(ServerContext::Create({.certificates = {{both, both}}}).has_value());
  const auto error = [](const std::string& c, const std::string& k) {
    auto made = ServerContext::Create({.certificates = {{c, k}}});
    return made.has_value() ? "none" : made.error();
  };
  EXPECT_NE(error(folder + "absent", key).find("absent: cannot be read: No such file"),
            std::string::npos);
  EXPECT_NE(error(certificate, folder + "gone").find("gone: cannot be read"), std::string::npos);
  EXPECT_NE(error(certificate, other).find("does not belong"), std::string::npos);
  EXPECT_NE(error(key, key).find("no certificate in it"), std::string::npos);
  EXPECT_FALSE(ServerContext::Create({}).has_value());
}

TEST_F(ServerContextTest, IsSharedByThreads) {
  const auto context =
      Make({.certificates_in_memory = {IssueCertificate({}),
                                       IssueCertificate({.dns_names = {"two.example"}})}});
  std::atomic<int> good = 0;
  const auto work = [&] {
    io::RunList ready;
    io::BufferPool pool(8 * io::kBufferBytes, ready);
    std::string session;
    for (int i = 0; i < 20; ++i) {
      RawClient client({.server_name = "two.example", .session = session});
      EngineParty server(pool, context->NewConnection());
      if (!ShakeHands(client, server)) continue;
      server.Write("+OK\r\n");
      if (Deliver(server, client) == "+OK\r\n" && client.resumed() == (i > 0)) ++good;
      session = client.session();
    }
  };
  std::vector<std::thread> threads;
  threads.reserve(4);
  for (int i = 0; i < 4; ++i) threads.emplace_back(work);
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(good, 80);
}

TEST_F(ServerContextTest, KeepsTheFactsOfItsCertificates) {
  const auto context = Make({.certificates_in_memory = {IssueCertificate({})}});
  ASSERT_EQ(context->certificates().size(), 1U);
  EXPECT_EQ(context->certificates()[0].not_after, kTestNow + 90 * kDay);
}

}  // namespace
}  // namespace poplar::tls
