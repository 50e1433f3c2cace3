// What a worker asks the heap for: nothing while mail is relayed, and a known amount a session. On
// the real kernel, over TLS, with the log and the metrics of the real thing.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <functional>
#include <future>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <utility>

#include "proxy/cli/demo_nodes.h"
#include "proxy/io/kernel_socket.h"
#include "proxy/pop3/reply.h"
#include "proxy/server/build_settings.h"
#include "proxy/server/choose_engine.h"
#include "proxy/server/worker.h"
#include "proxy/tls/throwaway_certificate.h"
#include "tests/unit/proxy/io/both_engines.h"
#include "tests/unit/proxy/io/engine_of_tests.h"
#include "tests/unit/proxy/server/allocation_counter.h"
#include "tests/unit/proxy/server/tls_test_client.h"

namespace poplar::server {
namespace {

using io::Engine;
using io::NameOfEngine;
using testing::EndsWith;
using testing::StartsWith;

// So often until all has grown as large as it gets, and again to be counted.
constexpr int kWarmUp = 16;
constexpr int kCounted = 8;
// What tables that outlive sessions take meanwhile; less than one a session.
constexpr uint64_t kTablesGrow = 4;

// One worker behind a listener for POP3S, before the demo's mail nodes.
class AllocationsFixture : public testing::Test {
 protected:
  void SetUp() override {
    if (!CountsAllocations()) GTEST_SKIP() << "the heap is the sanitizer's own";
    alarm(120);  // a test that hangs dies of SIGALRM
    auto nodes = cli::DemoNodes::Start(
        1, engine_ == io::Engine::kEpoll ? io::EngineWish::kEpoll : io::EngineWish::kUring);
    if (!nodes) GTEST_SKIP() << nodes.error();
    nodes_ = std::move(*nodes);
    config_.listeners = {{.name = "pop3s", .address = "127.0.0.1:0"}};
    config_.clusters = {{.name = "demo", .shared_storage = true}};
    config_.clusters[0].nodes = {{.name = "node", .address = nodes_->addresses()[0].Text()}};
    config_.pool.warm = 0;
    config_.health.probe = config::Probe::kOff;
    config_.log = {.format = config::LogFormat::kJson, .output = log_path_};
  }

  void TearDown() override {
    if (worker_ != nullptr) Stop();
    alarm(0);
    std::filesystem::remove(log_path_);
  }

  void Start() {
    log_ = *Log::Open(config_.log, clock_);
    const auto certificate = tls::MakeThrowawayCertificate(clock_.UnixMicros() / 1'000'000);
    const auto settings = *BuildSettings(
        config_, *tls::ServerContext::Create({.certificates_in_memory = {certificate}}));
    metrics::Dimensions dimensions{.listeners = {"pop3s"}, .nodes = {{"demo", "node"}}};
    AddSessionDimensions(dimensions);
    layout_ = std::make_unique<metrics::Layout>(dimensions);
    shard_ = std::make_unique<metrics::Shard>(*layout_);
    shared_ = std::make_unique<Shared>(random_, random_.Next(), *UserMaps::Load({}),
                                       *Directories::Build(config_, clock_, *log_));
    worker_ = *Worker::Create(*shared_, settings, *shard_, *log_, clock_,
                              {.engine = engine_, .buffer_bytes_max = size_t{16} << 20});
    const int listening =
        *io::OpenListening(io::Address::Loopback(0), {},
                           engine_ == io::Engine::kEpoll ? io::Blocking::kNo : io::Blocking::kYes);
    port_ = io::LocalAddressOf(listening).port();
    for (const auto& node : settings->clusters[0]->nodes)
      worker_->Keep(*settings->clusters[0], *node);
    worker_->ListenOn({.listener = 0}, io::Descriptor(listening));
    worker_->StartAccepting();
    thread_ = std::thread([this] { worker_->Run(); });
  }

  void Stop() {
    worker_->StopAccepting();
    worker_->AbortSessions();
    thread_.join();
    worker_.reset();
    shared_->directories->Close();
    shared_.reset();
  }

  // On the worker's thread, once it has nothing else to do: what a client hears last is not what
  // the worker does last, hence the second round.
  void OnWorker(const std::function<void()>& act) {
    for (int round = 0; round < 2; ++round) {
      std::promise<void> done;
      worker_->LookAtSessions([&, last = round == 1](const auto& sessions, io::Time) {
        open_sessions_ = sessions.size();
        if (last) act();
        done.set_value();
      });
      done.get_future().wait();
    }
  }
  Allocations Counted() {
    Allocations counted;
    OnWorker([&counted] { counted = AllocationsOfThisThread(); });
    return counted;
  }
  std::string Callers() {
    std::string callers;
    OnWorker([&callers] { callers = CallersOfThisThread(); });
    return callers;
  }
  void WaitForNoSession() {
    do {
      OnWorker([] {});
    } while (open_sessions_ > 0);
  }

