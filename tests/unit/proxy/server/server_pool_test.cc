// What workers share: parked sessions, slots, nodes' states. On real rings and threads.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "proxy/config/override.h"
#include "tests/unit/proxy/server/server_fixture.h"
#include "tests/unit/proxy/server/tls_mail_node.h"

namespace poplar::server {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::ContainsRegex;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

class ServerPoolTest : public ServerTest {
 protected:
  // A whole session; what came to PASS and STAT.
  static std::string Visit(uint16_t port, const std::string& user, const std::string& password) {
    BlockingClient client(port);
    client.ReadLine();
    client.Ask("USER " + user);
    std::string answers = client.Ask("PASS " + password);
    if (!answers.starts_with("+OK")) return answers;
    answers += client.Ask("STAT");
    answers += client.Ask("QUIT");
    return answers;
  }
  // Until it has ended: the client has its last word a moment before the session is parked.
  std::string Alice() {
    const std::string answers = Visit(port(), "alice@example.com", "alder");
    WaitForSessions(0);
    return answers;
  }

  // The sum over all nodes of a series with these labels.
  int64_t Sum(const std::string& name, const std::string& label) {
    int64_t sum = 0;
    std::istringstream text(Metrics());
    for (std::string line; std::getline(text, line);) {
      if (!line.starts_with(name + "{") || line.find(label) == std::string::npos) continue;
      sum += std::stoll(line.substr(line.rfind(' ')));
    }
    return sum;
  }
};

// Forty connections that the kernel deals out to two listeners: one that was parked by either
// worker is taken by either.
TEST_F(ServerPoolTest, ASessionParkedByOneWorkerIsTakenByAnother) {
  config_.pool.max_snapshot_age = seconds(60);
  Start();
  const std::string first = Alice();
  EXPECT_THAT(first, ContainsRegex("\\+OK .*\r\n\\+OK [0-9]+ [0-9]+\r\n\\+OK Goodbye"));
  for (int i = 1; i < 40; ++i) EXPECT_THAT(Alice(), StartsWith("+OK Logged in\r\n"));
  WaitForSessions(0);
  EXPECT_EQ(Sum("poplar_pool_takes_total", "source=\"parked\""), 39);
  EXPECT_EQ(Sum("poplar_pool_parks_total", "result=\"parked\""), 40);
  EXPECT_EQ(Sum("poplar_pool_connections", "kind=\"parked\""), 1);
  EXPECT_THAT(Metrics(), HasSubstr("poplar_pool_snapshot_age_seconds_count 39\n"));
  End();
  EXPECT_THAT(LogText(), HasSubstr(" lease=parked "));
}

TEST_F(ServerPoolTest, OverTlsToTheNode) {
  auto node = TlsMailNode::Start();
  ASSERT_TRUE(node) << node.error();
  config_.clusters[0].nodes = {
      {.name = "tls", .address = (*node)->address(), .tls = config::NodeTls::kInsecure}};
  config_.pool.max_snapshot_age = seconds(60);
  Start();
  for (int i = 0; i < 20; ++i) {
    EXPECT_THAT(Alice(), ContainsRegex("\\+OK .*\r\n\\+OK [0-9]+ [0-9]+\r\n\\+OK Goodbye"));
  }
  WaitForSessions(0);
  EXPECT_EQ(Sum("poplar_pool_takes_total", "source=\"parked\""), 19);
  // And a warm one, opened by whichever worker keeps the pool.
  while (Sum("poplar_pool_connections", "kind=\"warm\"") == 0) std::this_thread::yield();
  EXPECT_THAT(Visit(port(), "bob@example.com", "wrong"), StartsWith("-ERR [AUTH]"));
  EXPECT_EQ(Sum("poplar_pool_takes_total", "source=\"warm\""), 1);
  End();
}

// Two slots a node, six clients, three users: parked ones give way, logins wait, and grants cross
// from one worker to another. Each login is served.
TEST_F(ServerPoolTest, SlotsAcrossWorkers) {
  config_.pool.size = 2;
  config_.pool.max_snapshot_age = milliseconds(50);
  Start();
  const std::pair<const char*, const char*> users[] = {
      {"alice@example.com", "alder"}, {"bob@example.com", "birch"}, {"carol@example.com", "cedar"}};
  std::atomic<int> served = 0;
  std::vector<std::thread> clients;
  for (int i = 0; i < 6; ++i) {
    clients.emplace_back([&, i] {
      for (int round = 0; round < 30; ++round) {
        const auto& [user, password] = users[static_cast<size_t>(i + round) % 3];
        const std::string answers = Visit(port(), user, password);
        EXPECT_THAT(answers, StartsWith("+OK"));
        if (answers.starts_with("+OK")) ++served;
      }
    });
  }
  for (std::thread& client : clients) client.join();
  EXPECT_EQ(served, 180);
  WaitForSessions(0);
  EXPECT_THAT(
      Metrics(),
      HasSubstr(
          "\npoplar_logins_total{listener=\"plain\",result=\"ok\",mechanism=\"USER\"} 180\n"));
  EXPECT_EQ(Sum("poplar_pool_waiting", ""), 0);
  const std::string metrics = Metrics();
  EXPECT_THAT(metrics, Not(ContainsRegex("poplar_pool_wait_seconds_count.result=.granted.. 0\n")));
}

// --- the operator's word over HTTP

TEST_F(ServerPoolTest, ShowsItsNodes) {
  Start();
  auto client = LogIn();
  const std::string page = HttpGet(server_->admin_port(), "/nodes");
  EXPECT_THAT(page, StartsWith("HTTP/1.1 200 "));
  EXPECT_THAT(page, HasSubstr(R"("node":"node0")"));
  EXPECT_THAT(page, HasSubstr(R"("node":"node1")"));
  EXPECT_THAT(page, HasSubstr(R"("sessions":1)"));
}

TEST_F(ServerPoolTest, DrainsANode) {
  config_.pool.max_snapshot_age = seconds(0);
  Start();
  auto staying = LogIn();
  for (const char* node : {"node0", "node1"}) {
    EXPECT_THAT(
        HttpPost(server_->admin_port(), "/nodes/demo/" + std::string(node) + "?state=drain"),
        StartsWith("HTTP/1.1 200 "));
  }
  // Whoever has a session goes on, and may have another; nobody else comes.
  EXPECT_THAT(staying->Ask("STAT"), StartsWith("+OK "));
  auto following = LogIn();
  EXPECT_THAT(Visit(port(), "bob@example.com", "birch"), StartsWith("-ERR [SYS/TEMP]"));
  EXPECT_EQ(Sum("poplar_node_admin_state", "state=\"drain\""), 2);
  EXPECT_EQ(Sum("poplar_node_in_service", ""), 0);
  HttpPost(server_->admin_port(), "/nodes/demo/node0?state=up");
  HttpPost(server_->admin_port(), "/nodes/demo/node1?state=up");
  EXPECT_THAT(Visit(port(), "bob@example.com", "birch"), StartsWith("+OK"));
  staying.reset();
  following.reset();
  End();
  const std::string log = LogText();
  EXPECT_THAT(log, HasSubstr("level=warning event=node node=demo/node0 from=up to=up admin=drain "
                             "cause=admin evidence=\"the operator said drain\"\n"));
  EXPECT_THAT(log, HasSubstr("level=info event=node node=demo/node1 from=up to=up admin=up"));
}

TEST_F(ServerPoolTest, DropsTheSessionsOfANodeThatGoesDown) {
  config_.pool.max_snapshot_age = seconds(0);
  config_.resume.enabled = false;
  Start();
  std::vector<std::unique_ptr<BlockingClient>> clients;
  for (int i = 0; i < 8; ++i) clients.push_back(LogIn());  // on both workers
  for (const char* node : {"node0", "node1"}) {
    EXPECT_THAT(HttpPost(server_->admin_port(), "/nodes/demo/" + std::string(node) + "?state=down"),
                StartsWith("HTTP/1.1 200 "));
  }
  for (const auto& client : clients) {
    EXPECT_THAT(client->Ask("NOOP"), StartsWith("-ERR [SYS/TEMP]"));
    EXPECT_EQ(client->ReadToEnd(), "");
  }
  clients.clear();
  WaitForSessions(0);
  EXPECT_THAT(Metrics(), HasSubstr("{reason=\"node_down\",side=\"poplar\"} 8\n"));
  EXPECT_THAT(Metrics(), HasSubstr("poplar_resumes_total{result=\"off\"} 8\n"));
  EXPECT_THAT(Alice(), StartsWith("-ERR [SYS/TEMP]"));
}

TEST_F(ServerPoolTest, ResumesTheSessionsOfANodeThatGoesDown) {
  config_.pool.max_snapshot_age = seconds(0);
  Start();
  std::vector<std::unique_ptr<BlockingClient>> clients;
  for (int i = 0; i < 8; ++i) clients.push_back(LogIn());  // on both workers
  const auto set_state = [&](const std::string& node, const std::string& state) {
    EXPECT_THAT(HttpPost(server_->admin_port(), "/nodes/demo/" + node + "?state=" + state),
                StartsWith("HTTP/1.1 200 "));
  };
  // Wherever the user's sessions began: at the second node after the first change, at the first
  // after the second.
  for (const char* node : {"node0", "node1"}) {
    set_state(node, "down");
    // The workers learn it a moment later.
    const std::string label = "node=\"" + std::string(node) + "\"";
    while (Sum("poplar_node_sessions_active", label) != 0) std::this_thread::yield();
    for (const auto& client : clients) EXPECT_THAT(client->Ask("STAT"), StartsWith("+OK "));
    EXPECT_EQ(Sum("poplar_node_sessions_active", label), 0);
    set_state(node, "up");
  }
  EXPECT_GE(Sum("poplar_resumes_total", "result=\"resumed\""), 8);
  EXPECT_THAT(Metrics(), HasSubstr("{reason=\"node_down\",side=\"poplar\"} 0\n"));
  for (const auto& client : clients) EXPECT_THAT(client->Ask("QUIT"), StartsWith("+OK"));
  clients.clear();
  WaitForSessions(0);
}

TEST_F(ServerPoolTest, KnowsNoOtherNodes) {
  Start();
  for (const char* path : {"/nodes/demo/nobody?state=up", "/nodes/other/node0?state=up"}) {
    EXPECT_THAT(HttpPost(server_->admin_port(), path), StartsWith("HTTP/1.1 404 "));
  }
  EXPECT_THAT(HttpPost(server_->admin_port(), "/nodes/demo/node0?state=off"),
              StartsWith("HTTP/1.1 400 "));
}

// --- stopping

TEST_F(ServerPoolTest, StopsWithSessionsParkedWarmAndWaiting) {
  config_.pool.size = 1;
  config_.pool.max_snapshot_age = seconds(60);
  for (int round = 0; round < 5; ++round) {
    Start();
    Alice();
    auto held = LogIn();
    std::vector<std::unique_ptr<BlockingClient>> waiting;
    for (int i = 0; i < 4; ++i) {
      waiting.push_back(std::make_unique<BlockingClient>(port()));
      waiting.back()->Send("USER alice@example.com\r\nPASS alder\r\n");
    }
    while (Sum("poplar_pool_waiting", "") < 4) std::this_thread::yield();
    if (round % 2 == 0) {
      server_->StopAccepting();
      server_->DrainSessions();
      EXPECT_THAT(held->ReadToEnd(), StartsWith("-ERR [SYS/TEMP]"));
      for (const auto& client : waiting) {
        EXPECT_THAT(client->ReadToEnd(), HasSubstr("-ERR [SYS/TEMP]"));
      }
    }
    End();
  }
}

}  // namespace
}  // namespace poplar::server
