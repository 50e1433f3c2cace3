#include "proxy/cli/route_command.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <fstream>
#include <sstream>
#include <string>

#include "proxy/directory/user_map_builder.h"

namespace poplar::cli {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

// The certificate does not exist: routing needs none.
constexpr char kConfig[] = R"(
listeners:
  - {name: pop3s, address: "127.0.0.1:0", cluster: shared}
tls: {certificates: [{certificate: /no/such.pem}]}
user_names: {default_domain: Example.org}
admin: {enabled: no}
health: {hold_down: 20s}
clusters:
  - name: other
    nodes: [{name: solo, address: "127.0.0.1:1110"}]
  - name: shared
    shared_storage: yes
    health: {hold_down: 7s}
    nodes:
      - {name: n1, address: "127.0.0.1:1111"}
      - {name: n2, address: "127.0.0.1:1112", weight: 50, state: drain}
)";

struct Outcome {
  int status = 0;
  std::string out;
  std::string err;
};

Outcome Route(RouteOptions options, const std::string& config = kConfig) {
  options.config_path = testing::TempDir() + "route_command_test.yaml";
  std::ofstream(options.config_path) << config;
  std::ostringstream out;
  std::ostringstream err;
  const int status = RunRoute(options, out, err);
  return {status, out.str(), err.str()};
}

TEST(RunRoute, PrintsTheOrderOfEachUser) {
  const Outcome outcome = Route({.users = {"Anna", "bob@example.net"}});
  EXPECT_EQ(outcome.status, 0) << outcome.err;
  EXPECT_EQ(outcome.err, "");
  EXPECT_THAT(outcome.out, StartsWith("Anna (anna@example.org), cluster shared:\n  1. n"));
  EXPECT_THAT(outcome.out, HasSubstr("\n\nbob@example.net, cluster shared:\n  1. n"));
  EXPECT_THAT(outcome.out, HasSubstr("  weight   50  score "));
  EXPECT_THAT(outcome.out, HasSubstr("  drained: takes no new users\n"));
}

TEST(RunRoute, TakesTheClusterNamed) {
  const Outcome outcome = Route({.users = {"anna"}, .cluster = "other"});
  EXPECT_EQ(outcome.status, 0);
  EXPECT_THAT(outcome.out, StartsWith("anna (anna@example.org), cluster other:\n  1. solo  "));
  EXPECT_THAT(outcome.out, HasSubstr("  home: the only node\n"));
}

TEST(RunRoute, TakesTheFirstClusterWhenTheFirstListenerNamesNone) {
  std::string config = kConfig;
  const std::string named = ", cluster: shared";
  config.erase(config.find(named), named.size());
  EXPECT_THAT(Route({.users = {"anna"}}, config).out, HasSubstr("cluster other:"));
}

TEST(RunRoute, ReadsTheHoldDownOfTheCluster) {
  std::string config = kConfig;
  const std::string drained = ", state: drain";
  config.erase(config.find(drained), drained.size());
  EXPECT_THAT(Route({.users = {"anna"}}, config).out, HasSubstr("out for hold_down 7s\n"));
}

TEST(RunRoute, WritesJson) {
  const Outcome outcome =
      Route({.users = {"Anna", "b\xc3\xb6\"b"}, .cluster = "other", .format = RouteFormat::kJson});
  EXPECT_EQ(outcome.status, 0);
  EXPECT_THAT(
      outcome.out,
      StartsWith("[{\"user\":\"Anna\",\"canonical\":\"anna@example.org\",\"route\":null,"
                 "\"asks_first\":[],\"cluster\":\"other\",\"node\":null,\"login\":null,"
                 "\"move\":null,\"running\":false,\"asked_now\":null,\"nodes\":[{\"name\":\"solo\","
                 "\"address\":\"127.0.0.1:1110\","
                 "\"weight\":100,\"state\":\"up\",\"cost\":"));
  EXPECT_THAT(outcome.out,
              HasSubstr(",\"reason\":\"home: the only node\",\"now\":null}]},\n {\"user\":"
                        "\"b\xc3\xb6\\\"b\","));
  EXPECT_TRUE(outcome.out.ends_with("}]}]\n"));
}

