#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>

#include "tests/simulation/network.h"
#include "tests/simulation/sim_proactor.h"
#include "tests/simulation/world.h"
#include "tests/unit/proxy/io/two_workers.h"
#include "tests/unit/proxy/tls/stream_world.h"

namespace poplar::tls {
namespace {

// --- between real workers, a thread each

class TlsHopTest : public io::TwoWorkersTest, public testing::WithParamInterface<Version> {
 protected:
  io::Task<Made> Make(io::Proactor& proactor, std::unique_ptr<io::SocketStream> socket,
                      bool client) override {
    std::unique_ptr<Engine> engine =
        client ? SharedClient()->NewConnection("mail.example", kTestNow) : server_->NewConnection();
    auto stream = std::make_unique<TlsStream>(std::move(socket), std::move(engine),
                                              proactor.buffers(), proactor.ready());
    const io::Result<> done = co_await stream->Handshake();
    EXPECT_TRUE(done);
    EXPECT_EQ(stream->engine().facts().version,
              GetParam() == Version::kTls12 ? "TLSv1.2" : "TLSv1.3");
    co_return std::move(stream);
  }

 private:
  const std::shared_ptr<const ServerContext> server_ = *ServerContext::Create(
      {.certificates_in_memory = {IssueCertificate({})}, .version_max = GetParam()});
};

TEST_P(TlsHopTest, ConnectionsHopBetweenTwoThreads) { RunHops(8, 100); }

INSTANTIATE_TEST_SUITE_P(Versions, TlsHopTest, testing::Values(Version::kTls12, Version::kTls13));

// --- when it may go, and what it takes along

class TlsHandoverTest : public TlsStreamTest {
 protected:
  simulation::World world_{1};
  simulation::Network network_{world_, {}};
  simulation::SimProactor other_{network_, "other worker", io::Address::Loopback(0)};
};

TEST_F(TlsHandoverTest, GoesOnWithTheOtherWorkersBuffersAndRunList) {
  io::RunList ready;
  auto pool = std::make_unique<io::BufferPool>(64 * io::kBufferBytes, ready);
  Connection c(*pool, pool_, ready_);
  ShakeHands(c);
  ASSERT_EQ(Write(c.client, "USER x\r\n"), 0);
  ASSERT_TRUE(c.server.Detach());
  EXPECT_EQ(pool->in_use(), 0U);
  pool.reset();  // the old worker is gone
  c.server.Attach(other_);
  std::string text;
  int code = kRunning;
  Start(RunRead(&c.server, &text, &code));
  Pump();
  EXPECT_EQ(text, "USER x\r\n");
  // Two writers, so that the second waits for its turn.
  c.to_client->capacity = 100;
  int codes[2] = {kRunning, kRunning};
  Start(RunWrite(&c.server, Pattern(1000), &codes[0]));
  Start(RunWrite(&c.server, "+OK\r\n", &codes[1]));
  Pump();
  EXPECT_GT(other_.buffers().in_use(), 0U);
  std::string got;
  int reading = kRunning;
  Start(RunReadAll(&c.client, &got, &reading));
  Pump();
  EXPECT_EQ(codes[0], 0);
  EXPECT_EQ(codes[1], kRunning) << "its turn is on the other worker's list";
  EXPECT_FALSE(other_.ready().empty());
  while (io::Waiter* waiter = other_.ready().Pop()) waiter->handle.resume();
  Pump();
  EXPECT_EQ(codes[1], 0);
  EXPECT_EQ(got, Pattern(1000) + "+OK\r\n");
  EXPECT_EQ(other_.buffers().in_use(), 0U);
  c.client.Abort();
  Pump();
}

TEST_F(TlsHandoverTest, StaysWhileSomethingIsUnderWayOrHeld) {
  Connection c(pool_, ready_);
  c.to_client->capacity = 1000;
  EXPECT_FALSE(c.server.Detach()) << "no handshake yet";
  int server = kRunning;
  int client = kRunning;
  Start(RunHandshake(&c.server, &server));
  Start(RunHandshake(&c.client, &client));
  Pump();
  ASSERT_EQ(server, 0);
  std::string text;
  int reading = kRunning;
  Start(RunRead(&c.server, &text, &reading));
  Pump();
  EXPECT_FALSE(c.server.Detach()) << "reading";
  c.server.CancelRead();
  EXPECT_FALSE(c.server.Detach()) << "the read hasn't returned yet";
  Pump();
  int writing = kRunning;
  Start(RunWrite(&c.server, Pattern(5000), &writing));
  Pump();
  EXPECT_FALSE(c.server.Detach()) << "writing";
  Start(RunRead(&c.client, &text, &reading));
  Pump();
  ASSERT_EQ(writing, 0);
  EXPECT_TRUE(c.server.Detach());
  c.server.Attach(other_);
  c.server.Abort();
  EXPECT_FALSE(c.server.Detach()) << "aborted";
}

TEST_F(TlsHandoverTest, StaysUntilTheHandshakesLastFlightIsSent) {
  Connection c(pool_, ready_);
  int server = kRunning;
  int client = kRunning;
  Start(RunHandshake(&c.server, &server));
  Start(RunHandshake(&c.client, &client));
  // The client's hello is through, and then its last flight finds no room.
  for (int i = 0; i < 100 && c.to_client->all.empty(); ++i) {
    if (io::Waiter* waiter = ready_.Pop()) waiter->handle.resume();
  }
  c.to_server->capacity = c.to_server->bytes.size() + 1;
  c.to_server->quota = 0;
  Pump();
  EXPECT_TRUE(c.client.engine().handshaken());
  EXPECT_EQ(client, kRunning);
  EXPECT_FALSE(c.client.Detach());
  c.to_server->capacity = 1 << 16;
  c.to_server->quota = SIZE_MAX;
  c.to_server->drained.Signal();
  c.to_server->filled.Signal();
  Pump();
  EXPECT_EQ(client, 0);
  EXPECT_EQ(server, 0);
  EXPECT_TRUE(c.client.Detach());
  c.client.Attach(other_);
}

// A record cut anywhere: its first part is in the library's hands, or in ours.
TEST_F(TlsHandoverTest, APartOfARecordIsHeldAndIsNotQuiet) {
  Connection c(pool_, ready_);
  ShakeHands(c);
  EXPECT_TRUE(c.server.Quiet());
  ASSERT_EQ(Write(c.client, "USER x\r\n"), 0);
  EXPECT_FALSE(c.server.Quiet()) << "all of it is in the transport";
  const std::string record = c.to_server->bytes;
  for (size_t cut = 1; cut < record.size(); ++cut) {
    c.to_server->bytes = record.substr(cut - 1, 1);
    std::string text;
    int code = kRunning;
    Start(RunRead(&c.server, &text, &code));
    Pump();
    ASSERT_EQ(code, kRunning);
    c.server.CancelRead();
    Pump();
    ASSERT_EQ(code, ECANCELED);
    EXPECT_FALSE(c.server.Quiet()) << cut;
    EXPECT_FALSE(c.server.Detach()) << cut;
  }
  c.to_server->bytes = record.substr(record.size() - 1);
  std::string text;
  int code = kRunning;
  Start(RunRead(&c.server, &text, &code));
  Pump();
  EXPECT_EQ(text, "USER x\r\n");
  EXPECT_TRUE(c.server.Quiet());
  EXPECT_TRUE(c.server.Detach());
  c.server.Attach(other_);
}

TEST_F(TlsHandoverTest, RecordsThatWereNotReadAreHeldAndAreNotQuiet) {
  Connection c(pool_, ready_);
  ShakeHands(c);
  ASSERT_EQ(Write(c.client, Pattern(60'000)), 0);
  size_t left = 60'000;
  while (left > 0) {
    EXPECT_FALSE(c.server.Quiet());
    std::string text;
    int code = kRunning;
    Start(RunRead(&c.server, &text, &code));
    Pump();
    ASSERT_EQ(code, 0);
    left -= text.size();
    // What the transport still has goes along; what we took from it doesn't.
    if (pool_.in_use() > 0) EXPECT_FALSE(c.server.Detach());
  }
  EXPECT_TRUE(c.server.Quiet());
  EXPECT_TRUE(c.server.Detach());
  c.server.Attach(other_);
}

TEST_F(TlsHandoverTest, AnEndedOrFailedSessionIsNotHandedOver) {
  Connection ended(pool_, ready_);
  ShakeHands(ended);
  int code = kRunning;
  Start(RunShutdown(&ended.client, &code));
  Pump();
  EXPECT_FALSE(ended.server.Quiet());
  std::string text;
  Start(RunReadAll(&ended.server, &text, &code));
  Pump();
  EXPECT_EQ(code, 0);
  EXPECT_FALSE(ended.server.Quiet());
  EXPECT_FALSE(ended.server.Detach());
  Connection failed(pool_, ready_);
  ShakeHands(failed);
  failed.to_server->bytes = "no TLS at all";
  Start(RunReadAll(&failed.server, &text, &code));
  Pump();
  EXPECT_EQ(code, EPROTO);
  EXPECT_FALSE(failed.server.Quiet());
  EXPECT_FALSE(failed.server.Detach());
}

TEST_F(TlsHandoverTest, IsTouchedByNobodyInBetween) {
  Connection c(pool_, ready_);
  ShakeHands(c);
  ASSERT_TRUE(c.server.Detach());
  EXPECT_DEATH(c.server.Quiet(), "buffers_ != nullptr");
  EXPECT_DEATH(c.server.Detach(), "buffers_ != nullptr");
  c.server.Attach(other_);
  EXPECT_DEATH(c.server.Attach(other_), "buffers_ == nullptr");
}

}  // namespace
}  // namespace poplar::tls
