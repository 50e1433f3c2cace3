#include "proxy/tls/engine.h"

#include <gtest/gtest.h>
#include <openssl/err.h>

#include <string>
#include <vector>

#include "proxy/tls/client_context.h"
#include "proxy/tls/server_context.h"
#include "tests/unit/proxy/tls/engine_party.h"
#include "tests/unit/proxy/tls/issue_certificate.h"
#include "tests/unit/proxy/tls/raw_client.h"

namespace poplar::tls {
namespace {

constexpr uint16_t kTls12 = 0x0303;
constexpr uint16_t kTls13 = 0x0304;

std::string Pattern(size_t size) {
  std::string text(size, '\0');
  for (size_t i = 0; i < size; ++i) text[i] = static_cast<char>('a' + i * 31 % 26);
  return text;
}

std::shared_ptr<const ServerContext> MakeServer(std::vector<CertificatePem> certificates) {
  ServerSettings settings;
  settings.certificates_in_memory = std::move(certificates);
  auto context = ServerContext::Create(settings);
  EXPECT_TRUE(context.has_value()) << context.error();
  return *context;
}

const std::shared_ptr<const ServerContext>& SharedServer() {
  static const auto context = MakeServer({IssueCertificate({})});
  return context;
}

class EngineTest : public testing::Test {
 protected:
  EngineParty NewServer() { return EngineParty(pool_, SharedServer()->NewConnection()); }

