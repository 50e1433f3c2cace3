// A login alone, with credentials that no client can bring yet: USER and PASS can't hold them, SASL
// can.
#include "proxy/session/login.h"

#include <gtest/gtest.h>

#include "proxy/io/socket_stream.h"
#include "proxy/pop3/reply.h"
#include "tests/unit/proxy/session/session_bench.h"

namespace poplar::session {
namespace {

using std::chrono::seconds;

io::Task<void> Attempt(SessionBench& bench, std::string_view name, std::string_view password,
                       Record& record, std::optional<Login::Outcome>& outcome,
                       std::string& answer) {
  auto stream = io::OpenStream(bench.poplar(), AF_INET);
  ClientInput input;
  Patience patience(bench.poplar(), **stream, input);
  const auto user = balancer::CanonicalUser::FromLogin("alice", {});
  const auto credential = pop3::PasswordCredential(name, pop3::Secret(password));
  Login login(bench.environment(), bench.settings(),
              {{bench.cluster().id}, *user, credential, bench.Now() + seconds(60)}, patience,
              record);
  outcome = co_await login.Run();
  answer = login.answer();
}

TEST(LoginTest, ABadCredentialReachesNoNodeNorCountsAgainstIt) {
  using std::string_view_literals::operator""sv;
  const std::pair<std::string_view, std::string_view> cases[] = {{"alice", ""},
                                                                 {"alice", "a\rb"sv},
                                                                 {"alice", "a\nb"sv},
                                                                 {"alice", "a\0b"sv},
                                                                 {"alice", "\r\nDELE 1"sv},
                                                                 {"alice", "secret\r\n"sv},
                                                                 {"", "secret"},
                                                                 {"alice\r\nPASS x"sv, "y"},
                                                                 {"alice\0"sv, "secret"},
                                                                 {"alice\n"sv, "secret"},
                                                                 {"\0"sv, "\0"sv}};
  for (const auto& [name, password] : cases) {
    SessionBench bench;
    Record record;
    std::optional<Login::Outcome> outcome;
    std::string answer;
    bench.environment().scope.Spawn(Attempt(bench, name, password, record, outcome, answer));
    ASSERT_TRUE(bench.Run([&] { return outcome.has_value(); }, seconds(1)));
    EXPECT_EQ(*outcome, Login::Outcome::kRefused);
    EXPECT_EQ(answer, pop3::kReplyLoginRefused);
    EXPECT_EQ(bench.node(0).connections().size(), 0u);
    EXPECT_TRUE(bench.observer.transitions.empty());
    EXPECT_TRUE(bench.meter.pool.empty());
    EXPECT_EQ(bench.affinity().Users(), 0u);
  }
}

// It also evicts nobody.
TEST(LoginTest, ABadCredentialLeavesTheParkedSessionAlone) {
  SessionBench bench({.pool = {.warm = 0, .max_snapshot_age = seconds(30)}});
  upstream::DrivenPeer& client = bench.Connect();
  bench.LogIn(client);
  bench.Ask(client, "QUIT\r\n");
  Record record;
  std::optional<Login::Outcome> outcome;
  std::string answer;
  bench.environment().scope.Spawn(Attempt(bench, "alice", "a\nb", record, outcome, answer));
  bench.Settle();
  EXPECT_EQ(bench.pool_of(0).pool.counts().parked, 1u);
}

TEST(LoginTest, AGoodOneLogsIn) {
  SessionBench bench;
  Record record;
  std::optional<Login::Outcome> outcome;
  std::string answer;
  bench.environment().scope.Spawn(Attempt(bench, "alice", " s e=c\"ret ", record, outcome, answer));
  ASSERT_TRUE(bench.Run([&] { return outcome.has_value(); }, seconds(1)));
  EXPECT_EQ(*outcome, Login::Outcome::kLoggedIn);
  EXPECT_EQ(bench.node(0).received(), "USER alice\r\nPASS  s e=c\"ret \r\n");
}

}  // namespace
}  // namespace poplar::session
