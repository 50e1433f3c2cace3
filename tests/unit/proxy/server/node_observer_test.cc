#include "proxy/server/node_observer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "metrics/exporter.h"
#include "proxy/server/build_settings.h"
#include "proxy/server/node_views.h"
#include "proxy/server/shard_meter.h"

namespace poplar::server {
namespace {

using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;
using testing::HasSubstr;

class FixedClock final : public io::Clock {
 public:
  io::Time Now() const override { return {}; }
  int64_t UnixMicros() const override { return 1'000'000; }
};

config::Config TwoNodes() {
  config::Config config;
  config.clusters = {{.name = "mail",
                      .shared_storage = true,
                      .nodes = {{.name = "a", .address = "192.0.2.1:110", .weight = 3},
                                {.name = "b", .address = "192.0.2.2:110"}}}};
  config.health.hold_down = seconds(0);
  config.pool.size = 5;
  return config;
}

metrics::Dimensions DimensionsOfTwoNodes() {
  metrics::Dimensions dimensions{.clusters = {"mail"}, .nodes = {{"mail", "a"}, {"mail", "b"}}};
  AddSessionDimensions(dimensions);
  return dimensions;
}

class NodeObserverTest : public testing::Test {
 protected:
  ~NodeObserverTest() override {
    log_.reset();
    std::filesystem::remove(path_);
  }
  void ExpectLine(const std::string& line) {
    EXPECT_THAT("\n" + exporter_.Text(), HasSubstr("\n" + line + "\n"));
  }
  std::string LogText() {
    log_.reset();
    std::ifstream file(path_);
    std::ostringstream text;
    text << file.rdbuf();
    return text.str();
  }

  const std::string path_ = testing::TempDir() + "node_observer_test_" +
                            testing::UnitTest::GetInstance()->current_test_info()->name() + ".log";
  const FixedClock clock_;
  const std::shared_ptr<const session::Settings> settings_ = *BuildSettings(TwoNodes(), nullptr);
  std::unique_ptr<Log> log_ =
      *Log::Open({.format = config::LogFormat::kLogfmt, .output = path_}, clock_);
  const metrics::Layout layout_{DimensionsOfTwoNodes()};
  metrics::Shard shard_{layout_};
  const metrics::Exporter exporter_{layout_, {&shard_}, {}};
  NodeObserver observer_{shard_, *log_, settings_};
  const balancer::NodeId second_{1};
};

TEST_F(NodeObserverTest, CountsProbesAndTheirTime) {
  observer_.ProbeEnded(second_, upstream::NodeFailure::kNone, milliseconds(30));
  observer_.ProbeEnded(second_, upstream::NodeFailure::kNone, milliseconds(20));
  observer_.ProbeEnded(second_, upstream::NodeFailure::kGreetingTimeout, seconds(3));
  ExpectLine(R"(poplar_node_probes_total{cluster="mail",node="b",result="ok"} 2)");
  ExpectLine(R"(poplar_node_probes_total{cluster="mail",node="b",result="error"} 1)");
  ExpectLine(R"(poplar_node_probes_total{cluster="mail",node="a",result="ok"} 0)");
  ExpectLine(R"(poplar_node_probe_duration_seconds_sum{result="ok"} 0.05)");
  ExpectLine(R"(poplar_node_probe_duration_seconds_sum{result="error"} 3)");
}

TEST_F(NodeObserverTest, CountsWarmConnections) {
  observer_.WarmOpened(second_, upstream::NodeFailure::kNone, milliseconds(20));
  observer_.WarmOpened(second_, upstream::NodeFailure::kConnectRefused, milliseconds(1));
  observer_.WarmOpened(second_, upstream::NodeFailure::kTlsFailed, milliseconds(4));
  ExpectLine(R"(poplar_pool_warm_opened_total{cluster="mail",node="b",result="ok"} 1)");
  ExpectLine(R"(poplar_pool_warm_opened_total{cluster="mail",node="b",result="error"} 2)");
  ExpectLine(R"(poplar_pool_warm_open_seconds_sum{result="ok"} 0.02)");
  ExpectLine(R"(poplar_pool_warm_open_seconds_sum{result="error"} 0.005)");
}

TEST_F(NodeObserverTest, CountsParkedSessionsThatNobodyCameFor) {
  const std::pair<upstream::ParkedEnd, const char*> ends[] = {
      {upstream::ParkedEnd::kExpired, "expired"},
      {upstream::ParkedEnd::kEvicted, "evicted"},
      {upstream::ParkedEnd::kDrained, "drained"}};
  int count = 0;
  for (const auto& [end, name] : ends) {
    ++count;
    for (int i = 0; i < count; ++i) observer_.ParkedEnded(second_, end);
    ExpectLine(R"(poplar_pool_parked_outcomes_total{cluster="mail",node="b",outcome=")" +
               std::string(name) + "\"} " + std::to_string(count));
  }
}

TEST_F(NodeObserverTest, CountsAndLogsEveryChangeByItsCause) {
  const std::pair<balancer::TransitionCause, const char*> causes[] = {
      {balancer::TransitionCause::kProbesFailed, "probes_failed"},
      {balancer::TransitionCause::kProbesSucceeded, "probes_succeeded"},
      {balancer::TransitionCause::kConsecutiveFailures, "consecutive_failures"},
      {balancer::TransitionCause::kFailureRatio, "failure_ratio"},
      {balancer::TransitionCause::kEjectionEnded, "ejection_ended"},
      {balancer::TransitionCause::kDiscovered, "discovered"},
      {balancer::TransitionCause::kGone, "gone"},
      {balancer::TransitionCause::kAgreed, "agreed"},
      {balancer::TransitionCause::kAdmin, "admin"}};
  for (const auto& [cause, name] : causes) {
    observer_.NodeChanged({.node = second_, .cause = cause, .evidence = "why"});
    ExpectLine(R"(poplar_node_transitions_total{cluster="mail",node="b",cause=")" +
               std::string(name) + "\"} 1");
  }
  const std::string log = LogText();
  for (const auto& [cause, name] : causes) {
    EXPECT_THAT(log, HasSubstr(" event=node node=mail/b from=up to=up admin=up cause=" +
                               std::string(name) + " evidence=why\n"));
  }
}

