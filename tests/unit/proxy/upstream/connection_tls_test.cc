#include <gtest/gtest.h>

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "proxy/io/socket_stream.h"
#include "proxy/io/task_scope.h"
#include "proxy/tls/server_context.h"
#include "proxy/tls/stream.h"
#include "proxy/tls/throwaway_certificate.h"
#include "proxy/upstream/connection.h"
#include "tests/simulation/network.h"
#include "tests/simulation/sim_proactor.h"

namespace poplar::upstream {
namespace {

using std::chrono::seconds;
using Verify = tls::ClientSettings::Verify;

// A node that speaks TLS, greets and takes QUIT; and connections to it.
class TlsBench {
 public:
  explicit TlsBench(Verify verify, tls::Version version_max = tls::Version::kTls13,
                    std::string stls_answer = {})
      : stls_answer_(std::move(stls_answer)) {
    const auto pem = tls::MakeThrowawayCertificate(world_.clock().UnixMicros() / 1'000'000);
    server_ =
        *tls::ServerContext::Create({.certificates_in_memory = {pem}, .version_max = version_max});
    listener_ = *node_.Listen(address_, {});
    node_scope_.Spawn(AcceptAll());
    endpoint_ = std::make_shared<Endpoint>(
        Endpoint{.name = "cluster/node",
                 .address = address_,
                 .tls = *tls::ClientContext::Create({.verify = verify}),
                 .host_name = "localhost",
                 .tls_start = stls_answer_.empty() ? TlsStart::kImplicit : TlsStart::kStls,
                 .tls_sessions = std::make_shared<tls::ClientSessions>()});
  }
  ~TlsBench() {
    node_.Abort(listener_);
    EXPECT_TRUE(Run([this] { return node_scope_.count() == 0 && scope_.count() == 0; }));
    for (simulation::SimProactor* machine : {&node_, &poplar_, &other_}) machine->MustBeIdle();
  }

  bool Run(const std::function<bool()>& predicate) {
    return world_.RunUntil(predicate, std::chrono::hours(1));
  }

  // Opens, changes workers as a warm connection does, and retires.
  struct Visit {
    NodeError error;
    bool resumed = false;
    bool quiet = false;
  };
  Visit Once() {
    std::optional<Visit> visit;
    scope_.Spawn(VisitTask(&visit));
    EXPECT_TRUE(Run([&visit] { return visit.has_value(); })) << world_.why_not();
    return visit.value_or(Visit{});
  }

  // Whether the node saw a resumption, connection by connection, and what else it received.
  std::vector<bool> resumed;
  std::string received;
  std::string in_the_clear;
  bool hangs_up = false;  // instead of a handshake

 private:
  io::Task<void> VisitTask(std::optional<Visit>* result) {
    Connection connection(poplar_, endpoint_);
    Visit visit{.error = co_await connection.Open()};
    if (visit.error.failure == NodeFailure::kNone) {
      visit.resumed = static_cast<tls::TlsStream&>(connection.stream()).engine().facts().resumed;
      EXPECT_TRUE(connection.Detach());
      connection.Attach(other_);
      visit.quiet = connection.Quiet();
      co_await connection.Retire();
    }
    *result = visit;
  }

  io::Task<void> AcceptAll() {
    for (;;) {
      const io::Result<io::Accepted> accepted = co_await node_.Accept(listener_);
      if (!accepted) break;
      node_scope_.Spawn(Serve(accepted->socket));
    }
    node_.Close(listener_);
  }
  // The greeting and STLS in the clear; false: nothing more is to come.
  io::Task<bool> StartInTheClear(io::SocketStream& plain) {
    co_await plain.Write("+OK clear\r\n");
    std::string line;
    while (!line.ends_with('\n')) {
      const io::Result<io::Buffer> some = co_await plain.Read();
      if (!some || some->empty()) co_return false;
      line += some->bytes();
    }
    in_the_clear += line;
    co_await plain.Write(stls_answer_);
    co_return stls_answer_.starts_with("+OK");
  }
  io::Task<void> Serve(io::SocketId socket) {
    auto plain = std::make_unique<io::SocketStream>(node_, socket);
    if (hangs_up) co_return;
    if (!stls_answer_.empty() && !co_await StartInTheClear(*plain)) {
      const io::Result<io::Buffer> end = co_await plain->Read();
      EXPECT_TRUE(!end || end->empty()) << end->bytes();
      co_return;
    }
    tls::TlsStream stream(std::move(plain), server_->NewConnection(), node_.buffers(),
                          node_.ready());
    const io::Result<> done = co_await stream.Handshake();
    if (!done) co_return;
    resumed.push_back(stream.engine().facts().resumed);
    if (stls_answer_.empty()) co_await stream.Write("+OK ready\r\n");
    std::string line;
    while (!line.ends_with('\n')) {
      const io::Result<io::Buffer> some = co_await stream.Read();
      if (!some || some->empty()) break;
      line += some->bytes();
    }
    received += line;
    co_await stream.Write("+OK bye\r\n");
    co_await stream.ShutdownWrite();
  }

