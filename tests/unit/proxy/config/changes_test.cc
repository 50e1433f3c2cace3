#include "proxy/config/changes.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <cstdlib>

#include "proxy/config/override.h"
#include "proxy/config/print.h"
#include "proxy/config/read.h"
#include "proxy/config/references.h"
#include "proxy/config/single_values.h"

namespace poplar::config {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

Config Sample() {
  Config config = ExampleConfig();
  config.clusters.push_back({.name = "old", .nodes = {{.name = "o1", .address = "o1:110"}}});
  config.clusters[0].nodes.push_back({.name = "mail-2", .address = "mail-2.internal:110"});
  config.routes = {{.name = "a", .cluster = "mail"}, {.name = "b", .cluster = "old"}};
  return config;
}

Changes CompareTo(const Config& wanted) {
  const Config running = Sample();
  return Compare({running, {}}, {wanted, {}});
}

std::vector<std::string> Show(const Changes& changes) {
  std::vector<std::string> lines;
  for (const Change& each : changes.all) lines.push_back((each.live ? "" : "later ") + Text(each));
  return lines;
}

TEST(Compare, OfTheSameIsEmpty) {
  const Changes changes = CompareTo(Sample());
  EXPECT_THAT(changes.all, IsEmpty());
  EXPECT_EQ(changes.applied, Sample());
}

TEST(Compare, ShowsEachKindOfValue) {
  Config wanted = Sample();
  wanted.pool.size = 20;
  wanted.timeouts.login = std::chrono::seconds(30);
  wanted.log.level = LogLevel::kDebug;
  wanted.listeners[0].logins = {"PLAIN"};
  wanted.tls.session_tickets = false;
  wanted.tls.certificates[0].key = "/k";
  wanted.admission.byte_rate = KiB(1);
  const Changes changes = CompareTo(wanted);
  EXPECT_THAT(Show(changes),
              ElementsAre("listeners[pop3s].logins: [] -> [\"PLAIN\"]",
                          "tls.certificates[0].key: \"/etc/poplar/tls/key.pem\" -> \"/k\"",
                          "tls.session_tickets: yes -> no", "pool.size: 0 -> 20",
                          "timeouts.login: 1m -> 30s", testing::StartsWith("admission.byte_rate: "),
                          "log.level: info -> debug"));
  EXPECT_EQ(changes.applied, wanted);
}

TEST(Compare, KnowsItemsByTheirNames) {
  Config wanted = Sample();
  wanted.clusters[0].nodes.erase(wanted.clusters[0].nodes.begin());
  wanted.clusters[0].nodes[0].weight = 7;
  wanted.clusters[0].nodes.push_back({.name = "mail-3", .address = "m3:110"});
  std::swap(wanted.routes[0], wanted.routes[1]);
  Set(wanted.clusters[1].pool, &PoolConfig::size, 3);
  const Changes changes = CompareTo(wanted);
  EXPECT_THAT(Show(changes), ElementsAre("clusters[mail].nodes[mail-1]: gone",
                                         "clusters[mail].nodes[mail-2].weight: 100 -> 7",
                                         "clusters[mail].nodes[mail-3]: new",
                                         "clusters[old].pool.size: as above -> 3",
                                         "routes, order: [\"a\", \"b\"] -> [\"b\", \"a\"]"));
  EXPECT_EQ(changes.applied, wanted);
}

TEST(Compare, WhatIsNotLiveKeepsItsValue) {
  Config wanted = Sample();
  wanted.workers = 9;
  wanted.listeners[0].address = "[::]:996";
  wanted.listeners[0].require_tls = false;
  wanted.clusters[0].shared_storage = true;
  wanted.clusters.erase(wanted.clusters.begin() + 1);
  wanted.clusters.insert(wanted.clusters.begin(), ClusterConfig{.name = "new"});
  wanted.clusters[0].nodes = {{.name = "n", .address = "n:110"}};
  wanted.directories = {{.name = "d"}};
  wanted.pool.size = 5;
  const Changes changes = CompareTo(wanted);
  EXPECT_THAT(
      Show(changes),
      ElementsAre("later workers: 0 -> 9",
                  "later listeners[pop3s].address: \"[::]:995\" -> \"[::]:996\"",
                  "listeners[pop3s].require_tls: yes -> no", "later clusters[old]: gone",
                  "later clusters[new]: new", "later clusters[mail].shared_storage: no -> yes",
                  "later directories[d]: new", "pool.size: 0 -> 5"))
      << testing::PrintToString(Show(changes));
  Config expected = Sample();
  expected.listeners[0].require_tls = false;
  expected.pool.size = 5;
  EXPECT_EQ(changes.applied, expected);
}

TEST(Compare, ShowsNoSecret) {
  ::setenv("POPLAR_CHANGES_TEST_A", "first-secret", 1);
  ::setenv("POPLAR_CHANGES_TEST_B", "second-secret", 1);
  const auto read = [](const std::string& name) {
    return Read({"poplar.yaml", "user_names: {default_domain: 'x-${env:POPLAR_CHANGES_TEST_" +
                                    name + "}', detail_separator: '" + name + "'}\n"});
  };
  const ReadResult one = read("A");
  const ReadResult two = read("B");
  EXPECT_THAT(Show(Compare({one.config, one.positions, one.references.values},
                           {two.config, two.positions, two.references.values})),
              ElementsAre("user_names.default_domain: *** -> ***",
                          "user_names.detail_separator: \"A\" -> \"B\""));
  // Where a list kept its items, places aren't those of the file.
  EXPECT_THAT(Show(Compare({one.config, {}, one.references.values},
                           {two.config, {}, two.references.values}))[0],
              "user_names.default_domain: *** -> ***");
}

TEST(WatchedFiles, AreAllButThoseThatAreWatchedElsewhere) {
  Config config = Sample();
  config.tls.ticket_key_file = "/keys";
  config.clusters[0].nodes[0].ca_file = "/ca";
  config.clusters[0].nodes[1].ca_file = "/ca";
  config.routes[0].user_map = "/map";
  config.trace.directory = "/traces";
  Set(config.clusters[1].health, &HealthConfig::password_file, "/probe");
  EXPECT_THAT(WatchedFiles(config),
              ElementsAre("/etc/poplar/tls/fullchain.pem", "/etc/poplar/tls/key.pem", "/keys",
                          "/ca", "/probe"));
}

// Visitor: which settings a reload takes, and which wait for the next start.
class Liveness : public SingleValues<Liveness> {
 public:
  Liveness(std::string path, bool live, std::vector<std::string>& out)
      : path_(std::move(path)), live_(live), out_(out) {}

