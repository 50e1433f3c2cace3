#include "proxy/config/check_balancing.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "proxy/config/check.h"
#include "proxy/config/read.h"

namespace poplar::config {
namespace {

struct Case {
  std::string global;   // lines of the top level, from line 1 on
  std::string cluster;  // more settings of the cluster, on its line; each ends in ", "
  std::string node;     // of the second of its nodes, likewise
  std::string problems;
};

std::string Text(const Case& c) {
  return c.global + "\nlisteners: [{name: pop3s, address: \"[::]:995\"}]\n" +
         "tls: {certificates: [{certificate: a.pem}]}\n" + "clusters: [{" + c.cluster +
         "name: mail, nodes: [{name: a, address: \"a:110\"}, {" + c.node +
         "name: b, address: \"b:110\"}]}]\n";
}

// "line:column severity path: message" for each problem, one a line.
std::string Check(const Case& c) {
  const ReadResult read = Read({"poplar.yaml", Text(c)});
  EXPECT_TRUE(read.problems.empty())
      << Text(c) << read.problems[0].path << ": " << read.problems[0].message;
  std::string shown;
  for (const Problem& p : CheckMeaning(read.config, read.positions)) {
    EXPECT_NE(p.expected, "");
    shown += std::to_string(p.at.line) + ":" + std::to_string(p.at.column) +
             (p.severity == Severity::kError ? " error " : " warning ") + p.path + ": " +
             p.message + "\n";
  }
  return shown;
}

void ExpectProblems(const std::vector<Case>& cases) {
  for (const Case& c : cases) EXPECT_EQ(Check(c), c.problems) << Text(c);
}

TEST(CheckBalancing, WarmConnectionsFitIntoTheSlots) {
  const std::string message = "warm is 2, but size allows 1 connections in all\n";
  ExpectProblems({
      {"pool: {size: 1, warm: 2}", "", "", "1:23 error pool.warm: " + message},
      {"pool: {size: 1}", "", "", "1:14 error pool.size: " + message},
      {"pool: {size: 2, warm: 2}", "", "", ""},
      {"pool: {size: 0, warm: 1000}", "", "", ""},
      {"pool: {size: 1, warm: 0}", "", "", ""},
      {"", "pool: {size: 1}, ", "", "4:26 error clusters[0].pool.size: " + message},
      {"", "", "pool: {size: 1}, ", "4:76 error clusters[0].nodes[1].pool.size: " + message},
      {"pool: {size: 1}", "pool: {size: 5}, ", "", ""},
      {"pool: {size: 1}", "", "pool: {warm: 1}, ", "1:14 error pool.size: " + message},
      {"pool: {warm: 9}", "pool: {size: 10}, ", "pool: {warm: 11}, ",
       "4:94 error clusters[0].nodes[1].pool.warm: warm is 11, but size allows 10 connections in "
       "all\n"},
  });
}

TEST(CheckBalancing, NobodyWaitsBeyondTheLogin) {
  ExpectProblems({
      {"pool: {wait_timeout: 61s}", "", "",
       "1:22 warning pool.wait_timeout: 61s is longer than timeouts.login (1m), which ends the "
       "wait\n"},
      {"pool: {wait_timeout: 60s}", "", "", ""},
      {"timeouts: {login: 10s}", "", "", ""},
      {"timeouts: {login: 10s}", "pool: {wait_timeout: 11s}, ", "",
       "4:34 warning clusters[0].pool.wait_timeout: 11s is longer than timeouts.login (10s), which "
       "ends the wait\n"},
      {"timeouts: {login: 10s}", "pool: {wait_timeout: 10s}, ", "", ""},
  });
}

TEST(CheckBalancing, WarmConnectionsAreRenewedBeforeTheNodeEndsThem) {
  ExpectProblems({
      {"pool: {warm_max_age: 3m}", "", "", ""},
      {"pool: {warm_max_age: 181s}", "", "",
       "1:22 warning pool.warm_max_age: 181s is longer than Dovecot keeps a connection that does "
       "not log in\n"},
      {"pool: {warm_max_age: 181s, warm: 0}", "", "", ""},
  });
}

TEST(CheckBalancing, NothingWaitsWarmBehindAProxyHeader) {
  const std::string message =
      "no connection is kept warm to a node with proxy_protocol: its header comes first and names "
      "the client\n";
  ExpectProblems({
      {"", "", "proxy_protocol: v1, ", ""},
      {"pool: {warm: 3}", "", "proxy_protocol: v1, ", "1:14 warning pool.warm: " + message},
      {"pool: {warm: 0}", "", "proxy_protocol: v2, ", ""},
      {"pool: {warm: 3}", "", "proxy_protocol: none, ", ""},
      {"", "", "proxy_protocol: v2, pool: {warm: 3}, ",
       "4:96 warning clusters[0].nodes[1].pool.warm: " + message},
  });
}

TEST(CheckBalancing, ProbesDoNotOverlap) {
  ExpectProblems({
      {"health: {timeout: 5s}", "", "",
       "1:19 warning health.timeout: a probe may take 5s, but the next one is due after 5s\n"},
      {"health: {interval: 3s}", "", "",
       "1:20 warning health.interval: a probe may take 3s, but the next one is due after 3s\n"},
      {"health: {timeout: 4999ms}", "", "", ""},
      {"health: {timeout: 9s, probe: off}", "", "", ""},
      {"", "health: {interval: 2s}, ", "",
       "4:32 warning clusters[0].health.interval: a probe may take 3s, but the next one is due "
       "after 2s\n"},
      {"health: {fast_interval: 6s}", "", "",
       "1:25 warning health.fast_interval: 6s is slower than interval (5s)\n"},
  });
}

TEST(CheckBalancing, ALoginProbeNeedsAnAccount) {
  ExpectProblems({
      {"health: {probe: login}", "", "",
       "1:17 error health.probe: probe: login needs a user\n"
       "1:17 error health.probe: probe: login needs a password_file\n"},
      {"health: {probe: login, user: p, password_file: f}", "", "", ""},
      {"", "health: {probe: login, user: p}, ", "",
       "4:29 error clusters[0].health.probe: probe: login needs a password_file\n"},
      {"health: {probe: login, user: p}", "health: {password_file: f}, ", "", ""},
      {"health: {probe: login}", "health: {probe: capa}, ", "", ""},
  });
}

TEST(CheckBalancing, EjectionsHaveASensibleLength) {
  ExpectProblems({
      {"health: {ejection_time_max: 29s}", "", "",
       "1:29 error health.ejection_time_max: ejection_time_max (29s) is less than ejection_time "
       "(30s)\n"},
      {"health: {ejection_time_max: 30s}", "", "", ""},
      {"", "health: {ejection_time: 6m}, ", "",
       "4:37 error clusters[0].health.ejection_time: ejection_time_max (5m) is less than "
       "ejection_time (6m)\n"},
  });
}

TEST(CheckBalancing, SomethingFindsADeadNode) {
  ExpectProblems({
      {"health: {probe: off, consecutive_failures: 0, failure_percent: 0}", "", "",
       "1:17 warning health.probe: nothing can find a dead node: probe is off, and so are "
       "consecutive_failures and failure_percent\n"},
      {"health: {probe: off, consecutive_failures: 0}", "", "", ""},
  });
}

TEST(CheckBalancing, OnlyWithSharedStorageMayAnyNodeServeAnybody) {
  ExpectProblems({
      {"", "affinity: none, ", "",
       "4:23 error clusters[0].affinity: affinity: none lets any node serve any user, but "
       "shared_storage is no\n"},
      {"", "affinity: none, shared_storage: yes, ", "", ""},
      {"", "affinity: none, shared_storage: yes, user_sessions: 2, ", "",
       "4:65 warning clusters[0].user_sessions: with affinity: none nobody keeps count of a user's "
       "sessions\n"},
      {"", "affinity: none, shared_storage: yes, maildrop_lock: exclusive, ", "",
       "4:23 warning clusters[0].affinity: with maildrop_lock: exclusive two nodes compete for a "
       "user's lock\n"},
      {"", "maildrop_lock: exclusive, ", "", ""},
  });
}

TEST(CheckBalancing, ResumptionOutlastsTheHoldDown) {
  const auto message = [](const std::string& deadline, const std::string& hold_down) {
    return "resume.deadline (" + deadline +
           ") ends before users may move to another node (health.hold_down: " + hold_down +
           "), so sessions are resumed only where their node itself comes back\n";
  };
  ExpectProblems({
      {"", "shared_storage: yes, ", "", ""},
      {"resume: {deadline: 10s}", "shared_storage: yes, ", "",
       "1:20 warning resume.deadline: " + message("10s", "10s")},
      {"resume: {deadline: 10001ms}", "shared_storage: yes, ", "", ""},
      {"health: {hold_down: 15s}", "shared_storage: yes, ", "",
       "1:21 warning health.hold_down: " + message("15s", "15s")},
      {"health: {hold_down: 1m}", "shared_storage: yes, resume: {deadline: 20s}, ", "",
       "4:53 warning clusters[0].resume.deadline: " + message("20s", "1m")},
      {"resume: {deadline: 5m}", "shared_storage: yes, health: {hold_down: 6m}, ", "",
       "4:54 warning clusters[0].health.hold_down: " + message("5m", "6m")},
      {"resume: {deadline: 1s}", "shared_storage: yes, health: {hold_down: 0s}, ", "", ""},
      // Where nobody moves, or nobody is resumed, the one has nothing to do with the other.
      {"resume: {deadline: 10s}", "", "", ""},
      {"resume: {deadline: 10s}", "shared_storage: yes, affinity: none, ", "", ""},
      {"resume: {deadline: 10s}", "shared_storage: yes, resume: off, ", "", ""},
      {"resume: {deadline: 10s, enabled: no}", "shared_storage: yes, ", "", ""},
  });
}

TEST(CheckBalancing, OnlyWithSharedStorageIsAnybodyResumed) {
  const std::string message =
      "warning clusters[0].resume: no session is resumed without shared_storage: yes: another "
      "node would not have its mail\n";
  ExpectProblems({
      {"", "resume: on, ", "", "4:21 " + message},
      {"", "resume: {deadline: 20s}, ", "", "4:13 " + message},
      {"", "resume: {enabled: yes}, ", "", "4:13 " + message},
      {"", "resume: off, ", "", ""},
      {"", "resume: {}, ", "", ""},
      {"resume: on", "", "", ""},
      {"", "shared_storage: yes, resume: on, ", "", ""},
  });
}

TEST(CheckBalancing, SomeNodeServes) {
  const auto check = [](const std::string& first, const std::string& second) {
    Config config;
    config.clusters = {{"mail", true, {{.name = "a"}, {.name = "b"}}}};
    Positions positions;
    const std::string settings[] = {first, second};
    for (size_t i = 0; i < 2; ++i) {
      const std::string& setting = settings[i];
      NodeConfig& node = config.clusters[0].nodes[i];
      if (setting == "drain") node.state = NodeState::kDrain;
      if (setting == "down") node.state = NodeState::kDown;
      if (setting == "weight 0") node.weight = 0;
      if (setting == "unread") positions.MarkUnread("clusters[0].nodes[1]");
    }
    Findings findings(positions);
    CheckBalancing(config, findings);
    std::string shown;
    for (const Problem& p : findings.Take()) shown += p.path + ": " + p.message + "\n";
    return shown;
  };
  EXPECT_EQ(check("", ""), "");
  EXPECT_EQ(check("drain", ""), "");
  EXPECT_EQ(check("drain", "unread"), "");
  EXPECT_EQ(check("drain", "down"), "clusters[0].nodes: no node is up: nobody can log in\n");
  EXPECT_EQ(check("weight 0", ""), "");
  EXPECT_EQ(check("weight 0", "unread"), "");
  EXPECT_EQ(check("weight 0", "weight 0"),
            "clusters[0].nodes: every node has weight 0, so none is preferred\n");
}

// What Read could not take must not be blamed a second time through its default.
TEST(CheckBalancing, PassesOverWhatWasNotRead) {
  for (const char* text : {
           "pool: {size: 1, warm: x}\n",
           "pool: {size: 1, wram: 1}\n",
           "health: {probe: login, usr: x, password_fil: y}\n",
           "health: {ejection_time_max: 1s, ejection_time: 1}\n",
           "timeouts: {login: x}\npool: {wait_timeout: 30m}\n",
           "timeouts: 5\npool: {wait_timeout: 30m}\n",
           "health: {hold_down: x}\nresume: {deadline: 1s}\n",
           "health: {hold_down: 20s}\nresume: maybe\n",
       }) {
    const ReadResult read =
        Read({"poplar.yaml", std::string(text) + "clusters: [{name: c, nodes: [{name: n, address: "
                                                 "\"n:1\"}]}]\n"});
    EXPECT_GE(read.problems.size(), 2u) << text;  // this one, and no listeners
    for (const Problem& p : CheckMeaning(read.config, read.positions))
      ADD_FAILURE() << p.path << ": " << p.message;
  }
}

}  // namespace
}  // namespace poplar::config