  std::unique_ptr<TlsTestClient> LogIn() {
    auto client = std::make_unique<TlsTestClient>(port_);
    EXPECT_TRUE(client->Handshake());
    EXPECT_THAT(client->ReadTo("\r\n"), StartsWith("+OK"));
    EXPECT_THAT(client->Ask("USER alice@example.com\r\n"), StartsWith("+OK"));
    EXPECT_THAT(client->Ask("PASS alder\r\n"), StartsWith("+OK"));
    return client;
  }
  // From the connection to its end, with a command between.
  void Visit() {
    auto client = LogIn();
    EXPECT_THAT(client->Ask("STAT\r\n"), StartsWith("+OK"));
    EXPECT_THAT(client->Ask("QUIT\r\n"), StartsWith("+OK"));
    EXPECT_EQ(client->ReadToEnd(), "");
    client.reset();
    WaitForNoSession();
  }

  struct Step {
    std::string asked;
    std::string_view end;  // of all that comes back
  };

  // The same again and again.
  Allocations CostOf(TlsTestClient& client, const Step& step) {
    for (int i = 0; i < kWarmUp; ++i)
      EXPECT_THAT(client.Ask(step.asked, step.end), StartsWith("+OK")) << step.asked;
    OnWorker([] { RememberCallers(); });
    const Allocations before = Counted();
    for (int i = 0; i < kCounted; ++i)
      EXPECT_THAT(client.Ask(step.asked, step.end), EndsWith(step.end)) << step.asked;
    return Counted() - before;
  }

  Allocations CostOfVisits() {
    for (int i = 0; i < kWarmUp; ++i) Visit();
    OnWorker([] { RememberCallers(); });
    const Allocations before = Counted();
    for (int i = 0; i < kCounted; ++i) Visit();
    return Counted() - before;
  }

  io::Engine engine_ = io::EngineOfTests();
  const std::string log_path_ = testing::TempDir() + "allocations_test.log";
  const io::SystemClock clock_;
  io::SystemRandom random_;
  config::Config config_;
  std::unique_ptr<cli::DemoNodes> nodes_;
  std::unique_ptr<Log> log_;
  std::unique_ptr<metrics::Layout> layout_;
  std::unique_ptr<metrics::Shard> shard_;
  std::unique_ptr<Shared> shared_;
  std::unique_ptr<Worker> worker_;
  std::thread thread_;
  uint16_t port_ = 0;
  size_t open_sessions_ = 0;
};

class AllocationsTest : public io::OnEngine<AllocationsFixture> {};
POPLAR_ON_BOTH_ENGINES(AllocationsTest);

TEST_P(AllocationsTest, ASingleOneIsCounted) {
  Start();
  const Allocations before = Counted();
  OnWorker([] { (void)std::make_unique<std::string>(); });
  EXPECT_EQ((Counted() - before).own, 1u);
}

// Message 1 is a letter, the last one a picture of 200 KB. STLS is answered by Poplar itself, in
// its turn: so it tells where the answers to what was sent at once end.
TEST_P(AllocationsTest, NoneWhileMailIsRelayed) {
  Start();
  const auto client = LogIn();
  const std::string last = std::to_string(std::stoi(client->Ask("STAT\r\n").substr(4)));
  constexpr std::string_view kLine = "\r\n";
  constexpr std::string_view kList = "\r\n.\r\n";
  constexpr std::string_view kOwn = pop3::kReplyAlreadyLoggedIn;
  const Step steps[] = {
      {"NOOP\r\n", kLine},
      {"STAT\r\n", kLine},
      {"LIST\r\n", kList},
      {"LIST 1\r\n", kLine},
      {"UIDL\r\n", kList},
      {"UIDL 1\r\n", kLine},
      {"RETR 1\r\n", kList},
      {"RETR " + last + "\r\n", kList},
      {"TOP 1 0\r\n", kList},
      {"NOOP\r\nSTLS\r\n", kOwn},
      {"DELE 1\r\nRSET\r\nSTLS\r\n", kOwn},
      {"STAT\r\nLIST\r\nUIDL\r\nRETR 1\r\nRETR 2\r\nRETR 3\r\nTOP 4 0\r\nSTLS\r\n", kOwn},
      {"DELE 1\r\nDELE 2\r\nDELE 3\r\nDELE 4\r\nRSET\r\nNOOP\r\nSTLS\r\n", kOwn},
  };
  for (const Step& step : steps) {
    const Allocations cost = CostOf(*client, step);
    EXPECT_EQ(cost.own, 0u) << step.asked << Callers();
  }
}

// What a login is made of: names, credentials, the connection to the node. Whoever adds to it sees
// it here; whoever takes away lowers the number.
TEST_P(AllocationsTest, AKnownNumberASession) {
  config_.pool.max_snapshot_age = std::chrono::seconds(0);
  Start();
  const Allocations cost = CostOfVisits();
  EXPECT_LE(cost.own, kCounted * 32u + kTablesGrow) << Callers();
  EXPECT_GT(cost.library, 0u);
}

TEST_P(AllocationsTest, AKnownNumberASessionOnAParkedConnection) {
  Start();
  const Allocations cost = CostOfVisits();
  EXPECT_LE(cost.own, kCounted * 26u + kTablesGrow) << Callers();
  EXPECT_GT(cost.library, 0u);
}

}  // namespace
}  // namespace poplar::server
