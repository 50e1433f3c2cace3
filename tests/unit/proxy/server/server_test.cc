#include "proxy/server/server.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "proxy/cli/demo_nodes.h"
#include "proxy/server/build_settings.h"
#include "tests/unit/proxy/io/forbidden_syscalls.h"
#include "tests/unit/proxy/server/blocking_client.h"
#include "tests/unit/proxy/server/server_fixture.h"

namespace poplar::server {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

TEST_F(ServerTest, ServesASessionCountsItAndLogsIt) {
  Start();
  auto client = LogIn();
  EXPECT_THAT(Metrics(), HasSubstr("\npoplar_sessions_active{listener=\"plain\"} 1\n"));
  EXPECT_THAT(client->Ask("STAT"), StartsWith("+OK "));
  EXPECT_THAT(client->Ask("RETR 1"), StartsWith("+OK"));
  std::string message;
  while (!message.ends_with("\r\n.\r\n")) message += client->ReadLine();
  EXPECT_THAT(client->Ask("QUIT"), StartsWith("+OK"));
  EXPECT_EQ(client->ReadToEnd(), "");
  client.reset();
  WaitForSessions(0);
  const std::string metrics = Metrics();
  EXPECT_THAT(metrics, StartsWith("HTTP/1.1 200 OK\r\n"));
  for (const char* line :
       {"poplar_connections_total{listener=\"plain\"} 1",
        R"(poplar_logins_total{listener="plain",result="ok",mechanism="USER"} 1)",
        "poplar_sessions_active{listener=\"plain\"} 0", "poplar_messages_retrieved_total 1",
        "poplar_sessions_ended_total{reason=\"quit\",side=\"client\"} 1",
        "poplar_build_info{version=\"test\"} 1"}) {
    EXPECT_THAT(metrics, HasSubstr("\n" + std::string(line) + "\n"));
  }
  EXPECT_THAT(metrics, HasSubstr(io::EngineOfTests() == io::Engine::kEpoll
                                     ? "\npoplar_io_engine_info{engine=\"epoll\",reason="
                                       "\"configured\"} 1\n"
                                     : "\npoplar_io_engine_info{engine=\"io_uring\",reason="
                                       "\"available\"} 1\n"));
  End();
  const std::string log = LogText();
  EXPECT_THAT(log, HasSubstr(" event=session "));
  EXPECT_THAT(log, HasSubstr(" user=alice@example.com node=demo/node"));
  EXPECT_THAT(log, HasSubstr(" messages=1 "));
  EXPECT_THAT(log, HasSubstr(" reason=quit side=client\n"));
  EXPECT_THAT(log, testing::Not(HasSubstr("alder"))) << "the password";
}

TEST_F(ServerTest, SpreadsManySessionsOverItsWorkers) {
  Start();
  EXPECT_EQ(server_->workers(), 2u);
  EXPECT_EQ(server_->addresses().size(), 1u);
  EXPECT_NE(port(), 0);
  std::vector<std::unique_ptr<BlockingClient>> clients;
  for (int i = 0; i < 40; ++i) clients.push_back(LogIn());
  EXPECT_EQ(server_->sessions(), 40);
  for (const auto& client : clients) EXPECT_THAT(client->Ask("NOOP"), StartsWith("+OK"));
  for (const auto& client : clients) EXPECT_THAT(client->Ask("QUIT"), StartsWith("+OK"));
  clients.clear();
  WaitForSessions(0);
  EXPECT_THAT(
      Metrics(),
      HasSubstr("\npoplar_logins_total{listener=\"plain\",result=\"ok\",mechanism=\"USER\"} 40\n"));
}

TEST_F(ServerTest, RejectsAndCountsWhatIsBeyondTheLimit) {
  config_.limits.sessions = 2;
  Start();
  auto first = LogIn();
  auto second = LogIn();
  EXPECT_EQ(BlockingClient(port()).ReadToEnd(), "");
  EXPECT_THAT(Metrics(), HasSubstr("\npoplar_connections_rejected_total{listener=\"plain\","
                                   "reason=\"limit\"} 1\n"));
  EXPECT_THAT(first->Ask("NOOP"), StartsWith("+OK"));
  EXPECT_THAT(second->Ask("QUIT"), StartsWith("+OK"));
  second.reset();
  WaitForSessions(1);
  auto third = LogIn();
  EXPECT_EQ(server_->sessions(), 2);
}

TEST_F(ServerTest, AnswersProbes) {
  Start();
  EXPECT_THAT(HttpGet(server_->admin_port(), "/livez"), StartsWith("HTTP/1.1 200 "));
  EXPECT_THAT(HttpGet(server_->admin_port(), "/readyz"), StartsWith("HTTP/1.1 200 "));
  auto client = LogIn();
  server_->StopAccepting();
  EXPECT_THAT(HttpGet(server_->admin_port(), "/readyz"), StartsWith("HTTP/1.1 503 "));
  EXPECT_THAT(HttpGet(server_->admin_port(), "/livez"), StartsWith("HTTP/1.1 200 "));
}

TEST_F(ServerTest, StopsAcceptingAndLetsSessionsFinish) {
  Start();
  auto client = LogIn();
  server_->StopAccepting();
  while (BlockingClient(port()).connected()) std::this_thread::yield();
  EXPECT_FALSE(server_->finished());
  EXPECT_THAT(client->Ask("STAT"), StartsWith("+OK "));
  EXPECT_THAT(client->Ask("QUIT"), StartsWith("+OK"));
  client.reset();
  server_->Join();
  EXPECT_TRUE(server_->finished());
}

TEST_F(ServerTest, DrainsAtACommandBoundary) {
  Start();
  auto logged_in = LogIn();
  BlockingClient greeted(port());
  EXPECT_THAT(greeted.ReadLine(), StartsWith("+OK"));
  server_->StopAccepting();
  server_->DrainSessions();
  EXPECT_THAT(logged_in->ReadToEnd(), StartsWith("-ERR [SYS/TEMP] "));
  EXPECT_THAT(greeted.ReadToEnd(), StartsWith("-ERR [SYS/TEMP] "));
  server_->Join();
  EXPECT_THAT(Metrics(),
              HasSubstr("poplar_sessions_ended_total{reason=\"draining\",side=\"poplar\"} 2\n"));
}

TEST_F(ServerTest, AbortsWithoutAWord) {
  Start();
  auto logged_in = LogIn();
  BlockingClient greeted(port());
  EXPECT_THAT(greeted.ReadLine(), StartsWith("+OK"));
  server_->StopAccepting();
  server_->AbortSessions();
  EXPECT_EQ(logged_in->ReadToEnd(), "");
  EXPECT_EQ(greeted.ReadToEnd(), "");
  server_->Join();
  EXPECT_THAT(Metrics(),
              HasSubstr("poplar_sessions_ended_total{reason=\"shutdown\",side=\"poplar\"} 2\n"));
}

// Whatever has been accepted, begun or not, must end when all are ended; otherwise Join waits for a
// client that never speaks.
TEST_F(ServerTest, EndsConnectionsOfEveryStage) {
  for (int round = 0; round < 20; ++round) {
    Start();
    std::vector<std::unique_ptr<BlockingClient>> clients;
    for (int i = 0; i < 20; ++i) clients.push_back(std::make_unique<BlockingClient>(port()));
    End();
  }
}

TEST_F(ServerTest, MayBeStoppedAsSoonAsItHasStarted) {
  for (int round = 0; round < 10; ++round) {
    Start();
    End();
  }
}

TEST_F(ServerTest, SaysThatAPortIsTaken) {
  config_.listeners[0].address = nodes_->addresses()[0].Text();
  const auto server = TryStart();
  ASSERT_FALSE(server);
  EXPECT_THAT(server.error(), StartsWith("listener plain: cannot listen on 127.0.0.1:"));
  EXPECT_THAT(server.error(), HasSubstr("EADDRINUSE"));
  EXPECT_THAT(server.error(), HasSubstr("Another program has this port"));
  EXPECT_THAT(server.error(), testing::Not(HasSubstr("\n")));
}

TEST_F(ServerTest, SaysThatTheAdminPortIsTaken) {
  config_.admin.address = nodes_->addresses()[0].Text();
  const auto server = TryStart();
  ASSERT_FALSE(server);
  EXPECT_THAT(server.error(), StartsWith("admin.address: "));
  EXPECT_THAT(server.error(), testing::Not(HasSubstr("\n")));
}

TEST_F(ServerTest, SaysThatAnAddressIsNotOurs) {
  config_.listeners[0].address = "192.0.2.1:0";
  EXPECT_THAT(TryStart().error(), HasSubstr("No interface of this machine has that address"));
  config_.listeners[0].address = "mail.example:110";
  EXPECT_THAT(TryStart().error(), HasSubstr("mail.example:110 is no IP address and port"));
}

TEST_F(ServerTest, NeedsNoAdminEndpoint) {
  config_.admin.enabled = false;
  Start();
  EXPECT_EQ(server_->admin_port(), 0);
  EXPECT_THAT(LogIn()->Ask("QUIT"), StartsWith("+OK"));
}

// For a child: everything is there but the workers' threads.
[[noreturn]] void StartWithoutThreads() {
  const io::SystemClock clock;
  config::Config config;
  config.workers = 2;
  config.listeners = {{.name = "plain",
                       .address = "127.0.0.1:0",
                       .tls = config::ListenerTls::kNone,
                       .require_tls = false}};
  config.clusters = {{.name = "c", .nodes = {{.name = "n", .address = "127.0.0.1:1"}}}};
  config.admin.enabled = false;
  const auto log = Log::Open(config.log, clock);
  const auto settings = BuildSettings(config, nullptr);
  io::ForbidSyscalls({__NR_clone, __NR_clone3}, EAGAIN);
  const auto server = Server::Start(config, *settings, **log, clock, {});
  std::fputs(server ? "started" : server.error().c_str(), stderr);
  std::_Exit(server ? 0 : 1);
}

TEST(ServerStart, SaysThatItMayStartNoThread) {
  EXPECT_EXIT(StartWithoutThreads(), testing::ExitedWithCode(1),
              "cannot start a worker's thread: .*TasksMax=.*lower workers");
}

}  // namespace
}  // namespace poplar::server
