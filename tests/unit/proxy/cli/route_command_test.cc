#include "proxy/cli/route_command.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <sstream>
#include <string>

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
  EXPECT_THAT(outcome.out,
              StartsWith("[{\"user\":\"Anna\",\"canonical\":\"anna@example.org\",\"cluster\":"
                         "\"other\",\"nodes\":[{\"name\":\"solo\",\"address\":\"127.0.0.1:1110\","
                         "\"weight\":100,\"state\":\"up\",\"cost\":"));
  EXPECT_THAT(outcome.out, HasSubstr(",\"reason\":\"home: the only node\"}]},\n {\"user\":"
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

}  // namespace
}  // namespace poplar::cli
