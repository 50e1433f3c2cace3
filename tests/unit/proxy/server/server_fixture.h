#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iostream>
#include <memory>
#include <sstream>
#include <string>
#include <thread>

#include "proxy/cli/demo_nodes.h"
#include "proxy/server/build_settings.h"
#include "proxy/server/choose_engine.h"
#include "proxy/server/server.h"
#include "tests/unit/proxy/io/engine_of_tests.h"
#include "tests/unit/proxy/server/blocking_client.h"

namespace poplar::server {

// A whole proxy on loopback, in the clear, before the demo's mail nodes.
class ServerTest : public testing::Test {
 protected:
  void SetUp() override {
    alarm(120);  // a test that hangs dies of SIGALRM
    const auto engine = io::EngineOfTests() == io::Engine::kEpoll ? config::IoEngine::kEpoll
                                                                  : config::IoEngine::kUring;
    config_.io = engine;
    auto nodes = cli::DemoNodes::Start(2, WishOf(engine));
    if (!nodes) GTEST_SKIP() << nodes.error();
    nodes_ = std::move(*nodes);
    config_.workers = 2;
    config_.listeners = {{.name = "plain",
                          .address = "127.0.0.1:0",
                          .tls = config::ListenerTls::kNone,
                          .require_tls = false}};
    config_.clusters = {{.name = "demo", .shared_storage = true}};
    for (size_t i = 0; i < nodes_->addresses().size(); ++i) {
      config_.clusters[0].nodes.push_back(
          {.name = "node" + std::to_string(i), .address = nodes_->addresses()[i].Text()});
    }
    config_.admin.address = "127.0.0.1:0";
    config_.log = {.format = config::LogFormat::kLogfmt, .output = log_path_};
    std::filesystem::remove(log_path_);
    log_ = *Log::Open(config_.log, clock_);
  }

  void TearDown() override {
    if (server_ != nullptr) End();
    alarm(0);
    if (HasFailure()) std::cerr << LogText();
    log_.reset();
    std::filesystem::remove(log_path_);
  }

  tl::expected<std::unique_ptr<Server>, std::string> TryStart() {
    return Server::Start(config_, *BuildSettings(config_, nullptr), *log_, clock_,
                         {{"version", "test"}});
  }

  void Start() {
    auto server = TryStart();
    ASSERT_TRUE(server) << server.error();
    server_ = std::move(*server);
  }

  void End() {
    server_->StopAccepting();
    server_->AbortSessions();
    server_->Join();
    EXPECT_TRUE(server_->finished());
    EXPECT_EQ(server_->sessions(), 0);
    server_.reset();
  }

  uint16_t port() const { return server_->addresses()[0].port(); }

  // A session that has just logged in.
  std::unique_ptr<BlockingClient> LogIn() {
    auto client = std::make_unique<BlockingClient>(port());
    EXPECT_TRUE(client->ReadLine().starts_with("+OK"));
    EXPECT_TRUE(client->Ask("USER alice@example.com").starts_with("+OK"));
    EXPECT_TRUE(client->Ask("PASS alder").starts_with("+OK"));
    return client;
  }

  // Sessions end a moment after their client heard the last word.
  void WaitForSessions(int64_t count) {
    while (server_->sessions() != count) std::this_thread::yield();
  }

  std::string Metrics() { return HttpGet(server_->admin_port(), "/metrics"); }

  std::string LogText() {
    log_.reset();
    std::ifstream file(log_path_);
    std::ostringstream text;
    text << file.rdbuf();
    return text.str();
  }

  const std::string log_path_ = testing::TempDir() + "server_test_" +
                                testing::UnitTest::GetInstance()->current_test_info()->name() +
                                ".log";
  const io::SystemClock clock_;
  config::Config config_;
  std::unique_ptr<cli::DemoNodes> nodes_;
  std::unique_ptr<Log> log_;
  std::unique_ptr<Server> server_;
};

}  // namespace poplar::server