  io::RunList ready_;
  io::BufferPool pool_{64 * io::kBufferBytes, ready_};
};

struct Split {
  uint16_t version;
  size_t chunk;
};

class EngineSplitTest : public EngineTest, public testing::WithParamInterface<Split> {};

TEST_P(EngineSplitTest, CarriesAConversation) {
  RawClientSettings settings;
  settings.version_max = GetParam().version;
  RawClient client(settings);
  EngineParty server = NewServer();
  ASSERT_TRUE(ShakeHands(client, server, GetParam().chunk)) << server.engine->failure_text();
  const HandshakeFacts facts = server.engine->facts();
  EXPECT_EQ(facts.version, GetParam().version == kTls13 ? "TLSv1.3" : "TLSv1.2");
  EXPECT_TRUE(facts.cipher.starts_with("TLS_")) << facts.cipher;
  EXPECT_FALSE(facts.resumed);

  client.Write("USER x\r\n");
  EXPECT_EQ(Deliver(client, server, GetParam().chunk), "USER x\r\n");
  EXPECT_EQ(server.status, Status::kWantInput);
  EXPECT_FALSE(server.engine->readable());

  const std::string mail = Pattern(100'000);
  server.Write(mail);
  EXPECT_EQ(Deliver(server, client, GetParam().chunk), mail);
  client.Write(mail);
  EXPECT_EQ(Deliver(client, server, GetParam().chunk), mail);

  server.CloseNotify();
  EXPECT_EQ(server.status, Status::kOk);
  EXPECT_EQ(Deliver(server, client, GetParam().chunk), "");
  EXPECT_TRUE(client.peer_closed());
  client.Write("QUIT\r\n");  // its side is still open
  client.CloseNotify();
  EXPECT_EQ(Deliver(client, server, GetParam().chunk), "QUIT\r\n");
  EXPECT_EQ(server.status, Status::kClosed);
  EXPECT_TRUE(server.engine->readable());  // and goes on saying so
  EXPECT_EQ(server.Read(), "");
  EXPECT_EQ(server.status, Status::kClosed);
  EXPECT_EQ(server.engine->failure(), FailureReason::kNone);
}

INSTANTIATE_TEST_SUITE_P(All, EngineSplitTest,
                         testing::Values(Split{kTls12, 1}, Split{kTls12, 7}, Split{kTls12, 1000},
                                         Split{kTls12, 16384}, Split{kTls13, 1}, Split{kTls13, 7},
                                         Split{kTls13, 1000}, Split{kTls13, 16384}));

TEST_F(EngineTest, SpeaksWithOurOwnClient) {
  ClientSettings settings;
  settings.verify = ClientSettings::Verify::kInsecure;
  const auto context = ClientContext::Create(settings);
  ASSERT_TRUE(context.has_value());
  for (const size_t chunk : {size_t{1}, size_t{16384}}) {
    EngineParty client(pool_, (*context)->NewConnection("mail.example", kTestNow));
    EngineParty server = NewServer();
    ASSERT_TRUE(ShakeHands(client, server, chunk));
    EXPECT_EQ(server.engine->facts().server_name, "mail.example");
    EXPECT_EQ(server.engine->facts().alpn, "pop3");
    EXPECT_EQ(client.engine->facts().alpn, "pop3");
    server.Write("+OK\r\n");
    EXPECT_EQ(Deliver(server, client, chunk), "+OK\r\n");
  }
}

TEST_F(EngineTest, SendsAFlightLargerThanABuffer) {
  CertificatePem certificate = IssueCertificate({});
  const std::string one = certificate.certificate;
  for (int i = 0; i < 80; ++i) certificate.certificate += one;
  const auto context = MakeServer({certificate});
  for (const uint16_t version : {kTls12, kTls13}) {
    RawClientSettings settings;
    settings.version_max = version;
    RawClient client(settings);
    EngineParty server(pool_, context->NewConnection());
    ASSERT_TRUE(ShakeHands(client, server, 5000)) << server.engine->failure_text();
    EXPECT_GT(server.flushes, 0) << "the flight was too small for this test";
  }
}

TEST_F(EngineTest, ReadsSeveralRecordsAtOnceAndKeepsHalfOfOne) {
  RawClient client({});
  EngineParty server = NewServer();
  ASSERT_TRUE(ShakeHands(client, server));
  client.Write("USER x\r\n");
  client.Write("PASS y\r\n");
  client.Write("STAT\r\n");
  const std::string last = client.sent.substr(client.sent.size() - 3);
  server.Receive(client.sent.substr(0, client.sent.size() - 3));
  EXPECT_EQ(server.Read(), "USER x\r\nPASS y\r\n");
  EXPECT_EQ(server.status, Status::kWantInput);
  EXPECT_TRUE(server.in().empty());
  server.Receive(last);
  EXPECT_EQ(server.Read(), "STAT\r\n");
}

TEST_F(EngineTest, PlaintextWithoutRoomWaitsForTheNextRead) {
  RawClient client({});
  EngineParty server = NewServer();
  ASSERT_TRUE(ShakeHands(client, server));
  const std::string mail = Pattern(16'000);
  client.Write(mail);
  server.Receive(client.sent);
  io::Buffer small = pool_.TryTake(io::BufferUse::kSend);
  small.Append(Pattern(io::kBufferBytes - 100));
  small.Consume(small.size());
  ASSERT_EQ(small.room().size(), 100U);
  EXPECT_EQ(server.engine->Read(server.in(), small), Status::kOk);
  EXPECT_EQ(small.bytes(), mail.substr(0, 100));
  EXPECT_TRUE(server.in().empty());
  EXPECT_TRUE(server.engine->readable());
  EXPECT_EQ(server.Read(), mail.substr(100));
  EXPECT_FALSE(server.engine->readable());
}

TEST_F(EngineTest, WriteStopsAtAFullBufferAndGoesOn) {
  RawClient client({});
  EngineParty server = NewServer();
  ASSERT_TRUE(ShakeHands(client, server));
  const std::string mail = Pattern(40'000);
  std::string_view rest = mail;
  std::vector<size_t> pieces;
  Status status = Status::kWantOutput;
  while (status == Status::kWantOutput) {
    io::Buffer out = pool_.TryTake(io::BufferUse::kSend);
    size_t taken = 0;
    status = server.engine->Write(rest, &taken, out);
    EXPECT_FALSE(out.empty());
    server.sent += out.bytes();
    rest.remove_prefix(taken);
    pieces.push_back(taken);
  }
  EXPECT_EQ(status, Status::kOk);
  EXPECT_EQ(pieces, (std::vector<size_t>{16384, 16384, 40'000 - 2 * 16384}));
  EXPECT_EQ(Deliver(server, client), mail);
}

// The library keeps the rest of a sealed record when a buffer is too small for it.
TEST_F(EngineTest, WriteIntoAlmostNoRoomLosesNothing) {
  RawClient client({});
  EngineParty server = NewServer();
  ASSERT_TRUE(ShakeHands(client, server));
  const std::string text = Pattern(500);
  std::string_view rest = text;
  Status status = Status::kWantOutput;
  int turns = 0;
  while (status == Status::kWantOutput) {
    io::Buffer out = pool_.TryTake(io::BufferUse::kSend);
    out.Append(std::string(io::kBufferBytes - 64, 'x'));
    out.Consume(out.size());
    size_t taken = 0;
    status = server.engine->Write(rest, &taken, out);
    server.sent += out.bytes();
    rest.remove_prefix(taken);
    ++turns;
  }
  EXPECT_EQ(status, Status::kOk);
  EXPECT_GT(turns, 5);
  EXPECT_EQ(Deliver(server, client), text);
}

struct Garbage {
  std::string bytes;
  FailureReason reason;
};

class EngineGarbageTest : public EngineTest, public testing::WithParamInterface<Garbage> {};

TEST_P(EngineGarbageTest, IsNamed) {
  for (const size_t chunk : {size_t{1}, size_t{5}, size_t{10'000}}) {
    EngineParty server = NewServer();
    std::string bytes = GetParam().bytes;
    while (!bytes.empty() && !server.failed()) {
      server.Receive(TakeChunk(bytes, chunk));
      server.Handshake();
    }
    ASSERT_TRUE(server.failed());
    EXPECT_EQ(server.engine->failure(), GetParam().reason) << server.engine->failure_text();
    EXPECT_FALSE(server.engine->failure_text().empty());
    EXPECT_LE(server.sent.size(), 7U);  // one plain alert
    EXPECT_EQ(ERR_peek_error(), 0U);
    const std::string before = server.sent;
    server.Receive("more");
    EXPECT_FALSE(server.Handshake());
    EXPECT_EQ(server.sent, before);
    EXPECT_TRUE(server.engine->facts().version.empty());
  }
}

INSTANTIATE_TEST_SUITE_P(
    All, EngineGarbageTest,
    testing::Values(
        Garbage{"USER x\r\n", FailureReason::kNotTls},
        Garbage{"GET / HTTP/1.1\r\nHost: x\r\n\r\n", FailureReason::kNotTls},
        Garbage{"POST / HTTP/1.1\r\n\r\n", FailureReason::kNotTls},
        Garbage{"CONNECT x:995 HTTP/1.1\r\n\r\n", FailureReason::kNotTls},
        Garbage{"SSH-2.0-x\r\n", FailureReason::kNotTls},
        Garbage{std::string(20, '\0'), FailureReason::kNotTls},
        Garbage{std::string("\x16\x03\x01\x00\x00", 5) + std::string(200, '\x16'),
                FailureReason::kNotTls},
        // A record that is none of a handshake; one too long; a hello that is none.
        Garbage{std::string("\x17\x03\x03\x00\x05hello", 10), FailureReason::kProtocol},
        Garbage{std::string("\x16\x03\x01\xff\xff", 5), FailureReason::kProtocol},
        Garbage{std::string("\x16\x03\x01\x00\x04\x02\x00\x00\x00", 9), FailureReason::kProtocol},
        Garbage{std::string("\x16\x03\x01\x00\x09\x01\x00\x00\x05hello", 14),
                FailureReason::kProtocol},
        // A hello that claims 16 MB.
        Garbage{std::string("\x16\x03\x01\x00\x04\x01\xff\xff\xff", 9), FailureReason::kProtocol},
        // A fatal alert as the first word: handshake_failure, and unknown_ca.
        Garbage{std::string("\x15\x03\x01\x00\x02\x02\x28", 7), FailureReason::kPeerAlert},
        Garbage{std::string("\x15\x03\x01\x00\x02\x02\x30", 7),
                FailureReason::kCertificateRejected}));

// As OpenSSL's clients do it, behind the record that only looks like TLS 1.2's change of ciphers.
TEST_F(EngineTest, AnAlertInTheClearCountsAsWhatItSays) {
  const std::string alert("\x14\x03\x03\x00\x01\x01\x15\x03\x03\x00\x02\x02\x30", 13);
  for (const std::string& bytes : {alert, alert.substr(6)}) {
    RawClient client({});
    EngineParty server = NewServer();
    client.Handshake();
    server.Receive(std::exchange(client.sent, {}));
    ASSERT_FALSE(server.Handshake());
    ASSERT_FALSE(server.failed());
    server.Receive(bytes);
    EXPECT_FALSE(server.Handshake());
    EXPECT_TRUE(server.failed());
    EXPECT_EQ(server.engine->failure(), FailureReason::kCertificateRejected);
    EXPECT_EQ(server.engine->failure_text(), "alert in the clear: unknown CA");
    EXPECT_EQ(ERR_peek_error(), 0U);
  }
}

TEST_F(EngineTest, ADamagedRecordFailsBehindTheGoodOnesAndAlertsThePeer) {
  for (const uint16_t version : {kTls12, kTls13}) {
    RawClientSettings settings;
    settings.version_max = version;
    RawClient client(settings);
    EngineParty server = NewServer();
    ASSERT_TRUE(ShakeHands(client, server));
    Deliver(server, client);
    client.Write("NOOP\r\n");
    const std::string good = client.sent;
    client.sent.clear();
    client.Write("QUIT\r\n");
    client.sent.back() = static_cast<char>(client.sent.back() ^ 1);
    server.Receive(good + client.sent);
    client.sent.clear();
    EXPECT_EQ(server.Read(), "NOOP\r\n");
    EXPECT_EQ(server.status, Status::kFailed);
    EXPECT_EQ(server.engine->failure(), FailureReason::kProtocol);
    EXPECT_FALSE(server.sent.empty());
    Deliver(server, client);
    EXPECT_NE(client.error.find("BAD_RECORD_MAC"), std::string::npos) << client.error;
    server.Write("+OK\r\n");
    EXPECT_EQ(server.status, Status::kFailed);
    EXPECT_TRUE(server.sent.empty());
    EXPECT_EQ(ERR_peek_error(), 0U);
  }
}

TEST_F(EngineTest, PlainBytesAfterTheHandshakeAreAProtocolError) {
  RawClient client({});
  EngineParty server = NewServer();
  ASSERT_TRUE(ShakeHands(client, server));
  server.Receive("USER x\r\n");
  EXPECT_EQ(server.Read(), "");
  EXPECT_EQ(server.engine->failure(), FailureReason::kProtocol);
}

TEST_F(EngineTest, AnswersAKeyUpdateWithTheNextWrite) {
  RawClientSettings settings;
  settings.version_min = kTls13;
  RawClient client(settings);
  EngineParty server = NewServer();
  ASSERT_TRUE(ShakeHands(client, server));
  for (int i = 0; i < 3; ++i) {
    client.KeyUpdate();
    client.Write("NOOP\r\n");
    EXPECT_EQ(Deliver(client, server), "NOOP\r\n");
    EXPECT_TRUE(server.sent.empty()) << "Read sends nothing unasked";
    server.Write("+OK\r\n");
    EXPECT_EQ(Deliver(server, client), "+OK\r\n");
  }
}

TEST_F(EngineTest, AFloodOfKeyUpdatesEndsTheConnection) {
  RawClientSettings settings;
  settings.version_min = kTls13;
  RawClient client(settings);
  EngineParty server = NewServer();
  ASSERT_TRUE(ShakeHands(client, server));
  for (int i = 0; i < 100; ++i) client.KeyUpdate();
  client.Write("NOOP\r\n");
  Deliver(client, server, 100);
  EXPECT_EQ(server.engine->failure(), FailureReason::kProtocol);
  EXPECT_LT(server.sent.size(), 1000U);
}

TEST_F(EngineTest, SurvivesItsContext) {
  auto context = MakeServer({IssueCertificate({}), IssueCertificate({.key = KeyKind::kRsa2048})});
  EngineParty server(pool_, context->NewConnection());
  context.reset();
  RawClient client({});
  EXPECT_TRUE(ShakeHands(client, server));
}

TEST_F(EngineTest, EveryReasonHasItsOwnName) {
  std::vector<std::string> names;
  for (auto reason = FailureReason::kNone; reason <= FailureReason::kOther;
       reason = static_cast<FailureReason>(static_cast<int>(reason) + 1)) {
    names.emplace_back(FailureName(reason));
  }
  std::vector<std::string> unique = names;
  std::sort(unique.begin(), unique.end());
  EXPECT_EQ(std::unique(unique.begin(), unique.end()), unique.end());
}

}  // namespace
}  // namespace poplar::tls
