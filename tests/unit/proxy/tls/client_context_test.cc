#include "proxy/tls/client_context.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdio>
#include <fstream>
#include <string>
#include <vector>

#include "proxy/tls/server_context.h"
#include "tests/unit/proxy/tls/engine_party.h"
#include "tests/unit/proxy/tls/issue_certificate.h"

namespace poplar::tls {
namespace {

class ClientContextTest : public testing::Test {
 protected:
  ClientContextTest() { std::ofstream(ca_file_) << authority_.certificate; }
  ~ClientContextTest() override { std::remove(ca_file_.c_str()); }

  std::shared_ptr<const ClientContext> MakeClient(const ClientSettings& settings) {
    auto context = ClientContext::Create(settings);
    EXPECT_TRUE(context.has_value()) << context.error();
    return *context;
  }

  // What the client said to a node with this certificate: its failure's text, or "".
  std::string Connect(const CertificatePem& certificate, std::string_view host,
                      ClientSettings::Verify verify = ClientSettings::Verify::kFull) {
    auto node = ServerContext::Create({.certificates_in_memory = {certificate}});
    EXPECT_TRUE(node.has_value()) << node.error();
    const auto context = MakeClient({.verify = verify, .ca_file = ca_file_});
    EngineParty client(pool_, context->NewConnection(host, kTestNow));
    EngineParty server(pool_, (*node)->NewConnection());
    const bool good = ShakeHands(client, server);
    server_name_ = server.engine->facts().server_name;
    if (good) return "";
    EXPECT_EQ(client.engine->failure(), FailureReason::kVerifyFailed);
    EXPECT_EQ(server.engine->failure(), FailureReason::kCertificateRejected);
    return std::string(client.engine->failure_text());
  }

  // What a client that only reports has to say of such a node; the handshake succeeds.
  std::vector<CertificateFault> Report(const std::vector<CertificatePem>& chain,
                                       std::string_view host) {
    CertificatePem shown = chain.front();
    for (size_t i = 1; i < chain.size(); ++i) shown.certificate += chain[i].certificate;
    auto node = ServerContext::Create({.certificates_in_memory = {shown}});
    EXPECT_TRUE(node.has_value()) << node.error();
    const auto context =
        MakeClient({.verify = ClientSettings::Verify::kReport, .ca_file = ca_file_});
    EngineParty client(pool_, context->NewConnection(host, kTestNow));
    EngineParty server(pool_, (*node)->NewConnection());
    EXPECT_TRUE(ShakeHands(client, server));
    EXPECT_EQ(client.engine->failure(), FailureReason::kNone);
    EXPECT_EQ(client.engine->peer_chain().size(), chain.size());
    EXPECT_EQ(client.engine->peer_chain().front(), client.engine->peer_certificate());
    return client.engine->certificate_faults();
  }
  std::vector<CertificateFault::Kind> Kinds(const std::vector<CertificatePem>& chain,
                                            std::string_view host) {
    std::vector<CertificateFault::Kind> kinds;
    for (const CertificateFault& fault : Report(chain, host)) kinds.push_back(fault.kind);
    return kinds;
  }

  CertificatePem Issue(CertificateSpec spec) {
    spec.issuer = &authority_;
    return IssueCertificate(spec);
  }