// --- what the admin endpoint shows

TEST(ViewNodesTest, ShowsEachNodeAsItIs) {
  const auto settings = *BuildSettings(TwoNodes(), nullptr);
  upstream::Cluster& cluster = *settings->clusters[0];
  upstream::Node& second = *cluster.nodes[1];
  balancer::NodePool::Idle none;
  class Login final : public balancer::NodePool::Waiter {
   public:
    void OnGranted() override {}
  } login;
  ASSERT_TRUE(second.pool.TakeOrWait(login, &none));
  cluster.health.SessionBegan(second.id);
  (void)cluster.health.SetAdmin(second.id, balancer::AdminState::kDrain, minutes(1));

  const auto views = ViewNodes(*settings, io::Time(minutes(2)));
  ASSERT_EQ(views.size(), 1u);
  EXPECT_EQ(views[0].name, "mail");
  EXPECT_EQ(views[0].label, metrics::Cluster{0});
  EXPECT_FALSE(views[0].panic);
  ASSERT_EQ(views[0].nodes.size(), 2u);
  const metrics::NodeView& a = views[0].nodes[0];
  EXPECT_EQ(a.name, "a");
  EXPECT_EQ(a.address, "192.0.2.1:110");
  EXPECT_EQ(a.weight, 3u);
  EXPECT_EQ(a.label, metrics::Node{0});
  EXPECT_TRUE(a.in_service);
  EXPECT_EQ(a.in_use, 0u);
  EXPECT_EQ(a.slots, 5u);
  const metrics::NodeView& b = views[0].nodes[1];
  EXPECT_EQ(b.label, metrics::Node{1});
  EXPECT_EQ(b.admin, metrics::AdminState::kDrain);
  EXPECT_EQ(b.state, metrics::NodeState::kUp);
  EXPECT_FALSE(b.in_service);
  EXPECT_EQ(b.sessions, 1u);
  EXPECT_EQ(b.in_use, 1u);
  EXPECT_THAT(b.evidence, HasSubstr("drain"));
  login.grant.slot.Release();
  cluster.health.SessionEnded(second.id);
}

class IdleConnection final : public balancer::PooledConnection {};

// What is idle is not in use: the two add up to the slots taken.
TEST(ViewNodesTest, CountsIdleOnesApart) {
  const auto settings = *BuildSettings(TwoNodes(), nullptr);
  balancer::NodePool& pool = settings->clusters[0]->nodes[0]->pool;
  auto warm = std::make_unique<IdleConnection>();
  warm->slot = *pool.SlotForWarm();
  ASSERT_EQ(pool.AddWarm(std::move(warm), minutes(5)), nullptr);
  const auto slot = pool.SlotForWarm();
  const auto views = ViewNodes(*settings, io::Time(minutes(2)));
  EXPECT_EQ(views[0].nodes[0].warm, 1u);
  EXPECT_EQ(views[0].nodes[0].parked, 0u);
  EXPECT_EQ(views[0].nodes[0].in_use, 1u);
  (void)pool.TakeAllIdle();
}

TEST(ViewNodesTest, ShowsStatesAndPanic) {
  config::Config config = TwoNodes();
  config.health.consecutive_failures = 1;
  config.health.ejected_percent_max = 100;
  config.health.panic_percent = 80;
  const auto settings = *BuildSettings(config, nullptr);
  upstream::Cluster& cluster = *settings->clusters[0];
  (void)cluster.health.OnEvidence(cluster.nodes[0]->id, balancer::Evidence::kUnreachable,
                                  "connect_refused", minutes(1));
  for (int i = 0; i < 3; ++i) {
    (void)cluster.health.OnProbe(cluster.nodes[1]->id, false, "greeting_timeout", minutes(1));
  }
  const auto views = ViewNodes(*settings, io::Time(minutes(1)));
  EXPECT_TRUE(views[0].panic);
  EXPECT_EQ(views[0].nodes[0].state, metrics::NodeState::kEjected);
  EXPECT_EQ(views[0].nodes[0].ejections, 1u);
  EXPECT_THAT(views[0].nodes[0].evidence, HasSubstr("connect_refused"));
  EXPECT_EQ(views[0].nodes[1].state, metrics::NodeState::kDown);
  EXPECT_TRUE(views[0].nodes[1].in_service);  // in a panic health is not believed
}

}  // namespace
}  // namespace poplar::server