  template <class Struct>
  void Section(std::string_view name, Struct& value, const About& about) {
    Liveness inside(ChildPath(path_, name), live_ && about.live, out_);
    Describe(inside, value);
  }
  template <class Struct>
  void List(std::string_view name, std::vector<Struct>& /*values*/, const About& about) {
    const bool live = live_ && about.live;
    Line(ChildPath(path_, name) + "[]", live && !about.fixed_items);
    Struct value;
    Liveness inside(ChildPath(path_, name) + "[]", live, out_);
    Describe(inside, value);
  }
  template <class Struct>
  void Overrides(std::string_view name, Override<Struct>& value, const About& about) {
    Section(name, value.values, about);
  }
  template <class Value>
  void Single(std::string_view name, Value& /*value*/, const About& about) {
    Line(ChildPath(path_, name), live_ && about.live);
  }

 private:
  void Line(const std::string& path, bool live) {
    if (!live) out_.push_back(path);
  }

  const std::string path_;
  const bool live_;
  std::vector<std::string>& out_;
};

// All others a running Poplar takes anew: see server_reload.cc, and proxy/RELOAD.md for operators.
TEST(Liveness, TheseWaitForTheNextStart) {
  Config config;
  std::vector<std::string> waiting;
  Liveness visitor("", true, waiting);
  Describe(visitor, config);
  std::vector<std::string> of_discovery;
  std::erase_if(waiting, [&of_discovery](const std::string& path) {
    if (!path.starts_with("clusters[].discovery.")) return false;
    of_discovery.push_back(path);
    return true;
  });
  EXPECT_THAT(
      waiting,
      ElementsAre("workers", "io", "listeners[]", "listeners[].address", "clusters[]",
                  "clusters[].shared_storage", "clusters[].affinity", "directories[]",
                  "limits.buffer_memory", "autoconfig.listen[]", "autoconfig.listen[].address",
                  "autoconfig.listen[].tls", "autoconfig.connections", "admin.enabled",
                  "admin.address", "log.output", "log.failed_logins", "shared_state.redis",
                  "shared_state.password_file", "shared_state.database", "shared_state.prefix",
                  "shared_state.timeout", "shared_state.lease"));
  EXPECT_GT(of_discovery.size(), 7u) << "all of it";
}

}  // namespace
}  // namespace poplar::config
