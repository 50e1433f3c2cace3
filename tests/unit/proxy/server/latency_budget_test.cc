// Where time is lost is where it shows: a delay of known size in each phase of a session's life
// appears in that phase's histogram, in those that contain the phase, and in no other.
#include <gtest/gtest.h>

#include <chrono>
#include <functional>
#include <map>
#include <optional>
#include <ostream>
#include <set>
#include <string>

#include "metrics/layout.h"
#include "metrics/shard.h"
#include "proxy/demo/mail_store.h"
#include "proxy/server/shard_meter.h"
#include "proxy/tls/throwaway_certificate.h"
#include "tests/unit/proxy/session/session_bench.h"
#include "tests/unit/proxy/session/tls_client.h"

namespace poplar::server {
namespace {

using session::SessionBench;
using session::TlsClient;
using std::chrono::milliseconds;
using upstream::DrivenPeer;

constexpr io::Duration kDelay = milliseconds(700);
// Of the simulated network's chance; a step of the timers' wheel is 16 ms.
constexpr io::Duration kTolerance = milliseconds(20);

metrics::Dimensions OneOfEach() {
  metrics::Dimensions dimensions{
      .listeners = {"pop3"}, .nodes = {{"mail", "one"}}, .directories = {"staff"}};
  AddSessionDimensions(dimensions);
  return dimensions;
}

// Says that everybody is where they were, and takes its time.
class SlowDirectory final : public session::Lookups {
 public:
  std::optional<directory::Found> InMap(size_t, std::string_view) override { return std::nullopt; }
  io::Task<directory::Answer> Ask(size_t, directory::Question) override {
    co_await proactor->Sleep(delay);
    co_return directory::Answer{.kind = directory::Answer::Kind::kFound,
                                .found = {.place = "mail"}};
  }

  io::Proactor* proactor = nullptr;
  io::Duration delay = milliseconds(1);
};

// One life of a Poplar whose metrics are looked at afterwards.
class Life {
 public:
  explicit Life(bool delayed) : delay(delayed ? kDelay : io::Duration(0)) {}

  SessionBench& Begin(SessionBench::Options options = {}) {
    options.meter = &meter_;
    bench_.emplace(options);
    return *bench_;
  }
  // A client whose login the node has answered at once.
  DrivenPeer& LogIn(std::string_view user = "alice") {
    DrivenPeer& client = bench_->Connect();
    EXPECT_EQ(bench_->LogIn(client, user), "+OK Logged in.\r\n");
    return client;
  }
  // What all histograms sum up to, by name and labels.
  std::map<std::string, io::Duration> Sums() const {
    std::map<std::string, io::Duration> sums;
    for (size_t i = 0; i < metrics::kInstruments; ++i) {
      const auto instrument = static_cast<metrics::Instrument>(i);
      const metrics::InstrumentSpec& spec = metrics::Specs()[i];
      if (spec.type != metrics::InstrumentType::kHistogram) continue;
      size_t last = layout_.FirstCell(instrument);
      for (const metrics::LabelPairs& labels : layout_.Series(instrument)) {
        std::string name = spec.name;
        for (const auto& [label, value] : labels) name += " " + value;
        last += layout_.CellsPerSeries(instrument);
        sums[name] = io::Duration(static_cast<int64_t>(shard_.Read(last - 1)));
      }
    }
    return sums;
  }

  const io::Duration delay;
  SlowDirectory directory;
  demo::MailStore store;

