#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "proxy/server/reloader.h"
#include "tests/unit/proxy/server/server_fixture.h"

namespace poplar::server {
namespace {

using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

class ServerReloadTest : public ServerTest {
 protected:
  // As Reloader does it, in memory.
  tl::expected<void, std::string> TryReload(const config::Config& wanted) {
    const config::Config before = config_;
    config_ = config::Compare({before, {}}, {wanted, {}}).applied;
    auto done = server_->Reload(before, config_);
    if (!done) config_ = before;
    return done;
  }
  void Reload(const config::Config& wanted) {
    const auto done = TryReload(wanted);
    ASSERT_TRUE(done) << done.error();
  }
};

TEST_F(ServerReloadTest, NewSessionsGoByTheNewOneAndOldOnesByTheirs) {
  config_.listeners[0].capabilities.add = {"EXPIRE 7"};
  config_.limits.bad_commands = 1;
  Start();
  auto old = LogIn();
  config::Config wanted = config_;
  wanted.listeners[0].capabilities.add = {"EXPIRE NEVER"};
  wanted.limits.bad_commands = 3;
  Reload(wanted);
  auto fresh = LogIn();
  EXPECT_THAT(fresh->Ask("XYZZY one"), StartsWith("-ERR"));
  EXPECT_THAT(fresh->Ask("STAT"), StartsWith("+OK"));
  EXPECT_THAT(old->Ask("STAT"), StartsWith("+OK"));
  EXPECT_THAT(old->Ask("QUIT"), StartsWith("+OK"));
  EXPECT_THAT(fresh->Ask("QUIT"), StartsWith("+OK"));
}

TEST_F(ServerReloadTest, NodesComeAndGo) {
  const auto both = config_.clusters[0].nodes;
  config_.clusters[0].nodes.pop_back();
  Start();
  EXPECT_THAT(Metrics(), Not(HasSubstr("node=\"node1\"")));
  auto old = LogIn();
  config::Config wanted = config_;
  wanted.clusters[0].nodes = {both[1]};
  Reload(wanted);
  EXPECT_THAT(Metrics(), HasSubstr("poplar_node_in_service{cluster=\"demo\",node=\"node0\"} 0\n"));
  EXPECT_THAT(Metrics(), HasSubstr("poplar_node_in_service{cluster=\"demo\",node=\"node1\"} 1\n"));
  EXPECT_THAT(old->Ask("STAT"), StartsWith("+OK"));
  EXPECT_THAT(old->Ask("QUIT"), StartsWith("+OK"));
  old.reset();
  WaitForSessions(0);
  while (Metrics().find("node=\"node0\"") != std::string::npos) std::this_thread::yield();
  auto fresh = LogIn();
  EXPECT_THAT(fresh->Ask("QUIT"), StartsWith("+OK"));
  End();
  const std::string log = LogText();
  EXPECT_THAT(log, HasSubstr("evidence=\"the configuration no longer lists it\""));
  EXPECT_THAT(log, HasSubstr("node=demo/node1"));
}

TEST_F(ServerReloadTest, WhatGoesWrongLeavesAllAsItWas) {
  Start();
  config::Config wanted = config_;
  wanted.log.level = config::LogLevel::kError;
  wanted.clusters[0].nodes[0].address = "no.such.host.invalid:110";
  EXPECT_THAT(TryReload(wanted).error(), HasSubstr("node demo/node0: "));
  wanted = config_;
  wanted.routes = {{.name = "r", .user_map = "/no/such.map"}};
  EXPECT_THAT(TryReload(wanted).error(), HasSubstr("/no/such.map"));
  wanted = config_;
  wanted.user_names.aliases_file = "/no/such.aliases";
  wanted.clusters[0].nodes.pop_back();
  EXPECT_THAT(TryReload(wanted).error(), HasSubstr("/no/such.aliases"));
  wanted = config_;
  for (int i = 0; i < 20; ++i)
    wanted.clusters[0].nodes.push_back({.name = "m" + std::to_string(i), .address = "127.0.0.1:1"});
  EXPECT_THAT(TryReload(wanted).error(), HasSubstr("there is no room for m"));
  EXPECT_THAT(Metrics(), HasSubstr("poplar_node_in_service{cluster=\"demo\",node=\"node1\"} 1\n"));
  log_->Info("still said");
  End();
  EXPECT_THAT(LogText(), HasSubstr("still said"));
}

TEST_F(ServerReloadTest, TermsPoolsAndTokensFollow) {
  Start();
  config::Config wanted = config_;
  wanted.pool.size = 11;
  wanted.log.level = config::LogLevel::kWarning;
  wanted.health.probe = config::Probe::kOff;
  wanted.clusters[0].nodes[0].state = config::NodeState::kDrain;
  wanted.clusters[0].nodes[1].weight = 3;
  Reload(wanted);
  const std::string metrics = Metrics();
  EXPECT_THAT(metrics, HasSubstr("poplar_pool_slots{cluster=\"demo\",node=\"node0\"} 11\n"));
  EXPECT_THAT(
      metrics,
      HasSubstr("poplar_node_admin_state{cluster=\"demo\",node=\"node0\",state=\"drain\"} 1\n"));
  log_->Info("not said");
  End();
  EXPECT_THAT(LogText(), Not(HasSubstr("not said")));
}

TEST_F(ServerReloadTest, ChangedSharesOfMovesFollowAndOperatorsWordsStay) {
  config_.clusters.push_back({.name = "new", .nodes = {config_.clusters[0].nodes[1]}});
  config_.clusters[0].nodes.pop_back();
  config_.moves = {{.name = "away", .from = "demo", .to = "new", .percent = {0}}};
  Start();
  const auto share = [this] { return HttpGet(server_->admin_port(), "/moves"); };
  EXPECT_THAT(share(), HasSubstr("\"percent\":0"));
  config::Config wanted = config_;
  wanted.moves[0].percent = {500};
  Reload(wanted);
  EXPECT_THAT(share(), HasSubstr("\"percent\":50"));
  wanted.moves.insert(wanted.moves.begin(), config::MoveConfig{.name = "first",
                                                               .from = "new",
                                                               .to = "demo",
                                                               .users = {"x@example.com"},
                                                               .percent = {1000}});
  Reload(wanted);
  EXPECT_THAT(share(), HasSubstr("\"percent\":50"));
  EXPECT_THAT(Metrics(), HasSubstr("{move=\"first\"}"));
  wanted.moves.clear();
  Reload(wanted);
  EXPECT_THAT(Metrics(), Not(HasSubstr("{move=\"away\"}")));
}

// Logins, sessions and reloads at once; the thread sanitizer looks on.
TEST_F(ServerReloadTest, SessionsRunOnThroughManyReloads) {
  Start();
  const auto nodes = config_.clusters[0].nodes;
  std::atomic<bool> over = false;
  std::atomic<int> visits = 0;
  std::vector<std::thread> visitors;
  for (int i = 0; i < 3; ++i) {
    visitors.emplace_back([&] {
      while (!over) {
        auto client = LogIn();
        EXPECT_THAT(client->Ask("STAT"), StartsWith("+OK"));
        EXPECT_THAT(client->Ask("QUIT"), StartsWith("+OK"));
        ++visits;
      }
    });
  }
  for (int i = 0; i < 30; ++i) {
    config::Config wanted = config_;
    wanted.clusters[0].nodes = i % 2 == 0 ? std::vector{nodes[1]} : nodes;
    wanted.timeouts.client_idle = std::chrono::minutes(10 + i);
    wanted.health.fall = 1 + i % 5;
    wanted.pool.parked = i;
    wanted.routes = {
        {.name = "r" + std::to_string(i), .domains = {"example.com"}, .cluster = "demo"}};
    wanted.log.noise_per_second = i;
    Reload(wanted);
    const int before = visits;
    while (visits < before + 2) std::this_thread::yield();
  }
  over = true;
  for (std::thread& visitor : visitors) visitor.join();
  WaitForSessions(0);
}

}  // namespace
}  // namespace poplar::server