TEST(RunRoute, SaysWhichNameIsNoUserAndShowsTheOthers) {
  const Outcome outcome = Route({.users = {"", "an\nna", std::string(600, 'x'), "bob"}});
  EXPECT_EQ(outcome.status, 1);
  EXPECT_THAT(outcome.err, StartsWith("poplar: error: \"\" cannot be a user: empty user name\n"
                                      "poplar: error: \"an\\x0ana\" cannot be a user: control "
                                      "character in user name\n"));
  EXPECT_THAT(outcome.err, HasSubstr("cannot be a user: user name too long\n"));
  EXPECT_THAT(outcome.out, StartsWith("bob (bob@example.org)"));
  EXPECT_EQ(Route({.users = {""}, .format = RouteFormat::kJson}).out, "[]\n");
}

TEST(RunRoute, SuggestsTheCluster) {
  const Outcome outcome = Route({.users = {"anna"}, .cluster = "othre"});
  EXPECT_EQ(outcome.status, 1);
  EXPECT_EQ(outcome.out, "");
  EXPECT_EQ(outcome.err, "poplar: error: unknown cluster \"othre\"; did you mean \"other\"?\n");
  EXPECT_EQ(Route({.users = {"anna"}, .cluster = "zzzzzzzz"}).err,
            "poplar: error: unknown cluster \"zzzzzzzz\"\n");
}

TEST(RunRoute, RefusesAFaultyFile) {
  const Outcome outcome = Route({.users = {"anna"}}, std::string(kConfig) + "limts: {}\n");
  EXPECT_EQ(outcome.status, 1);
  EXPECT_EQ(outcome.out, "");
  EXPECT_THAT(outcome.err, HasSubstr("did you mean \"limits\"?"));
  RouteOptions options{.config_path = "/no/such.yaml", .users = {"anna"}};
  std::ostringstream out;
  std::ostringstream err;
  EXPECT_EQ(RunRoute(options, out, err), 1);
  EXPECT_THAT(err.str(), HasSubstr("cannot be read"));
}

TEST(RunRoute, FailsWhenTheTextCannotBeWritten) {
  RouteOptions options{.config_path = testing::TempDir() + "route_command_test.yaml",
                       .users = {"anna"}};
  std::ofstream(options.config_path) << kConfig;
  std::ostringstream out;
  out.setstate(std::ios::badbit);
  std::ostringstream err;
  EXPECT_EQ(RunRoute(options, out, err), 1);
}

// Rules by domain, host name and map; a directory in between.
std::string RoutesConfig(const std::string& map) {
  return std::string(kConfig) + R"(
routes:
  - {name: by-domain, domains: [old.example], cluster: other}
  - {name: by-name, server_names: [old.example.org], cluster: other}
  - {name: by-directory, users: "asked@.*", directory: auth}
  - {name: by-map, user_map: )" +
         map + R"(}
directories: [{name: auth, http: {urls: ["http://127.0.0.1:1/"]}}]
)";
}

class RouteRules : public testing::Test {
 protected:
  void SetUp() override {
    map_ = testing::TempDir() + "route_command_test.map";
    directory::UserMapBuilder builder({});
    builder.AddLine("bob@example.org shared/n1 b4711");
    builder.AddLine("lost@example.org nowhere");
    std::ofstream(map_, std::ios::binary) << builder.Build();
    config_ = RoutesConfig(map_);
  }
  std::string map_;
  std::string config_;
};

TEST_F(RouteRules, NamesTheRule) {
  const Outcome outcome = Route({.users = {"anna@old.example", "anna"}}, config_);
  EXPECT_EQ(outcome.status, 0) << outcome.err;
  EXPECT_THAT(outcome.out, StartsWith("anna@old.example, cluster other, by route by-domain:\n"));
  EXPECT_THAT(outcome.out, HasSubstr("anna (anna@example.org), cluster shared:\n  (route by-map: "
                                     "not in " +
                                     map_ + ")\n"));
}

TEST_F(RouteRules, KnowsByWhichNameTheyCome) {
  EXPECT_THAT(Route({.users = {"anna"}, .server_name = "Old.example.org"}, config_).out,
              HasSubstr("cluster other, by route by-name:"));
}

