#include "proxy/server/session_views.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/proxy/session/session_bench.h"

namespace poplar::server {
namespace {

using std::chrono::seconds;
using testing::ElementsAre;

class SessionViewsTest : public testing::Test {
 protected:
  SessionSet All() const { return {bench_.sessions().begin(), bench_.sessions().end()}; }
  metrics::SessionsView View(const SessionFilter& filter = {}, size_t limit = 100) {
    return ViewSessions({SampleSessions(All(), filter, limit, bench_.Now())}, limit);
  }
  static std::vector<std::string> Users(const metrics::SessionsView& view) {
    std::vector<std::string> users;
    for (const metrics::SessionView& session : view.sessions) users.push_back(session.user);
    return users;
  }
  // Each a second younger than the one before.
  void LogIn(const std::string& user) {
    bench_.LogIn(bench_.Connect(), user);
    bench_.Settle(seconds(1));
  }

  session::SessionBench bench_;
};

TEST_F(SessionViewsTest, SaysWhatIsKnown) {
  bench_.Connect();
  metrics::SessionsView view = View();
  ASSERT_EQ(view.sessions.size(), 1u);
  EXPECT_EQ(view.sessions[0].state, "authorizing");
  EXPECT_EQ(view.sessions[0].user, "");
  EXPECT_EQ(view.sessions[0].node, "");
  EXPECT_FALSE(view.sessions[0].idle);
  EXPECT_EQ(view.sessions[0].id.size(), 16u);
  bench_.AbortAll();
  bench_.RunToEnd();
  LogIn("alice");
  view = View();
  ASSERT_EQ(view.sessions.size(), 1u);
  const metrics::SessionView& session = view.sessions[0];
  EXPECT_EQ(session.state, "idle");
  EXPECT_EQ(session.user, "alice");
  EXPECT_EQ(session.cluster + "/" + session.node,
            bench_.sessions().empty() ? "" : (*bench_.sessions().begin())->record().node);
  EXPECT_EQ(session.mechanism, "USER");
  EXPECT_EQ(session.lease, "new");
  EXPECT_GE(session.age, 1.0);
  EXPECT_GE(session.idle.value(), 0.9);
}

TEST_F(SessionViewsTest, TheOldestComeFirstAndNoMoreThanAsked) {
  for (const char* user : {"a", "b", "c", "d"}) LogIn(user);
  EXPECT_THAT(Users(View()), ElementsAre("a", "b", "c", "d"));
  const metrics::SessionsView two = View({}, 2);
  EXPECT_EQ(two.total, 4u);
  EXPECT_THAT(Users(two), ElementsAre("a", "b"));
}

TEST_F(SessionViewsTest, ShowsThoseThatAreMeant) {
  for (const char* user : {"a", "b", "a"}) LogIn(user);
  EXPECT_THAT(Users(View({.user = "a"})), ElementsAre("a", "a"));
  EXPECT_EQ(View({.user = "A"}).total, 0u);
  const metrics::SessionsView all = View();
  const metrics::SessionView& one = all.sessions[0];
  EXPECT_EQ(View({.node = one.node}).total, 3u);
  EXPECT_EQ(View({.node = one.cluster + "/" + one.node}).total, 3u);
  EXPECT_EQ(View({.node = "other/" + one.node}).total, 0u);
  const auto client = io::Address::ParseWithPort(one.client);
  ASSERT_TRUE(client) << one.client;
  EXPECT_EQ(View({.client = io::Address::Parse(client->Host(), 0)}).total, 3u);
  EXPECT_EQ(View({.client = io::Address::Parse("203.0.113.9", 0)}).total, 0u);
}

TEST(ViewSessionsTest, KeepsTheOldestOfAllWorkers) {
  const auto sample = [](uint64_t total, std::vector<int> ages) {
    SessionSample made{.total = total};
    for (const int age : ages) made.oldest.push_back({.age = seconds(age)});
    return made;
  };
  const metrics::SessionsView whole =
      ViewSessions({sample(5, {3, 9}), sample(0, {}), sample(2, {7, 1})}, 3);
  EXPECT_EQ(whole.total, 7u);
  ASSERT_EQ(whole.sessions.size(), 3u);
  EXPECT_EQ(whole.sessions[0].age, 9);
  EXPECT_EQ(whole.sessions[1].age, 7);
  EXPECT_EQ(whole.sessions[2].age, 3);
}

}  // namespace
}  // namespace poplar::server
