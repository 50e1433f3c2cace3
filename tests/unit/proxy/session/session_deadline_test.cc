// Every login ends within its deadline, whatever the node does (DESIGN section 5; the pools' waits
// included).
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>

#include "proxy/pop3/reply.h"
#include "tests/unit/proxy/session/session_bench.h"

namespace poplar::session {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::seconds;
using Then = upstream::ScriptedNode::Answer::Then;

constexpr seconds kDeadline(10);

struct Behaviour {
  const char* name;
  std::function<void(SessionBench&)> begin;
  const char* dribble = "";  // sent again and again
};

void Greet(SessionBench& bench, upstream::ScriptedNode::Answer answer) {
  for (size_t node : {0u, 1u}) bench.node(node).set_greeting(answer);
}

void Answer(SessionBench& bench, const char* command, upstream::ScriptedNode::Answer answer) {
  for (size_t node : {0u, 1u}) bench.node(node).set_answer(command, answer);
}

void FillPools(SessionBench& bench) {
  for (size_t node : {0u, 1u}) {
    balancer::PoolLimits limits = bench.pool_of(node).pool.limits();
    limits.size = 1;
    bench.pool_of(node).pool.SetLimits(limits);
  }
  bench.LogIn(bench.Connect());
}

// Alice's session lies parked; whoever comes with another password has to wait for its goodbye.
void ParkSilently(SessionBench& bench) {
  upstream::DrivenPeer& client = bench.Connect();
  bench.LogIn(client, "alice", "another");
  bench.Ask(client, "QUIT\r\n");
  client.HalfClose();
  Answer(bench, "QUIT", {""});
  Answer(bench, "PASS", {""});
}

const Behaviour kBehaviours[] = {
    {"Refuses",
     [](SessionBench& bench) {
       for (size_t node : {0u, 1u}) bench.node(node).StopListening();
     }},
    {"Vanishes",
     [](SessionBench& bench) {
       for (size_t node : {0u, 1u}) bench.network().Vanish(bench.node(node).address());
     }},
    {"NeverGreets", [](SessionBench& bench) { Greet(bench, {""}); }},
    {"DribblesItsGreeting", [](SessionBench& bench) { Greet(bench, {"+OK "}); }, "x"},
    {"RefusesAtTheGreeting", [](SessionBench& bench) { Greet(bench, {"-ERR full\r\n"}); }},
    {"ClosesAtTheGreeting", [](SessionBench& bench) { Greet(bench, {"", Then::kClose}); }},
    {"SilentAtUser", [](SessionBench& bench) { Answer(bench, "USER", {""}); }},
    {"ClosesAtUser", [](SessionBench& bench) { Answer(bench, "USER", {"", Then::kClose}); }},
    {"DribblesAtUser", [](SessionBench& bench) { Answer(bench, "USER", {"+OK"}); }, " "},
    {"SilentAtPass", [](SessionBench& bench) { Answer(bench, "PASS", {""}); }},
    {"DribblesAtPass", [](SessionBench& bench) { Answer(bench, "PASS", {"+"}); }, "O"},
    {"ClosesAtPass", [](SessionBench& bench) { Answer(bench, "PASS", {"", Then::kClose}); }},
    {"AlwaysInUse", [](SessionBench& bench) { Answer(bench, "PASS", {"-ERR [IN-USE] x\r\n"}); }},
    {"InUseAndNeverSaysGoodbye",
     [](SessionBench& bench) {
       Answer(bench, "PASS", {"-ERR [IN-USE] x\r\n"});
       Answer(bench, "QUIT", {""});
     }},
    {"PoolIsFull", FillPools},
    {"ParkedOneNeverSaysGoodbye", ParkSilently},
};

struct DeadlineCase {
  Behaviour behaviour;
  const char* rules;
  seconds timeouts;       // of the upstream
  milliseconds dawdling;  // of the client
};

class DeadlineTest : public testing::TestWithParam<DeadlineCase> {
 protected:
  static SessionBench::Options Options() {
    SessionBench::Options options{
        .nodes = 2,
        .shared_storage = true,
        .upstream = {.connect = GetParam().timeouts, .response = GetParam().timeouts},
        .pool = {.warm = 0, .max_snapshot_age = seconds(60)},
        .pool_wait = hours(1),
        .login = {.in_use_retries = 5, .in_use_backoff = seconds(2)}};
    options.timeouts.login = kDeadline;
    const std::string rules = GetParam().rules;
    if (rules == "Lenient") options.health.consecutive_failures = 0;
    if (rules == "HoldingDown") {
      options.health.ejection_time = options.health.ejection_time_max = hours(1);
      options.health.hold_down = hours(1);
    }
    return options;
  }
};

TEST_P(DeadlineTest, EndsTheLogin) {
  SessionBench bench(Options());
  GetParam().behaviour.begin(bench);
  upstream::DrivenPeer& client = bench.Connect();
  const io::Time begun = bench.Now();
  client.Send("USER alice\r\n");
  bench.Settle(milliseconds(10) + GetParam().dawdling);
  EXPECT_EQ(client.received(), pop3::kReplyUserAccepted);
  client.Forget();
  client.Send("PASS secret\r\n");
  const auto told = [&client] {
    return !client.received().empty() || client.end() != upstream::DrivenPeer::End::kOpen;
  };
  for (int i = 0; i < 600 && !told(); ++i) {
    bench.Run(told, milliseconds(20));
    if (*GetParam().behaviour.dribble == '\0' || i % 10 != 0) continue;
    for (size_t node : {0u, 1u}) {
      if (bench.node(node).connections().empty()) continue;
      bench.node(node).last().Send(GetParam().behaviour.dribble);
    }
  }
  EXPECT_TRUE(told());
  EXPECT_LE(bench.Now() - begun, kDeadline + milliseconds(50));
  EXPECT_THAT(client.received(), testing::StartsWith("-ERR [")) << client.received();
}

std::vector<DeadlineCase> AllCases() {
  std::vector<DeadlineCase> cases;
  for (const Behaviour& behaviour : kBehaviours) {
    for (const char* rules : {"OneStrike", "Lenient", "HoldingDown"}) {
      for (const seconds timeouts : {seconds(3), seconds(30)}) {
        for (const milliseconds dawdling : {milliseconds(0), milliseconds(9500)}) {
          cases.push_back({behaviour, rules, timeouts, dawdling});
        }
      }
    }
  }
  return cases;
}

INSTANTIATE_TEST_SUITE_P(Table, DeadlineTest, testing::ValuesIn(AllCases()), [](const auto& info) {
  return std::string(info.param.behaviour.name) + info.param.rules +
         (info.param.timeouts > kDeadline ? "Patient" : "") +
         (info.param.dawdling.count() > 0 ? "Dawdler" : "");
});

// --- and so does an abort, wherever it is

TEST(SessionDeadlineTest, AbortWhileAParkedOneDoesNotSayGoodbye) {
  SessionBench bench({.nodes = 2, .pool = {.warm = 0, .max_snapshot_age = seconds(60)}});
  ParkSilently(bench);
  bench.Settle(seconds(2));
  upstream::DrivenPeer& client = bench.Connect();
  EXPECT_EQ(bench.LogIn(client), "");
  bench.AbortAll();
  EXPECT_EQ(bench.RunToEnd(milliseconds(100)).reason, EndReason::kShutdown);
}

}  // namespace
}  // namespace poplar::session