TEST_F(RouteRules, ReadsTheMap) {
  const Outcome outcome = Route({.users = {"bob"}}, config_);
  EXPECT_THAT(outcome.out, HasSubstr("cluster shared, by route by-map, there called b4711:\n"));
  EXPECT_THAT(outcome.out, HasSubstr("  1. n1 "));
  EXPECT_THAT(outcome.out, HasSubstr("home: the user's own node, whatever the scores\n"));
  const Outcome json = Route({.users = {"bob"}, .format = RouteFormat::kJson}, config_);
  EXPECT_THAT(json.out, HasSubstr(R"("route":"by-map","asks_first":[],"cluster":"shared",)"
                                  R"("node":"n1","login":"b4711")"));
}

TEST_F(RouteRules, SaysWhatOnlyARunningPoplarCanFindOut) {
  const Outcome outcome = Route({.users = {"asked"}}, config_);
  EXPECT_THAT(outcome.out, HasSubstr("  (route by-directory: directory auth is asked, "));
  EXPECT_THAT(Route({.users = {"asked"}, .format = RouteFormat::kJson}, config_).out,
              HasSubstr(R"("asks_first":["auth"])"));
}

TEST_F(RouteRules, RefusesMapsAndPlacesThatThereAreNot) {
  const Outcome lost = Route({.users = {"lost"}}, config_);
  EXPECT_EQ(lost.status, 1);
  EXPECT_THAT(lost.err, HasSubstr("has lost@example.org at \"nowhere\", which is no cluster"));
  const Outcome none = Route({.users = {"bob"}}, RoutesConfig(map_ + ".none"));
  EXPECT_EQ(none.status, 1);
  EXPECT_THAT(none.err, HasSubstr("cannot be read"));
  EXPECT_THAT(Route({.users = {"bob"}, .listener = "pop3"}, config_).err,
              HasSubstr("unknown listener \"pop3\"; did you mean \"pop3s\"?"));
}

TEST_F(RouteRules, TakesAHostForItsOnlyNode) {
  directory::UserMapBuilder builder({});
  builder.AddLine("bob@example.org Mail-1.example.org");
  builder.AddLine("lost@example.org 127.0.0.1");
  std::ofstream(map_, std::ios::binary) << builder.Build();
  config_.replace(config_.find("127.0.0.1:1111"), strlen("127.0.0.1"), "mail-1.example.org");
  EXPECT_THAT(Route({.users = {"bob"}}, config_).out, HasSubstr("  1. n1 "));
  EXPECT_THAT(Route({.users = {"lost"}}, config_).err,
              HasSubstr("has lost@example.org at \"127.0.0.1\", a host that several nodes are on; "
                        "host:port or cluster/node would tell which\n"));
}

TEST(RunRoute, SaysThatNoRunningOneWasAsked) {
  EXPECT_THAT(Route({.users = {"anna"}}).out,
              testing::EndsWith("\n\nNo running Poplar is asked (admin.enabled is no): moves as in "
                                "the file, and how the nodes are now isn't known.\n"));
}

TEST(RunRoute, FollowsMoves) {
  const std::string config = std::string(kConfig) + R"(
moves:
  - {name: some, from: shared, to: other, users: [anna]}
  - {name: rest, from: shared, to: other, percent: 0}
)";
  const Outcome outcome = Route({.users = {"anna", "bob"}}, config);
  EXPECT_EQ(outcome.status, 0) << outcome.err;
  EXPECT_THAT(
      outcome.out,
      StartsWith("anna (anna@example.org), cluster other, by move some:\n  (move some, from "
                 "shared to other: 100 percent are moved, this user once it is more than "));
  EXPECT_THAT(outcome.out, HasSubstr("bob (bob@example.org), cluster shared:\n  (move rest, from "
                                     "shared to other: 0 percent are moved, this user once"));
  const Outcome json = Route({.users = {"anna"}, .format = RouteFormat::kJson}, config);
  EXPECT_THAT(json.out, HasSubstr(R"("cluster":"other","node":null,"login":null,"move":{"name":)"
                                  R"("some","from":"shared","to":"other","percent":100,)"));
  EXPECT_THAT(json.out, HasSubstr(R"(,"moved":true},"running":false)"));
  // Whoever asks for a cluster means that one.
  EXPECT_THAT(Route({.users = {"anna"}, .cluster = "shared"}, config).out,
              StartsWith("anna (anna@example.org), cluster shared:\n  1. "));
}

}  // namespace
}  // namespace poplar::cli
