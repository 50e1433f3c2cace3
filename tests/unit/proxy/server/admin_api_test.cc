#include "proxy/server/admin_api.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <future>
#include <string>

#include "tests/unit/proxy/server/server_fixture.h"

namespace poplar::server {
namespace {

using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

class AdminApiTest : public ServerTest {
 protected:
  std::string Get(const std::string& target) {
    return HttpGet(server_->admin_port(), "/api/v1/" + target);
  }
  std::string Post(const std::string& target) {
    return HttpPost(server_->admin_port(), "/api/v1/" + target);
  }
};

TEST_F(AdminApiTest, ShowsTheProcess) {
  Start();
  auto client = LogIn();
  const std::string status = Get("status");
  EXPECT_THAT(status, StartsWith("HTTP/1.1 200 "));
  EXPECT_THAT(status, HasSubstr(R"({"version":"test",)"));
  const std::string io(io::NameOf(io::EngineOfTests()));
  EXPECT_THAT(status,
              HasSubstr(R"("ready":true,"draining":false,"workers":2,"io":")" + io +
                        R"(","io_note":"","sessions":1,"listeners":[{"name":"plain","address":")" +
                        server_->addresses()[0].Text() + R"(","sessions":1}])"));
  EXPECT_THAT(status, HasSubstr(R"("logins":{"ok":1,)"));
  server_->StopAccepting();
  EXPECT_THAT(Get("status"), HasSubstr(R"("ready":false,"draining":true,)"));
}

TEST_F(AdminApiTest, ListsTheSessionsOfAllWorkers) {
  Start();
  std::vector<std::unique_ptr<BlockingClient>> clients;
  for (int i = 0; i < 20; ++i) clients.push_back(LogIn());
  EXPECT_THAT(Get("sessions?limit=1"), HasSubstr(R"({"total":20,"sessions":[{"id":")"));
  EXPECT_THAT(Get("sessions?user=Alice@example.com"), HasSubstr(R"("total":20,)"));
  EXPECT_THAT(Get("sessions?user=bob@example.com"), HasSubstr(R"({"total":0,"sessions":[]})"));
  EXPECT_THAT(Get("sessions?client=127.0.0.1"), HasSubstr(R"("total":20,)"));
  EXPECT_THAT(Get("sessions?client=localhost"), StartsWith("HTTP/1.1 400 "));
}

TEST_F(AdminApiTest, KicksAUser) {
  Start();
  auto first = LogIn();
  auto second = LogIn();
  EXPECT_THAT(Post("kick?user=bob@example.com"), HasSubstr(R"({"kicked":0,"parked":0})"));
  EXPECT_THAT(first->Ask("NOOP"), StartsWith("+OK"));
  EXPECT_THAT(Post("kick?user=ALICE@example.com"), HasSubstr(R"({"kicked":2,"parked":0})"));
  for (auto* client : {&first, &second}) {
    EXPECT_THAT((*client)->ReadLine(), StartsWith("-ERR [SYS/TEMP] "));
    EXPECT_EQ((*client)->ReadToEnd(), "");
    client->reset();
  }
  WaitForSessions(0);
  EXPECT_THAT(Metrics(), HasSubstr("{reason=\"kicked\",side=\"poplar\"} 2\n"));
}

TEST_F(AdminApiTest, KicksOneSession) {
  Start();
  auto first = LogIn();
  const std::string listed = Get("sessions");
  const std::string mark = "\"id\":\"";
  const std::string id = listed.substr(listed.find(mark) + mark.size(), 16);
  auto second = LogIn();
  EXPECT_THAT(Post("kick?session=" + id + "&now=yes"), HasSubstr(R"({"kicked":1,"parked":0})"));
  EXPECT_EQ(first->ReadToEnd(), "");
  first.reset();
  WaitForSessions(1);
  EXPECT_THAT(second->Ask("NOOP"), StartsWith("+OK"));
  EXPECT_THAT(Post("kick?session=" + id), StartsWith("HTTP/1.1 404 "));
  EXPECT_THAT(Post("kick?session=xyz"), StartsWith("HTTP/1.1 400 "));
}

TEST_F(AdminApiTest, RoutesAsLoginsGo) {
  Start();
  const std::string before = Get("route?user=Alice@example.com");
  EXPECT_THAT(before, HasSubstr(R"("canonical":"alice@example.com",)"));
  EXPECT_THAT(before, HasSubstr(R"("cluster":"demo","running":true,)"));
  EXPECT_THAT(before, Not(HasSubstr("session_node")));
  auto client = LogIn();
  EXPECT_THAT(Get("route?user=alice@example.com"),
              HasSubstr(R"("session_cluster":"demo","session_node":"node)"));
  EXPECT_THAT(Get("route?user=a&listener=plian"), HasSubstr(R"(did you mean \"plain\"?)"));
  EXPECT_THAT(Get("route?user=%01"), StartsWith("HTTP/1.1 400 "));
}

// Others are told so, instead of waiting for it.
TEST_F(AdminApiTest, AStuckWorkerIsToldOf) {
  config_.workers = 1;
  Start();
  std::promise<void> stuck;
  std::promise<void> go_on;
  server_->worker(0).LookAtSessions([&](const SessionSet&, io::Time) {
    stuck.set_value();
    go_on.get_future().wait();
  });
  stuck.get_future().wait();
  const std::string answer = Get("sessions");
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 503 "));
  EXPECT_THAT(answer, HasSubstr("1 of 1 workers gave no answer"));
  EXPECT_THAT(Get("status"), StartsWith("HTTP/1.1 200 "));
  go_on.set_value();
  EXPECT_THAT(Get("sessions"), StartsWith("HTTP/1.1 200 "));
}

// So a scrape takes nothing of a worker's time.
TEST_F(AdminApiTest, AScrapeNeedsNoWorker) {
  Start();
  std::promise<void> go_on;
  const std::shared_future<void> going_on = go_on.get_future().share();
  std::vector<std::promise<void>> stuck(2);
  for (size_t i = 0; i < stuck.size(); ++i) {
    server_->worker(i).LookAtSessions([&stuck, i, going_on](const SessionSet&, io::Time) {
      stuck[i].set_value();
      going_on.wait();
    });
  }
  for (std::promise<void>& each : stuck) each.get_future().wait();
  const std::string scraped = Metrics();
  EXPECT_THAT(scraped, StartsWith("HTTP/1.1 200 "));
  EXPECT_THAT(scraped, HasSubstr("\npoplar_workers 2\n"));
  go_on.set_value();
}

}  // namespace
}  // namespace poplar::server