  const std::string stls_answer_;  // empty: TLS from the first byte
  simulation::World world_{7};
  simulation::Network network_{world_, {}};
  const io::Address address_ = *io::Address::Parse("192.0.2.10", 995);
  simulation::SimProactor node_{network_, "node", address_};
  simulation::SimProactor poplar_{network_, "poplar", *io::Address::Parse("192.0.2.1", 0)};
  simulation::SimProactor other_{network_, "other worker", *io::Address::Parse("192.0.2.1", 0)};
  io::TaskScope node_scope_{node_.ready()};
  io::TaskScope scope_{poplar_.ready()};
  std::shared_ptr<const tls::ServerContext> server_;
  std::shared_ptr<Endpoint> endpoint_;
  io::SocketId listener_ = io::SocketId::kNone;
};

TEST(ConnectionTlsTest, SessionsToANodeAreResumed) {
  for (const tls::Version version : {tls::Version::kTls12, tls::Version::kTls13}) {
    TlsBench bench(Verify::kInsecure, version);
    for (const bool resumed : {false, true, true}) {
      const TlsBench::Visit visit = bench.Once();
      EXPECT_EQ(Name(visit.error.failure), "none") << visit.error.detail;
      EXPECT_EQ(visit.resumed, resumed);
      EXPECT_TRUE(visit.quiet);
    }
    EXPECT_EQ(bench.resumed, (std::vector{false, true, true}));
    EXPECT_EQ(bench.received, "QUIT\r\nQUIT\r\nQUIT\r\n");
  }
}

TEST(ConnectionTlsTest, ACertificateThatNobodyVouchesForIsNotTaken) {
  TlsBench bench(Verify::kFull);
  for (int i = 0; i < 2; ++i) {
    const TlsBench::Visit visit = bench.Once();
    EXPECT_EQ(Name(visit.error.failure), "tls_failed");
    EXPECT_NE(visit.error.detail.find("self-signed"), std::string::npos) << visit.error.detail;
  }
  EXPECT_EQ(bench.received, "");
}

// A server that can't bear a session of its own breaks off without a word: OpenSSL's do, where they
// verify clients.
TEST(ConnectionTlsTest, ANodeThatBearsNoResumptionIsSparedIt) {
  TlsBench bench(Verify::kInsecure);
  const auto visit = [&bench](bool hangs_up) {
    bench.hangs_up = hangs_up;
    const TlsBench::Visit done = bench.Once();
    EXPECT_EQ(Name(done.error.failure), hangs_up ? "reset" : "none") << done.error.detail;
    return done.resumed;
  };
  EXPECT_FALSE(visit(false));
  EXPECT_FALSE(visit(true));
  EXPECT_FALSE(visit(false));  // at the first try
  EXPECT_TRUE(visit(false));   // once is no proof
  EXPECT_FALSE(visit(true));
  for (int i = 0; i < 3; ++i) EXPECT_FALSE(visit(false));
}

// --- STLS

TEST(ConnectionTlsTest, StartsTlsBehindTheGreeting) {
  TlsBench bench(Verify::kInsecure, tls::Version::kTls13, "+OK begin\r\n");
  for (const bool resumed : {false, true}) {
    const TlsBench::Visit visit = bench.Once();
    EXPECT_EQ(Name(visit.error.failure), "none") << visit.error.detail;
    EXPECT_EQ(visit.resumed, resumed);
  }
  EXPECT_EQ(bench.in_the_clear, "STLS\r\nSTLS\r\n");
  EXPECT_EQ(bench.received, "QUIT\r\nQUIT\r\n");
}

TEST(ConnectionTlsTest, StlsTrustsNobodyElseEither) {
  TlsBench bench(Verify::kFull, tls::Version::kTls13, "+OK begin\r\n");
  EXPECT_EQ(Name(bench.Once().error.failure), "tls_failed");
  EXPECT_EQ(bench.received, "");
}

// Nothing goes on in the clear.
TEST(ConnectionTlsTest, ARefusedStlsIsTheEnd) {
  const std::tuple<const char*, const char*, const char*> answers[] = {
      {"-ERR no TLS here\r\n", "tls_failed", "STLS refused: -ERR no TLS here"},
      {"-ERR\r\n", "tls_failed", "STLS refused: -ERR"},
      {"* OK begin\r\n", "protocol", "not an answer to STLS"},
      {"\r\n", "protocol", "not an answer to STLS"}};
  for (const auto& [answer, failure, detail] : answers) {
    TlsBench bench(Verify::kInsecure, tls::Version::kTls13, answer);
    const TlsBench::Visit visit = bench.Once();
    EXPECT_EQ(Name(visit.error.failure), failure);
    EXPECT_EQ(visit.error.detail, detail);
    EXPECT_EQ(bench.in_the_clear, "STLS\r\n");
  }
}

// What was put behind the answer in the clear must not be taken for the node's words under TLS;
// whether it comes in one read with the answer or later.
TEST(ConnectionTlsTest, NothingIsInjectedBehindStls) {
  for (const char* injected : {"+OK Logged in.\r\n", "-ERR no\r\n", "+", "\r\n"}) {
    TlsBench bench(Verify::kInsecure, tls::Version::kTls13, std::string("+OK\r\n") + injected);
    const TlsBench::Visit visit = bench.Once();
    EXPECT_EQ(Name(visit.error.failure), "tls_failed") << injected;
    EXPECT_EQ(bench.received, "");
  }
}

}  // namespace
}  // namespace poplar::upstream
