// One server takes over from another, both in this process: all but the starting of a program.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <thread>
#include <utility>

#include "tests/unit/proxy/server/blocking_client.h"
#include "tests/unit/proxy/server/server_fixture.h"

namespace poplar::server {
namespace {

using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

class ServerTakeOverTest : public ServerTest {
 protected:
  void TearDown() override {
    if (next_ != nullptr) next_->End();
    next_.reset();
    ServerTest::TearDown();
  }

  // The next server gets ready, with the sockets of the one that runs.
  void PrepareNext(size_t workers) {
    handover::ListeningSockets sockets;
    for (const Listeners::Handed& handed : server_->Sockets())
      sockets.Add(handed.facts, std::move(*io::Duplicate(handed.descriptor)));
    config::Config config = config_;
    config.workers = static_cast<int>(workers);
    auto next = Server::Prepare(config, *BuildSettings(config, nullptr), *log_, clock_, {},
                                std::move(sockets));
    ASSERT_TRUE(next) << next.error();
    next_ = std::move(*next);
    EXPECT_EQ(next_->addresses(), server_->addresses());
  }

  void TakeOver() {
    auto ends = *io::ProcessChannel::Open();
    next_->Recall(server_->Suspend());
    ASSERT_TRUE(next_->Serve());
    next_->Follow(std::make_unique<handover::Predecessor>(std::move(ends.second)));
    EXPECT_TRUE(ends.first.Receive(std::chrono::seconds(5)));  // that it serves
    server_->HandOver(std::move(ends.first));
    server_->StopAccepting();
  }

  void EndOld() {
    server_->Join();
    EXPECT_TRUE(server_->finished());
    server_.reset();
    while (next_->followed()) std::this_thread::yield();
  }

  std::unique_ptr<Server> next_;
};

TEST_F(ServerTakeOverTest, SessionsGoOnAndNewOnesBegin) {
  Start();
  auto before = LogIn();
  PrepareNext(3);
  const uint16_t port = server_->addresses()[0].port();
  EXPECT_EQ(next_->admin_port(), 0) << "not before it serves";
  TakeOver();
  EXPECT_THAT(HttpGet(next_->admin_port(), "/readyz"), StartsWith("HTTP/1.1 200 "));
  EXPECT_EQ(server_->admin_port(), 0);
  for (int i = 0; i < 20; ++i) {
    BlockingClient after(port);
    EXPECT_THAT(after.ReadLine(), StartsWith("+OK"));
    EXPECT_THAT(after.Ask("QUIT"), StartsWith("+OK"));
  }
  EXPECT_THAT(before->Ask("STAT"), StartsWith("+OK "));
  EXPECT_EQ(server_->sessions(), 1);
  EXPECT_THAT(before->Ask("QUIT"), StartsWith("+OK"));
  EndOld();
  EXPECT_TRUE(BlockingClient(port).connected());
}

TEST_F(ServerTakeOverTest, WhoWaitsInAQueueIsServed) {
  Start();
  PrepareNext(1);
  const uint16_t port = server_->addresses()[0].port();
  auto ends = *io::ProcessChannel::Open();
  next_->Recall(server_->Suspend());
  // Nobody accepts for the moment.
  BlockingClient waiting(port);
  EXPECT_TRUE(waiting.connected());
  ASSERT_TRUE(next_->Serve());
  EXPECT_THAT(waiting.ReadLine(), StartsWith("+OK"));
}

TEST_F(ServerTakeOverTest, WhatWasSaidOfNodesIsRemembered) {
  Start();
  HttpPost(server_->admin_port(), "/nodes/demo/node0?state=drain");
  PrepareNext(2);
  TakeOver();
  EXPECT_THAT(
      HttpGet(next_->admin_port(), "/api/v1/nodes"),
      HasSubstr("\"node\":\"node0\",\"address\":\"" + nodes_->addresses()[0].Text() + "\""));
  EXPECT_THAT(HttpGet(next_->admin_port(), "/api/v1/nodes"),
              HasSubstr("\"admin_state\":\"drain\""));
  EndOld();
}

TEST_F(ServerTakeOverTest, WhatAReloadBroughtIsNotAnOperatorsWord) {
  Start();
  const config::Config before = config_;
  config_.clusters[0].nodes[0].state = config::NodeState::kDrain;
  ASSERT_TRUE(server_->Reload(before, config_));
  EXPECT_THAT(HttpGet(server_->admin_port(), "/api/v1/nodes"),
              HasSubstr("\"admin_state\":\"drain\""));
  config_ = before;
  PrepareNext(2);
  TakeOver();
  EXPECT_THAT(HttpGet(next_->admin_port(), "/api/v1/nodes"),
              Not(HasSubstr("\"admin_state\":\"drain\"")));
  EndOld();
}

TEST_F(ServerTakeOverTest, TheOldOneGoesOnWhereTheNewOneFails) {
  Start();
  auto before = LogIn();
  PrepareNext(2);
  for (int round = 0; round < 3; ++round) {
    (void)server_->Suspend();
    EXPECT_EQ(server_->admin_port(), 0);
    BlockingClient waiting(port());
    ASSERT_TRUE(server_->Resume());
    EXPECT_THAT(waiting.ReadLine(), StartsWith("+OK"));
    EXPECT_THAT(HttpGet(server_->admin_port(), "/readyz"), StartsWith("HTTP/1.1 200 "));
    EXPECT_THAT(LogIn()->Ask("QUIT"), StartsWith("+OK"));
  }
  EXPECT_THAT(before->Ask("QUIT"), StartsWith("+OK"));
}

TEST_F(ServerTakeOverTest, MayBeEndedAtAnyStage) {
  for (int stage = 0; stage < 3; ++stage) {
    Start();
    auto client = LogIn();
    PrepareNext(2);
    if (stage > 0) (void)server_->Suspend();
    if (stage > 1) ASSERT_TRUE(next_->Serve());
    next_->End();
    next_.reset();
    End();
  }
}

// --- the drain

TEST_F(ServerTest, SilentClientsAreLetGo) {
  Start();
  auto silent = LogIn();
  BlockingClient greeted(port());
  EXPECT_THAT(greeted.ReadLine(), StartsWith("+OK"));
  server_->BeginDrain();
  EXPECT_THAT(HttpGet(server_->admin_port(), "/readyz"), StartsWith("HTTP/1.1 503 "));
  EXPECT_THAT(LogIn()->Ask("QUIT"), StartsWith("+OK")) << "and yet whoever comes is served";
  server_->StopAccepting();
  server_->LeaveWhenSilent(std::chrono::milliseconds(300));
  EXPECT_THAT(silent->ReadToEnd(), StartsWith("-ERR [SYS/TEMP] "));
  EXPECT_THAT(greeted.ReadToEnd(), StartsWith("-ERR [SYS/TEMP] "));
  server_->Join();
}

}  // namespace
}  // namespace poplar::server