 private:
  const metrics::Layout layout_{OneOfEach()};
  metrics::Shard shard_{layout_};
  ShardMeter meter_{shard_};
  std::optional<SessionBench> bench_;
};

struct Phase {
  const char* name;
  void (*live)(Life&);
  std::set<std::string> grown;
};

void PrintTo(const Phase& phase, std::ostream* out) { *out << phase.name; }

const std::string kLogin = "poplar_login_duration_seconds ok";
const std::string kStage = "poplar_login_stage_duration_seconds ";
const std::string kDownload = "poplar_message_download_seconds to_16KiB";
const std::string kCommand = "poplar_command_duration_seconds retr";

void Idle(Life& life) {
  SessionBench& bench = life.Begin();
  life.LogIn();
  bench.Settle(life.delay);
}

void ClientTls(Life& life) {
  SessionBench::Options options;
  options.listener.tls = *tls::ServerContext::Create(
      {.certificates_in_memory = {tls::MakeThrowawayCertificate(TlsClient::kHandshakeTime)}});
  SessionBench& bench = life.Begin(options);
  DrivenPeer& client = bench.ConnectAndSay("");
  bench.Settle(life.delay);
  EXPECT_TRUE(TlsClient(bench, client).Handshake());
}

void Directory(Life& life) {
  SessionBench::Options options;
  options.lookups = &life.directory;
  options.edit = [](session::Settings& settings) {
    settings.routing.rules = *balancer::RouteTable::Build({{.name = "staff"}});
    settings.routing.targets = {{session::RouteTarget::Kind::kDirectory, {}, 0}};
    settings.routing.places["mail"] = {balancer::ClusterId(0), {}};
  };
  SessionBench& bench = life.Begin(options);
  life.directory.proactor = &bench.poplar();
  life.directory.delay += life.delay;
  DrivenPeer& client = bench.Connect();
  client.Send("USER alice\r\nPASS secret\r\n");
  bench.Settle(std::chrono::seconds(1));
}

void Queue(Life& life) {
  SessionBench& bench = life.Begin({.pool = {.size = 1, .warm = 0, .max_snapshot_age = {}}});
  DrivenPeer& holder = life.LogIn("bob");
  DrivenPeer& client = bench.Connect();
  client.Send("USER alice\r\nPASS secret\r\n");
  bench.Settle(life.delay);
  holder.Send("QUIT\r\n");
  bench.Settle();
}

void Connect(Life& life) {
  SessionBench& bench = life.Begin();
  bench.network().DelayConnects(bench.node(0).address(), life.delay);
  DrivenPeer& client = bench.Connect();
  client.Send("USER alice\r\nPASS secret\r\n");
  bench.Settle(std::chrono::seconds(1));
}

void NodeTls(Life& life) {
  life.store.AddUser("alice", "secret");
  SessionBench& bench = life.Begin({.store = &life.store, .node_tls = true});
  DrivenPeer& client = bench.Connect();
  bench.FreezeMailNode(0, true);
  client.Send("USER alice\r\nPASS secret\r\n");
  bench.Settle(milliseconds(100) + life.delay);
  bench.FreezeMailNode(0, false);
  bench.Settle();
}

void Greeting(Life& life) {
  SessionBench& bench = life.Begin();
  bench.node(0).set_greeting({""});
  DrivenPeer& client = bench.Connect();
  client.Send("USER alice\r\nPASS secret\r\n");
  bench.Settle(milliseconds(100) + life.delay);
  bench.node(0).last().Send("+OK at last\r\n");
  bench.Settle();
}

void Authentication(Life& life) {
  SessionBench& bench = life.Begin();
  bench.node(0).set_answer("PASS", {""});
  DrivenPeer& client = bench.Connect();
  client.Send("USER alice\r\nPASS secret\r\n");
  bench.Settle(milliseconds(100) + life.delay);
  bench.node(0).last().Send("+OK at last\r\n");
  bench.Settle();
}

void FirstByte(Life& life) {
  SessionBench& bench = life.Begin();
  bench.node(0).set_answer("RETR", {""});
  life.LogIn().Send("RETR 1\r\n");
  bench.Settle(milliseconds(100) + life.delay);
  bench.node(0).last().Send("+OK\r\nmail\r\n.\r\n");
  bench.Settle();
}

void TheRest(Life& life) {
  SessionBench& bench = life.Begin();
  bench.node(0).set_answer("RETR", {"+OK\r\nma"});
  life.LogIn().Send("RETR 1\r\n");
  bench.Settle(milliseconds(100) + life.delay);
  bench.node(0).last().Send("il\r\n.\r\n");
  bench.Settle();
}

// The node has its answer ready; the client is slow in taking it.
void SlowClient(Life& life) {
  SessionBench::Options options;
  options.faults.send_buffer_bytes = options.faults.receive_window_bytes = 1024;
  SessionBench& bench = life.Begin(options);
  bench.node(0).set_answer("RETR", {"+OK\r\n" + std::string(10'000, 'x') + "\r\n.\r\n"});
  DrivenPeer& client = life.LogIn();
  client.StopReading();
  client.Send("RETR 1\r\n");
  bench.Settle(milliseconds(100) + life.delay);
  client.GoOnReading();
  bench.Settle();
}

const Phase kPhases[] = {
    {"Idle", Idle, {}},
    {"ClientTls", ClientTls, {"poplar_tls_handshake_duration_seconds no"}},
    {"Directory", Directory, {kLogin, kStage + "lookup", "poplar_directory_lookup_seconds staff"}},
    {"Queue", Queue, {kLogin, "poplar_pool_wait_seconds granted"}},
    {"Connect", Connect, {kLogin, kStage + "connect"}},
    {"NodeTls", NodeTls, {kLogin, kStage + "tls"}},
    {"Greeting", Greeting, {kLogin, kStage + "greeting"}},
    {"Authentication",
     Authentication,
     {kLogin, kStage + "auth", "poplar_node_login_seconds mail one"}},
    {"FirstByte",
     FirstByte,
     {kCommand, kDownload, "poplar_command_first_byte_seconds retr",
      "poplar_node_first_byte_seconds mail one"}},
    {"TheRest", TheRest, {kCommand, kDownload}},
    {"SlowClient", SlowClient, {kCommand, kDownload}},
};

class LatencyBudgetTest : public testing::TestWithParam<Phase> {};

TEST_P(LatencyBudgetTest, TheDelayIsSeenThereAndNowhereElse) {
  Life usual(false);
  GetParam().live(usual);
  Life slow(true);
  GetParam().live(slow);
  const auto before = usual.Sums();
  for (const auto& [name, sum] : slow.Sums()) {
    if (name == "poplar_session_duration_seconds") continue;  // contains everything
    const io::Duration grown = sum - before.at(name);
    const io::Duration expected = GetParam().grown.contains(name) ? kDelay : io::Duration(0);
    EXPECT_NEAR(io::Seconds(grown), io::Seconds(expected), io::Seconds(kTolerance)) << name;
  }
  for (const std::string& name : GetParam().grown) EXPECT_TRUE(before.contains(name)) << name;
}

INSTANTIATE_TEST_SUITE_P(Phases, LatencyBudgetTest, testing::ValuesIn(kPhases),
                         [](const auto& info) { return info.param.name; });

}  // namespace
}  // namespace poplar::server
