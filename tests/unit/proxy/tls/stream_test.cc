#include "proxy/tls/stream.h"

#include <gtest/gtest.h>

#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include "tests/unit/proxy/tls/stream_world.h"

namespace poplar::tls {
namespace {

TEST_F(TlsStreamTest, CarriesBothWaysAtOnceThroughAnySplit) {
  struct Split {
    size_t read_max;
    size_t capacity;
  };
  for (const Split split : {Split{1, 1}, Split{1, 70'000}, Split{3000, 17}, Split{16384, 65536}}) {
    Connection c(pool_, ready_);
    for (const auto& pipe : {c.to_server, c.to_client}) {
      pipe->read_max = split.read_max;
      pipe->capacity = split.capacity;
    }
    ShakeHands(c);
    const std::string down = Pattern(60'000);
    const std::string up = Pattern(35'001);
    std::string got_down;
    std::string got_up;
    int codes[6];
    std::fill(std::begin(codes), std::end(codes), kRunning);
    Start(RunReadAll(&c.client, &got_down, &codes[0]));
    Start(RunReadAll(&c.server, &got_up, &codes[1]));
    Start(RunWrite(&c.server, down, &codes[2]));
    Start(RunWrite(&c.client, up, &codes[3]));
    Pump();
    Start(RunShutdown(&c.server, &codes[4]));
    Start(RunShutdown(&c.client, &codes[5]));
    Pump();
    for (const int code : codes) EXPECT_EQ(code, 0);
    EXPECT_EQ(got_down, down);
    EXPECT_EQ(got_up, up);
    EXPECT_EQ(c.server.engine().facts().alpn, "pop3");
  }
}

TEST_F(TlsStreamTest, TheEndStaysTheEnd) {
  Connection c(pool_, ready_);
  ShakeHands(c);
  int code = kRunning;
  Start(RunShutdown(&c.client, &code));
  Pump();
  for (int i = 0; i < 3; ++i) {
    std::string text;
    Start(RunRead(&c.server, &text, &code));
    Pump();
    EXPECT_EQ(code, 0);
    EXPECT_EQ(text, "");
  }
  EXPECT_EQ(Write(c.server, "+OK bye\r\n"), 0) << "the other direction is still open";
}

TEST_F(TlsStreamTest, TheLastWordAndTheEndAreOneWrite) {
  for (const size_t size : {size_t{9}, 3 * Engine::kRecordBytesMax}) {
    Connection c(pool_, ready_);
    ShakeHands(c);
    c.to_client->capacity = SIZE_MAX;
    const int writes = c.to_client->writes;
    const std::string last = Pattern(size);
    int code = kRunning;
    int end = kRunning;
    std::string text;
    Start(RunFinish(&c.server, last, &code));
    Start(RunReadAll(&c.client, &text, &end));
    Pump();
    EXPECT_EQ(code, 0);
    EXPECT_EQ(end, 0);
    EXPECT_TRUE(text == last) << text.size() << " bytes of " << size;
    const int records = static_cast<int>(1 + (size - 1) / Engine::kRecordBytesMax);
    EXPECT_EQ(c.to_client->writes - writes, records);
    EXPECT_TRUE(c.to_client->ended);
  }
}

TEST_F(TlsStreamTest, ManyRecordsLeaveInOneWriteWhereThereIsRoomForThem) {
  for (const bool room : {true, false}) {
    Connection c(pool_, ready_);
    ShakeHands(c);
    c.to_client->capacity = SIZE_MAX;
    std::vector<io::Buffer> taken;
    while (!room && pool_.in_use() + io::kLargeParts <= pool_.count_max() / 4)
      taken.push_back(pool_.TryTake(io::BufferUse::kSend));
    const std::string much = Pattern(io::kLargeReceiveBytesMax);
    const int writes = c.to_client->writes;
    EXPECT_EQ(Write(c.server, much), 0);
    EXPECT_EQ(c.to_client->writes - writes, room ? 1 : 5);
    taken.clear();
    int end = kRunning;
    std::string text;
    Start(RunReadAll(&c.client, &text, &end));
    EXPECT_EQ(Write(c.server, "end"), 0);
    EXPECT_TRUE(text == much + "end") << text.size() << " bytes";
    c.client.Abort();
    Pump();
  }
}

TEST_F(TlsStreamTest, AnIdleReadHoldsNoBuffer) {
  Connection c(pool_, ready_);
  ShakeHands(c);
  EXPECT_EQ(pool_.in_use(), 0U);
  std::string text;
  int reading = kRunning;
  Start(RunRead(&c.server, &text, &reading));
  Pump();
  EXPECT_EQ(pool_.in_use(), 0U);
  EXPECT_EQ(Write(c.client, "NOOP\r\n"), 0);
  EXPECT_EQ(text, "NOOP\r\n");
  Start(RunRead(&c.server, &text, &reading));
  Pump();
  EXPECT_EQ(reading, kRunning);
  EXPECT_EQ(pool_.in_use(), 0U);
  c.server.Abort();
  Pump();
  EXPECT_EQ(reading, ECANCELED);
  std::printf("TlsStream: %zu bytes\n", sizeof(TlsStream));
  EXPECT_LE(sizeof(TlsStream), 160U);
}

TEST_F(TlsStreamTest, ATruncationIsAReset) {
  Connection c(pool_, ready_);
  ShakeHands(c);
  EXPECT_EQ(Write(c.client, "QUIT\r\n"), 0);
  c.to_server->ended = true;
  std::string text;
  int code = kRunning;
  Start(RunReadAll(&c.server, &text, &code));
  Pump();
  EXPECT_EQ(text, "QUIT\r\n");
  EXPECT_EQ(code, ECONNRESET);
  EXPECT_EQ(c.server.engine().failure(), FailureReason::kNone);
}

TEST_F(TlsStreamTest, AnEndWithinARecordIsAReset) {
  Connection c(pool_, ready_);
  ShakeHands(c);
  EXPECT_EQ(Write(c.client, "QUIT\r\n"), 0);
  c.to_server->bytes.pop_back();
  c.to_server->ended = true;
  std::string text;
  int code = kRunning;
  Start(RunReadAll(&c.server, &text, &code));
  Pump();
  EXPECT_EQ(text, "");
  EXPECT_EQ(code, ECONNRESET);
}

TEST_F(TlsStreamTest, AnEndInTheHandshakeIsAReset) {
  for (const char* said : {"", "\x16\x03\x01"}) {
    Connection c(pool_, ready_);
    c.to_server->bytes = said;
    c.to_server->ended = true;
    int code = kRunning;
    Start(RunHandshake(&c.server, &code));
    Pump();
    EXPECT_EQ(code, ECONNRESET);
  }
}

TEST_F(TlsStreamTest, GarbageInTheHandshakeGetsAnAlertAndAName) {
  Connection c(pool_, ready_);
  c.to_server->bytes = "USER x\r\n";
  int code = kRunning;
  Start(RunHandshake(&c.server, &code));
  Pump();
  EXPECT_EQ(code, EPROTO);
  EXPECT_EQ(c.server.engine().failure(), FailureReason::kNotTls);
  EXPECT_EQ(c.to_client->all.size(), 7U) << "one alert";
  EXPECT_EQ(Write(c.server, "x"), EPROTO);
}

TEST_F(TlsStreamTest, ADamagedRecordGetsAnAlertBeforeTheFailure) {
  Connection c(pool_, ready_);
  ShakeHands(c);
  ASSERT_EQ(Write(c.server, "+OK\r\n"), 0);
  std::string text;
  int client = kRunning;
  Start(RunRead(&c.client, &text, &client));
  Pump();
  EXPECT_EQ(text, "+OK\r\n");
  ASSERT_EQ(Write(c.client, "STAT\r\n"), 0);
  ASSERT_EQ(Write(c.client, "NOOP\r\n"), 0);
  c.to_server->bytes.back() = static_cast<char>(c.to_server->bytes.back() ^ 1);
  const size_t before = c.to_client->all.size();
  text.clear();
  int server = kRunning;
  Start(RunReadAll(&c.server, &text, &server));
  Pump();
  EXPECT_EQ(text, "STAT\r\n") << "what was good comes first";
  EXPECT_EQ(server, EPROTO);
  EXPECT_EQ(c.server.engine().failure(), FailureReason::kProtocol);
  EXPECT_GT(c.to_client->all.size(), before);
  Start(RunRead(&c.client, &text, &client));
  Pump();
  EXPECT_EQ(client, EPROTO);
  EXPECT_EQ(c.client.engine().failure(), FailureReason::kPeerAlert);
  EXPECT_EQ(Write(c.server, "+OK\r\n"), EPROTO);
  int shutdown = kRunning;
  Start(RunShutdown(&c.server, &shutdown));
  Start(RunRead(&c.server, &text, &server));
  Pump();
  EXPECT_EQ(shutdown, EPROTO);
  EXPECT_EQ(server, EPROTO);
}

// The alert waits for the record that is being sent, and never gets into it.
TEST_F(TlsStreamTest, AnAlertWaitsForTheWriterBeforeIt) {
  Connection c(pool_, ready_);
  ShakeHands(c);
  c.to_client->capacity = 1000;
  int writing = kRunning;
  Start(RunWrite(&c.server, Pattern(10'000), &writing));
  Pump();
  ASSERT_EQ(writing, kRunning);
  c.to_server->bytes = "no TLS at all";
  std::string text;
  int reading = kRunning;
  Start(RunRead(&c.server, &text, &reading));
  c.to_server->filled.Signal();
  Pump();
  EXPECT_EQ(reading, kRunning) << "the writer has its turn";
  std::string got;
  int client = kRunning;
  Start(RunReadAll(&c.client, &got, &client));
  Pump();
  EXPECT_EQ(writing, 0);
  EXPECT_EQ(reading, EPROTO);
  EXPECT_EQ(got, Pattern(10'000));
  EXPECT_EQ(client, EPROTO);
  EXPECT_NE(c.client.engine().failure(), FailureReason::kProtocol) << "the records were whole";
}

TEST_F(TlsStreamTest, CancelReadLosesNoByte) {
  Connection c(pool_, ready_);
  ShakeHands(c);
  ASSERT_EQ(Write(c.client, "USER x\r\n"), 0);
  const std::string record = c.to_server->bytes;
  c.to_server->bytes.clear();
  std::string text;
  int code = kRunning;
  for (size_t cut = 0; cut + 1 < record.size(); ++cut) {
    Start(RunRead(&c.server, &text, &code));
    Pump();
    ASSERT_EQ(code, kRunning);
    c.to_server->bytes = record.substr(cut, 1);
    c.to_server->filled.Signal();
    if (cut % 2 == 0) Pump();  // cancelled after it saw the byte, or before
    c.server.CancelRead();
    c.server.CancelRead();
    Pump();
    EXPECT_EQ(code, ECANCELED);
  }
  c.server.CancelRead();  // nothing in flight: no effect on the next one
  Start(RunRead(&c.server, &text, &code));
  Pump();
  EXPECT_EQ(code, kRunning);
  c.to_server->bytes = record.substr(record.size() - 1);
  c.to_server->filled.Signal();
  Pump();
  EXPECT_EQ(code, 0);
  EXPECT_EQ(text, "USER x\r\n");
}

TEST_F(TlsStreamTest, ACancelledReadKeepsTheWholeRecordThatJustCame) {
  Connection c(pool_, ready_);
  ShakeHands(c);
  std::string text;
  int code = kRunning;
  Start(RunRead(&c.server, &text, &code));
  Pump();
  int writing = kRunning;
  Start(RunWrite(&c.client, "USER x\r\n", &writing));
  // The client's write has run, the server's read is queued but has not.
  io::Waiter* start = ready_.Pop();
  start->handle.resume();
  EXPECT_EQ(writing, 0);
  c.server.CancelRead();
  Pump();
  EXPECT_EQ(code, ECANCELED);
  Start(RunRead(&c.server, &text, &code));
  Pump();
  EXPECT_EQ(code, 0);
  EXPECT_EQ(text, "USER x\r\n");
}

TEST_F(TlsStreamTest, LooksOutOnlyWhereAReadWouldWait) {
  constexpr size_t kMuch = 30'000;  // more than a buffer
  Connection c(pool_, ready_);
  ShakeHands(c);
  io::Waker ended;
  io::Lookout lookout(ended);
  c.server.LookOut(lookout);
  EXPECT_EQ(c.to_server->lookouts, 1);
  ASSERT_EQ(Write(c.client, Pattern(kMuch)), 0);
  std::string text;
  int code = kRunning;
  Start(RunRead(&c.server, &text, &code));
  Pump();
  ASSERT_LT(text.size(), kMuch);
  EXPECT_FALSE(c.server.LookOut(lookout));
  EXPECT_EQ(c.to_server->lookouts, 1);
  Start(RunRead(&c.server, &text, &code));
  Pump();
  EXPECT_EQ(text, Pattern(kMuch));
  c.server.LookOut(lookout);
  EXPECT_EQ(c.to_server->lookouts, 2);
}

// Its beginning is the library's, and its rest is still to come.
TEST_F(TlsStreamTest, LooksOutForTheRestOfARecord) {
  Connection c(pool_, ready_);
  ShakeHands(c);
  ASSERT_EQ(Write(c.client, "USER x\r\n"), 0);
  c.to_server->bytes.resize(9);
  std::string text;
  int code = kRunning;
  Start(RunRead(&c.server, &text, &code));
  Pump();
  c.server.CancelRead();
  Pump();
  ASSERT_EQ(code, ECANCELED);
  io::Waker ended;
  io::Lookout lookout(ended);
  c.server.LookOut(lookout);
  EXPECT_EQ(c.to_server->lookouts, 1);
}

TEST_F(TlsStreamTest, AbortEndsEverything) {
  Connection c(pool_, ready_);
  ShakeHands(c);
  c.to_client->capacity = 1000;
  std::string text;
  int codes[4] = {kRunning, kRunning, kRunning, kRunning};
  Start(RunRead(&c.server, &text, &codes[0]));
  Start(RunWrite(&c.server, Pattern(100'000), &codes[1]));
  Pump();
  Start(RunShutdown(&c.server, &codes[2]));  // waits for the writer
  Pump();
  EXPECT_EQ(codes[0], kRunning);
  EXPECT_EQ(codes[1], kRunning);
  EXPECT_EQ(codes[2], kRunning);
  c.server.Abort();
  c.server.Abort();
  Pump();
  EXPECT_EQ(codes[0], ECANCELED);
  EXPECT_EQ(codes[1], ECANCELED);
  EXPECT_EQ(codes[2], ECANCELED);
  EXPECT_EQ(Write(c.server, "x"), ECANCELED);
  Start(RunRead(&c.server, &text, &codes[3]));
  Pump();
  EXPECT_EQ(codes[3], ECANCELED);
}

TEST_F(TlsStreamTest, AbortEndsAHandshake) {
  for (const size_t said : {size_t{0}, size_t{100}}) {
    Connection c(pool_, ready_);
    c.to_server->capacity = said + 1;  // the client gets no further
    int server = kRunning;
    int client = kRunning;
    c.to_server->read_max = said + 1;
    if (said > 0) Start(RunHandshake(&c.client, &client));
    Start(RunHandshake(&c.server, &server));
    if (said == 0) {
      Pump();
      EXPECT_EQ(server, kRunning);
    }
    c.server.Abort();
    c.client.Abort();
    Pump();
    EXPECT_EQ(server, ECANCELED);
    if (said > 0) EXPECT_EQ(client, ECANCELED);
  }
}

TEST_F(TlsStreamTest, CiphertextBehindTheHandshakeIsRead) {
  Connection c(pool_, ready_);
  int client = kRunning;
  int server = kRunning;
  Start(RunHandshake(&c.client, &client));
  Pump();
  // The server sees the hello, and then the client's last flight and its first command at once.
  c.to_server->quota = c.to_server->bytes.size();
  Start(RunHandshake(&c.server, &server));
  Pump();
  ASSERT_EQ(client, 0);
  ASSERT_EQ(server, kRunning);
  ASSERT_EQ(Write(c.client, "USER x\r\n"), 0);
  c.to_server->quota = SIZE_MAX;
  c.to_server->filled.Signal();
  Pump();
  ASSERT_EQ(server, 0);
  std::string text;
  int code = kRunning;
  Start(RunRead(&c.server, &text, &code));
  Pump();
  EXPECT_EQ(code, 0);
  EXPECT_EQ(text, "USER x\r\n");
}

// Only the servers' pool is small: two ends that wait for each other through one pool could not be
// told from a pool that dead-locks by itself.
TEST_F(TlsStreamTest, ManyStreamsShareTheFewestBuffers) {
  constexpr size_t kStreams = 12;
  io::BufferPool small(1, ready_);  // the least it makes: 8
  ASSERT_EQ(small.count_max(), 8U);
  std::vector<std::unique_ptr<Connection>> connections;
  std::vector<std::string> up(kStreams);
  std::vector<std::string> down(kStreams);
  std::vector<int> codes(6 * kStreams, kRunning);
  for (size_t i = 0; i < kStreams; ++i) {
    connections.push_back(std::make_unique<Connection>(small, pool_, ready_));
    connections[i]->to_client->capacity = 1000;  // writers stall with a buffer in hand
    ShakeHands(*connections[i]);
  }
  for (size_t i = 0; i < kStreams; ++i) {
    Connection& c = *connections[i];
    Start(RunWrite(&c.server, Pattern(50'000 + i), &codes[6 * i]));
    Start(RunReadAll(&c.server, &up[i], &codes[6 * i + 1]));
    Start(RunWrite(&c.client, Pattern(40'000 + i), &codes[6 * i + 2]));
    Start(RunReadAll(&c.client, &down[i], &codes[6 * i + 3]));
  }
  Pump();
  for (size_t i = 0; i < kStreams; ++i) {
    Start(RunShutdown(&connections[i]->server, &codes[6 * i + 4]));
    Start(RunShutdown(&connections[i]->client, &codes[6 * i + 5]));
  }
  Pump();
  EXPECT_EQ(codes, std::vector<int>(6 * kStreams, 0));
  for (size_t i = 0; i < kStreams; ++i) {
    EXPECT_EQ(up[i], Pattern(40'000 + i));
    EXPECT_EQ(down[i], Pattern(50'000 + i));
  }
  EXPECT_GT(small.waits(), 0U) << "the pool was too large for this test";
  EXPECT_EQ(small.in_use(), 0U);
}

}  // namespace
}  // namespace poplar::tls