  io::RunList ready_;
  io::BufferPool pool_{64 * io::kBufferBytes, ready_};
  const CertificatePem authority_ =
      IssueCertificate({.subject = "Test CA", .dns_names = {}, .authority = true});
  // The tests run side by side, each in a process of its own.
  const std::string ca_file_ =
      testing::TempDir() + "context_ca_" + std::to_string(getpid()) + ".pem";
  std::string server_name_;
};

TEST_F(ClientContextTest, AcceptsTheNamesAndAddressesOfTheCertificate) {
  const CertificatePem certificate = Issue({.dns_names = {"node1.example", "*.pool.example"},
                                            .ip_addresses = {"192.0.2.7", "2001:db8::7"}});
  for (const char* host : {"node1.example", "NODE1.example", "node1.example.", "x.pool.example"}) {
    EXPECT_EQ(Connect(certificate, host), "") << host;
    EXPECT_FALSE(server_name_.empty());
  }
  for (const char* host : {"192.0.2.7", "2001:db8::7"}) {
    EXPECT_EQ(Connect(certificate, host), "") << host;
    EXPECT_EQ(server_name_, "") << "an address is no SNI";
  }
}

TEST_F(ClientContextTest, NamesWhatIsWrong) {
  const CertificatePem named = Issue({.dns_names = {"a.example"}, .ip_addresses = {"192.0.2.7"}});
  EXPECT_EQ(Connect(named, "b.example"), "certificate is for a.example, 192.0.2.7, not b.example");
  EXPECT_EQ(Connect(named, "192.0.2.8"), "certificate is for a.example, 192.0.2.7, not 192.0.2.8");
  EXPECT_EQ(Connect(Issue({.dns_names = {"*.example"}}), "a.b.example"),
            "certificate is for *.example, not a.b.example");
  // The subject's common name doesn't count, also where it is all there is.
  EXPECT_EQ(Connect(Issue({.subject = "b.example", .dns_names = {}}), "b.example"),
            "certificate is for CN = b.example (no names that count), not b.example");
  EXPECT_EQ(Connect(Issue({.dns_names = {"b.example"}, .not_after = kTestNow - 1}), "b.example"),
            "certificate of b.example expired on 2027-01-15 07:59:59 UTC");
  EXPECT_EQ(Connect(Issue({.dns_names = {"b.example"}, .not_before = kTestNow + 60}), "b.example"),
            "certificate of b.example is not valid before 2027-01-15 08:01:00 UTC");
  EXPECT_EQ(Connect(IssueCertificate({.dns_names = {"b.example"}}), "b.example"),
            "certificate of b.example is self-signed and not in the CA file");
  const CertificatePem other =
      IssueCertificate({.subject = "Other CA", .dns_names = {}, .authority = true});
  EXPECT_EQ(Connect(IssueCertificate({.dns_names = {"b.example"}, .issuer = &other}), "b.example"),
            "certificate of b.example comes from an authority that is not in the CA file: "
            "CN = Other CA");
  const CertificatePem many =
      Issue({.dns_names = {"1.example", "2.example", "3.example", "4.example", "5.example"}});
  EXPECT_EQ(Connect(many, "b.example"),
            "certificate is for 1.example, 2.example, 3.example and 2 more, not b.example");
}

TEST_F(ClientContextTest, ReportsWhatIsWrongWithoutFailing) {
  using Kind = CertificateFault::Kind;
  using testing::ElementsAre;
  EXPECT_THAT(Kinds({Issue({})}, "mail.example"), testing::IsEmpty());
  EXPECT_THAT(Kinds({Issue({})}, "b.example"), ElementsAre(Kind::kWrongName));
  EXPECT_THAT(Kinds({Issue({.not_after = kTestNow - 1})}, "mail.example"),
              ElementsAre(Kind::kExpired));
  EXPECT_THAT(Kinds({Issue({.not_before = kTestNow + 60})}, "mail.example"),
              ElementsAre(Kind::kNotYetValid));
  EXPECT_THAT(Kinds({IssueCertificate({})}, "mail.example"), ElementsAre(Kind::kSelfSigned));
  EXPECT_EQ(Report({Issue({})}, "b.example").front().text,
            "certificate is for mail.example, not b.example");
  EXPECT_THAT(Kinds({Issue({.not_after = kTestNow - 1})}, "b.example"),
              testing::UnorderedElementsAre(Kind::kExpired, Kind::kWrongName));
}

// Its own certificate alone may lack the one in between; with a chain it is the authority itself.
TEST_F(ClientContextTest, ReportsHowAChainEnds) {
  using Kind = CertificateFault::Kind;
  const CertificatePem between = Issue({.subject = "Between", .dns_names = {}, .authority = true});
  const CertificatePem own = IssueCertificate({.issuer = &between});
  EXPECT_THAT(Kinds({own, between}, "mail.example"), testing::IsEmpty());
  EXPECT_THAT(Kinds({own}, "mail.example"), testing::ElementsAre(Kind::kIncompleteChain));
  const CertificatePem other =
      IssueCertificate({.subject = "Other CA", .dns_names = {}, .authority = true});
  EXPECT_THAT(Kinds({IssueCertificate({.issuer = &other}), other}, "mail.example"),
              testing::ElementsAre(Kind::kUnknownAuthority));
}

TEST_F(ClientContextTest, AnEmptyHostMatchesNothing) {
  const CertificatePem certificate = Issue({.dns_names = {"a.example"}});
  const auto node = ServerContext::Create({.certificates_in_memory = {certificate}});
  ASSERT_TRUE(node.has_value());
  EngineParty client(pool_, MakeClient({.ca_file = ca_file_})->NewConnection("", kTestNow));
  EngineParty server(pool_, (*node)->NewConnection());
  EXPECT_FALSE(ShakeHands(client, server));
  // To Debian's BoringSSL it is a certificate that doesn't match, to upstream's a wrong call.
  EXPECT_THAT(client.engine->failure(),
              testing::AnyOf(FailureReason::kVerifyFailed, FailureReason::kProtocol));
}

TEST_F(ClientContextTest, InsecureAcceptsAnything) {
  EXPECT_EQ(Connect(IssueCertificate({.dns_names = {"a.example"}, .not_after = kTestNow - 1}),
                    "b.example", ClientSettings::Verify::kInsecure),
            "");
  EXPECT_EQ(server_name_, "b.example");
}

TEST_F(ClientContextTest, APlainNodeIsNamed) {
  const auto context = MakeClient({.verify = ClientSettings::Verify::kInsecure});
  EngineParty client(pool_, context->NewConnection("a.example", kTestNow));
  EXPECT_FALSE(client.Handshake());
  client.Receive("+OK Dovecot ready.\r\n");
  EXPECT_FALSE(client.Handshake());
  EXPECT_EQ(client.engine->failure(), FailureReason::kNotTls);
}

TEST_F(ClientContextTest, SaysWhatIsWrongWithItsCaFile) {
  const std::string empty = testing::TempDir() + "empty.pem";
  std::ofstream(empty) << "nothing\n";
  const auto none = ClientContext::Create({.ca_file = empty});
  ASSERT_FALSE(none.has_value());
  EXPECT_NE(none.error().find("empty.pem: no certificate in it"), std::string::npos);
  const auto absent = ClientContext::Create({.ca_file = "/nonexistent/ca.pem"});
  ASSERT_FALSE(absent.has_value());
  EXPECT_NE(absent.error().find("ca.pem: cannot be read: No such file"), std::string::npos);
}

TEST_F(ClientContextTest, TakesACertificateOfItsOwn) {
  const auto write = [](const std::string& name, const std::string& text) {
    const std::string path =
        testing::TempDir() + "context_" + name + std::to_string(getpid()) + ".pem";
    std::ofstream(path) << text;
    return path;
  };
  const CertificatePem own = Issue({.dns_names = {"proxy.example"}});
  const CertificatePem other = Issue({.dns_names = {"other.example"}});
  const std::string certificate = write("own", own.certificate);
  const std::string key = write("key", own.key);
  const std::string both = write("both", own.certificate + own.key);
  const std::string wrong = write("wrong", other.key);
  const auto error = [this](const CertificateFiles& files) {
    const auto context = ClientContext::Create({.ca_file = ca_file_, .certificate = files});
    return context ? "" : context.error();
  };
  EXPECT_EQ(error({}), "");
  EXPECT_EQ(error({certificate, key}), "");
  EXPECT_EQ(error({both, ""}), "");
  EXPECT_THAT(error({certificate, wrong}), testing::HasSubstr(certificate));
  EXPECT_THAT(error({certificate, ""}), testing::HasSubstr(certificate));
  EXPECT_THAT(error({"/nowhere/own.pem", key}), testing::HasSubstr("/nowhere/own.pem"));
  for (const std::string& path : {certificate, key, both, wrong}) std::remove(path.c_str());
}

}  // namespace
}  // namespace poplar::tls
